"""Weights are fetched from the Hub when outputs need them, and not before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from encoder_tui.batching import batch_of
from encoder_tui.engine import protocol
from encoder_tui.engine.job import Cancelled
from encoder_tui.models import ModelError
from encoder_tui.outputs import RunAnswer, RunRequest
from encoder_tui.placement import Placement, source_of
from tests.fake_hub import FakeHub
from tests.hub_case import REPO, fetch, serving
from tests.saved_models import TEXTS, Heard, directly, forget_models, saved, silent, tokenizer_of, value

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def unloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test meets the models of another."""
    forget_models(monkeypatch)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return saved("bert-cased", tmp_path)


@pytest.fixture
def fake(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with serving(repository, monkeypatch) as server:
        yield server


def run(job: Heard | None = None, offline: bool = False) -> RunAnswer:
    from encoder_tui.engine.tasks import run as task

    files = fetch()
    batch, _, _ = batch_of(tokenizer_of(Path(files.path)), files, TEXTS)
    source = source_of(files, offline=offline)
    return task.run(RunRequest(source, Placement(), batch, slot=0), job or silent())


def test_weights_are_fetched_with_progress_and_give_the_values_of_the_checkpoint(
    fake: FakeHub, repository: Path
) -> None:
    job = Heard()
    assert run(job).in_force.weights == "checkpoint"
    assert torch.equal(value("last_hidden_state"), directly(repository).last_hidden_state)
    size = (repository / "model.safetensors").stat().st_size
    told = [message for message in job.messages if isinstance(message, protocol.Progress) and message.unit == "bytes"]
    assert ("fetching model.safetensors", size) in {(one.text, one.total) for one in told}
    fake.requests.clear()
    run()
    assert not any("model.safetensors" in path for path in fake.paths())


def test_weights_in_several_files_are_fetched_by_their_index(fake: FakeHub, repository: Path) -> None:
    from transformers import AutoModel

    model = AutoModel.from_pretrained(repository)
    (repository / "model.safetensors").unlink()
    model.save_pretrained(repository, max_shard_size="10KB")
    assert len(list(repository.glob("model-*.safetensors"))) > 1
    assert run().in_force.new == []
    assert torch.equal(value("last_hidden_state"), directly(repository).last_hidden_state)


def test_an_index_cannot_name_files_that_are_none_of_the_repository(fake: FakeHub, repository: Path) -> None:
    (repository / "model.safetensors").unlink()
    (repository / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../../../escape"}}')
    with pytest.raises(ModelError, match="does not say which files hold the weights"):
        run()


def test_offline_the_values_are_random_and_the_reason_is_told(fake: FakeHub) -> None:
    in_force = run(offline=True).in_force
    assert in_force.weights == "random"
    assert in_force.remarks == [
        f"{REPO}: its weights are not in the cache, and --offline forbids asking the Hub; all values are random"
    ]


def test_a_repository_without_weights_runs_on_random_ones(fake: FakeHub, repository: Path) -> None:
    (repository / "model.safetensors").unlink()
    in_force = run().in_force
    assert in_force.weights == "random"
    assert in_force.remarks == [f"{REPO}: the repository has no weights that transformers reads; all values are random"]


def test_a_download_that_fails_is_an_error_and_no_random_weights(fake: FakeHub) -> None:
    fetch()
    fake.fault("*/model.safetensors", "damage")
    with pytest.raises(ModelError, match="arrived damaged"):
        run()


def test_a_cancelled_download_ends_and_is_taken_up_again(fake: FakeHub) -> None:
    with pytest.raises(Cancelled):
        run(Heard(end="fetching model.safetensors"))
    assert run().in_force.weights == "checkpoint"


def test_measuring_fetches_nothing(fake: FakeHub) -> None:
    from encoder_tui.engine.tasks import measure
    from encoder_tui.timing import MeasureRequest, Point, Variant

    request = MeasureRequest([Variant(source_of(fetch()))], [[Point(0, 8)]], 0.0)
    (samples,) = measure.run(request, silent()).samples
    assert samples.in_force is not None
    assert samples.in_force.weights == "random"
    assert not any("model.safetensors" in path for path in fake.paths())
