"""The values of a tensor whose weights are on the Hub: its own bytes are fetched, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from encoder_tui.core.hub import client, headers
from encoder_tui.core.parameters.statistics import TensorStatistics
from encoder_tui.engine.job import Job, JobCancelled, OperationError
from encoder_tui.engine.operations import tensor
from encoder_tui.protocol.frames import Progress
from encoder_tui.protocol.parameters import TensorRequest
from tests.support.fake_hub import FakeHub
from tests.support.hub_case import REPO, ranges

BIG = "embeddings.word_embeddings.weight"
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Weights in two files: one large tensor, and two small ones."""
    import torch
    from safetensors.torch import save_file

    monkeypatch.setattr(headers, "_known", {})
    folder = tmp_path / "repository"
    folder.mkdir()
    values = torch.randn(600, 96, generator=torch.Generator().manual_seed(1))
    shards = ({BIG: values, "a.weight": torch.ones(3)}, {"pooler.dense.weight": torch.full((4, 4), 2.0)})
    for file, tensors in zip(SHARDS, shards, strict=True):
        save_file(tensors, folder / file)
    weights = {name: file for file, tensors in zip(SHARDS, shards, strict=True) for name in tensors}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weights}))
    return folder


def read(fake: FakeHub, here: Path, job: Job | None = None, **more: Any) -> TensorStatistics:
    request = TensorRequest("a model", str(here), BIG, repo=REPO, commit=fake.commit(REPO))
    return tensor.run(msgspec.structs.replace(request, **more), job or Job(1, lambda message: None))


def fetched(fake: FakeHub) -> list[str]:
    """The ranges asked for that are no headers, without the redirected repetition."""
    return list(dict.fromkeys(r or "everything" for file in SHARDS for r in ranges(fake, file) if r != "bytes=0-63"))


def test_only_the_bytes_of_the_tensor_are_fetched_and_give_the_same_numbers(
    fake: FakeHub, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headers, "FIRST", 64)
    (tmp_path / "snapshot").mkdir()
    heard: list[Progress] = []
    found = read(fake, tmp_path / "snapshot", Job(1, lambda m: heard.append(m) if isinstance(m, Progress) else None))
    local = tensor.run(TensorRequest("a model", str(repository), BIG), Job(1, lambda message: None))
    assert found.file == f"{SHARDS[0]} on the Hub"
    assert msgspec.structs.replace(found, file="") == msgspec.structs.replace(local, file="")
    size = 600 * 96 * 4
    assert {one.total for one in heard if one.text == f"fetching {BIG}"} == {size}
    stretches = [tuple(map(int, r.removeprefix("bytes=").split("-"))) for r in fetched(fake)]
    assert sorted(end - start + 1 for start, end in stretches)[-1] == size
    assert sum(end - start + 1 for start, end in stretches) < size + 2_000, "and the headers"
    assert list((tmp_path / "snapshot").iterdir()) == []

    fake.requests.clear()
    second = read(fake, tmp_path / "snapshot", parameter="pooler.dense.weight")
    assert (second.mean, second.file) == (2.0, f"{SHARDS[1]} on the Hub")
    assert fetched(fake) == [f"bytes={start}-{start + 63}" for start in [int(fetched(fake)[0][6:].split("-")[0])]]


def test_a_connection_that_is_cut_is_resumed(fake: FakeHub, tmp_path: Path) -> None:
    read(fake, tmp_path)
    expected = read(fake, tmp_path)
    fake.fault(f"/storage/*{SHARDS[0]}", "cut", times=3)
    assert read(fake, tmp_path) == expected
    fake.fault(f"/storage/*{SHARDS[0]}", "cut at once")
    with pytest.raises(
        OperationError, match=r"was lost while fetching model-00001-of-00002\.safetensors .*; try again$"
    ):
        read(fake, tmp_path)


def test_a_server_that_sends_whole_files_only_is_refused_in_a_sentence(fake: FakeHub, tmp_path: Path) -> None:
    fake.fault("/storage/*", "ignore range")
    with pytest.raises(OperationError) as caught:
        read(fake, tmp_path)
    assert str(caught.value) == (
        f"a model: {fake.endpoint} sends {SHARDS[0]} only as a whole, so a part of it cannot be read;"
        " Outputs downloads the whole file"
    )


@pytest.mark.parametrize("fault", ["404", "500", "html"])
def test_what_fails_on_the_way_is_one_sentence_with_the_name(fake: FakeHub, tmp_path: Path, fault: str) -> None:
    read(fake, tmp_path)
    fake.fault(f"/{REPO}/resolve/*/{SHARDS[0]}", fault)
    with pytest.raises(OperationError) as caught:
        read(fake, tmp_path)
    assert str(caught.value).startswith("a model")
    assert str(caught.value).isprintable()


def test_it_can_be_cancelled_while_bytes_arrive(fake: FakeHub, tmp_path: Path) -> None:
    read(fake, tmp_path)
    fake.fault("/storage/*", "slow")

    def hear(message: object) -> None:
        if isinstance(message, Progress) and message.unit == "bytes" and message.done:
            asked.cancel()

    asked = Job(1, hear)
    with pytest.raises(JobCancelled):
        read(fake, tmp_path, asked)


def test_offline_says_so_and_asks_nobody(fake: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="its weights are not in the cache, and --offline forbids asking the Hub"):
        read(fake, tmp_path, offline=True)
    assert fake.requests == []


def test_a_silent_hub_costs_seconds_though_the_headers_are_known(
    fake: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(fake, tmp_path)
    monkeypatch.setattr(client, "_silent_until", {fake.endpoint: float("inf")})
    with pytest.raises(OperationError, match="does not answer"):
        read(fake, tmp_path)


def test_a_repository_without_safetensors_files_says_so(fake: FakeHub, repository: Path, tmp_path: Path) -> None:
    for file in repository.iterdir():
        file.unlink()
    (repository / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(OperationError, match="a model has no safetensors file"):
        read(fake, tmp_path)


def test_weights_on_this_machine_are_read_here(fake: FakeHub, repository: Path) -> None:
    assert read(fake, repository).file == SHARDS[0]
    assert fake.requests == []
