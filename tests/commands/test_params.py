"""`encoder-tui params`, run as a program with the real engine."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from encoder_tui.core.dtypes import DTYPES
from encoder_tui.core.hub import headers
from encoder_tui.core.models.names import ModelError
from encoder_tui.core.parameters.description import NOT_COMPARED, Description
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.operations import describe
from encoder_tui.protocol.parameters import DescribeRequest
from tests.support.architectures import write_configuration
from tests.support.fake_hub import FakeHub
from tests.support.terminal import encoder_tui


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = encoder_tui("params", *arguments)
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def report(*arguments: str) -> list[dict[str, Any]]:
    done = run("--json", *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.isascii()
    printed = json.loads(done.stdout)
    assert list(printed) == ["models"]
    models: list[dict[str, Any]] = printed["models"]
    return models


def test_json_lists_every_parameter_in_order_without_a_tokenizer_or_weights(tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModel

    directory = write_configuration(tmp_path / "tiny", "modernbert")
    (model,) = report("-m", str(directory))
    keys = ["model", "class", "parameters", "total", "missing", "unexpected", "remarks"]
    assert list(model) == keys
    assert (model["model"], model["class"]) == (str(directory), "ModernBertModel")
    assert (model["missing"], model["unexpected"], model["remarks"]) == ([], [], [NOT_COMPARED])
    built = AutoModel.from_config(AutoConfig.from_pretrained(directory))
    expected = [(name, list(p.shape), str(p.dtype)[6:], p.numel()) for name, p in built.named_parameters()]
    assert [(p["name"], p["shape"], p["dtype"], p["numel"]) for p in model["parameters"]] == expected
    assert {tuple(p) for p in model["parameters"]} == {("name", "shape", "dtype", "numel", "role")}
    assert {p["dtype"] for p in model["parameters"]} <= set(DTYPES)
    assert model["total"] == built.num_parameters()


def test_the_head_is_added_and_what_the_checkpoint_lacks_is_named(tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModelForSequenceClassification

    directory = write_configuration(tmp_path / "tiny", "bert")
    head = AutoModelForSequenceClassification.from_config(AutoConfig.from_pretrained(directory))
    head.bert.pooler = None
    head.save_pretrained(directory)
    (bare,) = report("-m", str(directory))
    assert (bare["class"], bare["missing"]) == ("BertModel", ["pooler.dense.weight", "pooler.dense.bias"])
    assert bare["unexpected"] == ["classifier.bias", "classifier.weight"]
    (model,) = report("-m", str(directory), "--head")
    loaded = AutoModelForSequenceClassification.from_pretrained(directory)
    assert model["class"] == "BertForSequenceClassification"
    assert [p["name"] for p in model["parameters"]] == [name for name, _ in loaded.named_parameters()]
    assert model["missing"] == ["bert.pooler.dense.weight", "bert.pooler.dense.bias"]
    assert [p["role"] for p in model["parameters"]][-2:] == ["head", "head"]
    printed = " ".join(run("-m", str(directory), "--head").stdout.split())
    assert "missing bert.pooler.dense.weight, bert.pooler.dense.bias" in printed
    assert "random when BertForSequenceClassification is loaded" in printed


def test_the_built_in_pair_has_the_numbers_of_the_real_one() -> None:
    bert, modernbert = report("-m", "builtin:bert", "-m", "builtin:modernbert")
    assert (len(bert["parameters"]), bert["total"]) == (199, 108_310_272)
    assert (len(modernbert["parameters"]), modernbert["total"]) == (134, 149_014_272)


def test_a_model_that_fails_is_an_entry_with_an_error_and_the_others_are_done(tmp_path: Path) -> None:
    good = write_configuration(tmp_path / "good", "bert")
    broken = write_configuration(tmp_path / "broken", "bert", num_attention_heads=3)
    done = run("--json", "-m", str(broken), "-m", str(good), "-m", str(tmp_path / "none"), "-m", "builtin:other")
    assert done.returncode == 1
    first, second, third, fourth = json.loads(done.stdout)["models"]
    for entry, name in ((first, str(broken)), (third, str(tmp_path / "none")), (fourth, "builtin:other")):
        assert set(entry) == {"model", "error"}
        assert entry["model"] == name
        assert entry["error"].isprintable()
    assert len(second["parameters"]) == 55
    assert done.stderr.count("\n") == 3
    assert "Traceback" not in done.stderr


def test_without_json_the_layers_are_folded_into_a_line(tmp_path: Path) -> None:
    done = run("-m", str(write_configuration(tmp_path / "tiny", "modernbert", num_hidden_layers=7)))
    assert done.returncode == 0, done.stderr
    assert "ModernBertModel" in done.stdout
    assert "7 layers" in done.stdout
    assert "layer 0 has no attn_norm" in done.stdout
    assert "every third layer (0 to 6) global, rotary base 160,000" in done.stdout
    assert "sliding window of 128" in done.stdout
    assert "layers.5" not in done.stdout
    assert len(done.stdout.splitlines()) < 14


def test_what_was_described_once_needs_no_engine_until_the_configuration_changes(tmp_path: Path) -> None:
    first = report("-m", "builtin:modernbert")
    assert report("-m", "builtin:modernbert", "--engine", "") == first, "an empty command starts no engine"
    directory = write_configuration(tmp_path / "tiny", "bert")
    small = report("-m", str(directory))
    write_configuration(tmp_path / "tiny", "bert", hidden_size=32)
    assert report("-m", str(directory))[0]["total"] > small[0]["total"]


@pytest.fixture
def unknown(tmp_path: Path) -> Path:
    """A repository of an architecture that transformers does not know, in shards, with much of it weights."""
    import torch
    from safetensors.torch import save_file

    folder = write_configuration(tmp_path / "unknown", "bert", model_type="new-bert", architectures=["NewBert"])
    shards = {
        "model-00001-of-00002.safetensors": {"new.embeddings.word_embeddings.weight": torch.zeros(4_000, 64)},
        "model-00002-of-00002.safetensors": {
            f"new.encoder.layer.{layer}.attention.qkv_proj.weight": torch.zeros(192, 64) for layer in range(11)
        },
    }
    for file, tensors in shards.items():
        save_file(tensors, folder / file)
    weights = {name: file for file, tensors in shards.items() for name in tensors}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weights}))
    return folder


def test_a_checkpoint_on_the_hub_is_described_by_range_requests(unknown: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeHub({"someone/new-bert": unknown}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        (model,) = report("-m", "someone/new-bert")
        assert [p["name"] for p in model["parameters"]] == [
            "new.embeddings.word_embeddings.weight",
            *(f"new.encoder.layer.{layer}.attention.qkv_proj.weight" for layer in range(11)),
        ]
        assert {p["role"] for p in model["parameters"]} == {"word_embedding", "fused_qkv"}
        asked = [seen.headers.get("range") for seen in hub.requests if seen.path.endswith(".safetensors")]
        assert asked
        assert all(asked), "every request for a shard is for a part of it"
        table = " ".join(run("-m", "someone/new-bert").stdout.split())
        assert "transformers has no code for the architecture new-bert: these are the checkpoint's own names" in table


def test_a_checkpoint_whose_download_was_cancelled_is_still_described_by_the_hub(
    unknown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = tmp_path / "snapshot"
    begun.mkdir()
    for name in ("config.json", "model.safetensors.index.json", "model-00001-of-00002.safetensors"):
        shutil.copy(unknown / name, begun)

    def described(**where: Any) -> Description:
        request = DescribeRequest("new-bert", str(begun), str(begun), **where)
        return describe.run(request, Job(1, lambda message: None))

    with FakeHub({"someone/new-bert": unknown}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        of_hub = {"repo": "someone/new-bert", "commit": hub.commit("someone/new-bert")}
        assert len(described(**of_hub).parameters) == 12
        hub.requests.clear()
        missing = "model-00002-of-00002.safetensors is missing, though"
        with pytest.raises(OperationError, match=missing):
            described(**of_hub, offline=True)
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        with pytest.raises(OperationError, match=missing):
            described(**of_hub)
        with pytest.raises(OperationError, match=missing):
            described()
        assert hub.requests == []


def entries(hub: FakeHub) -> list[str]:
    commit = hub.commit("someone/new-bert")
    found, _ = headers.remote_checkpoint("someone/new-bert", "someone/new-bert", commit, lambda *_: None)
    return [entry.name for entry in found]


def test_a_hub_that_ignores_ranges_is_read_no_further_than_needed(
    unknown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeHub({"someone/new-bert": unknown}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        asked_for_parts = entries(hub)
        hub.fault("*.safetensors", "ignore range")
        assert entries(hub) == asked_for_parts
        assert len(asked_for_parts) == 12


def test_a_header_longer_than_the_first_request_is_asked_for_in_two(
    unknown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeHub({"someone/new-bert": unknown}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        monkeypatch.setattr(headers, "FIRST", 64)
        assert len(entries(hub)) == 12
        assert next(seen.headers["range"] for seen in hub.requests if "00001-of" in seen.path) == "bytes=0-63"


@pytest.mark.parametrize("fault", ["404", "500", "cut at once", "longer", "html"])
def test_a_hub_that_fails_in_the_middle_is_reported_in_a_sentence(
    unknown: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    with FakeHub({"someone/new-bert": unknown}) as hub:
        hub.fault("*00002-of-00002.safetensors", fault)
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        if fault == "longer":  # the answer says so, and no more is read than was asked for
            assert len(entries(hub)) == 12
            return
        with pytest.raises(ModelError) as caught:
            entries(hub)
        assert str(caught.value).startswith("someone/new-bert")
        assert str(caught.value).isprintable()
