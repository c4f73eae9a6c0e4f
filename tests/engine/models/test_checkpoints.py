"""Checkpoints that are damaged, not whole, or not there at all are told, and pickles run no code."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from encoder_tui.engine.job import OperationError
from tests.support.saved_models import (
    ARCHITECTURES,
    directly,
    run,
    saved,
    silent,
    value,
)

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.usefixtures("unloaded")


def rewrite(directory: Path, change: Any) -> None:
    """Change the tensors of a saved checkpoint."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(directory / "model.safetensors")
    save_file(change(tensors), directory / "model.safetensors", {"format": "pt"})


def test_tensors_that_the_checkpoint_lacks_are_named_and_random(tmp_path: Path) -> None:
    directory = saved("bert-cased", tmp_path)
    rewrite(directory, lambda tensors: {key: tensor for key, tensor in tensors.items() if "pooler" not in key})
    answer = run(directory)
    assert answer.in_force.missing == ["pooler.dense.weight", "pooler.dense.bias"]
    (remark,) = answer.in_force.remarks
    names = "pooler.dense.weight, pooler.dense.bias"
    assert f"2 parameters are not in model.safetensors, and random when BertModel is loaded: {names}" in remark
    why = "random: pooler.dense.weight, pooler.dense.bias are not in the checkpoint"
    assert {output.name: output.random for output in answer.outputs} == {"last_hidden_state": "", "pooler_output": why}
    assert torch.equal(value("last_hidden_state"), directly(directory).last_hidden_state)


def test_a_link_among_the_weights_that_leads_nowhere_is_none_of_them(tmp_path: Path) -> None:
    directory = saved("bert-cased", tmp_path)
    (directory / "pytorch_model.bin").symlink_to(tmp_path / "gone")
    assert run(directory).in_force.weights == "checkpoint"
    (directory / "model.safetensors").rename(tmp_path / "model.safetensors")
    (directory / "model.safetensors").symlink_to(tmp_path / "gone")
    in_force = run(directory).in_force
    assert in_force.weights == "random"
    assert "there are no weights" in in_force.remarks[0]


def test_a_tensor_of_the_wrong_shape_is_named_with_both_shapes(tmp_path: Path) -> None:
    directory = saved("bert-cased", tmp_path)
    name = "embeddings.position_embeddings.weight"
    rewrite(directory, lambda tensors: {**tensors, name: tensors[name][:32].clone()})
    answer = run(directory)
    assert (answer.in_force.missing, answer.in_force.mismatched) == ([], [name])
    assert f"{name} is 32 × 16 in the checkpoint and 64 × 16 in the model" in answer.in_force.remarks[0]
    assert all(output.random for output in answer.outputs), "everything is computed from the positions"


def test_old_names_of_layernorm_are_read(tmp_path: Path) -> None:
    directory = saved("bert-cased", tmp_path)
    expected = directly(directory).last_hidden_state

    def older(tensors: dict[str, Any]) -> dict[str, Any]:
        return {
            key.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor
            for key, tensor in tensors.items()
        }

    rewrite(directory, older)
    assert run(directory).in_force.missing == []
    assert torch.equal(value("last_hidden_state"), expected)


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    directory = saved("bert-cased", tmp_path)
    rewrite(directory, lambda tensors: {"something.else": torch.zeros(2)})
    with pytest.raises(OperationError, match="the weights have no tensor of a BertModel"):
        run(directory)


@pytest.mark.parametrize("damage", ["cut", "no header", "empty"])
def test_corrupt_weights_are_a_sentence(damage: str, tmp_path: Path) -> None:
    directory = saved("bert-cased", tmp_path)
    file = directory / "model.safetensors"
    data = file.read_bytes()
    file.write_bytes({"cut": data[:-100], "no header": b"\xff" * 64 + data[64:], "empty": b""}[damage])
    with pytest.raises(OperationError, match="its weights cannot be loaded") as caught:
        run(directory)
    assert "\n" not in str(caught.value)


def test_a_pickle_of_plain_tensors_is_read(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    directory = saved("bert-cased", tmp_path)
    expected = directly(directory).last_hidden_state
    torch.save(load_file(directory / "model.safetensors"), directory / "pytorch_model.bin")
    (directory / "model.safetensors").unlink()
    assert run(directory).in_force.weights == "checkpoint"
    assert torch.equal(value("last_hidden_state"), expected)


def test_an_empty_file_of_weights_is_a_sentence(tmp_path: Path) -> None:
    directory = saved("bert-cased", tmp_path)
    (directory / "model.safetensors").unlink()
    (directory / "pytorch_model.bin").touch()
    with pytest.raises(OperationError, match="its weights cannot be loaded: pytorch_model"):
        run(directory)


class Trap:
    """Unpickled, it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def test_a_pickle_that_would_run_code_is_refused_and_runs_none(tmp_path: Path) -> None:
    directory = saved("bert-cased", tmp_path)
    (directory / "model.safetensors").unlink()
    torch.save({"embeddings.LayerNorm.weight": Trap(tmp_path / "sprung")}, directory / "pytorch_model.bin")
    with pytest.raises(OperationError, match="its weights cannot be loaded"):
        run(directory)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_random_weights_are_the_same_each_time_in_a_model_that_is_otherwise_the_usual_one(
    name: str, tmp_path: Path
) -> None:
    from transformers import AutoConfig, AutoModel

    from encoder_tui.engine.models.random_weights import build

    directory = saved(name, tmp_path)
    config = AutoConfig.from_pretrained(directory)
    made = build(config, silent()).eval()
    again = build(AutoConfig.from_pretrained(directory), silent())
    for (key, one), (_, other) in zip(made.named_parameters(), again.named_parameters(), strict=True):
        assert torch.equal(one, other), key
        assert one.isfinite().all()
    usual = AutoModel.from_config(config).eval()
    usual.load_state_dict(made.state_dict())
    buffers = dict(usual.named_buffers())
    assert buffers.keys() == dict(made.named_buffers()).keys()
    for key, buffer in made.named_buffers():
        assert torch.equal(buffer, buffers[key]), key
    ids = torch.arange(5, 25)[None]
    with torch.inference_mode():
        assert torch.equal(made(ids).last_hidden_state, usual(ids).last_hidden_state)


def test_a_model_without_weights_runs_on_random_ones_and_says_so(tmp_path: Path) -> None:
    directory = saved("bert-cased", tmp_path)
    (directory / "model.safetensors").unlink()
    in_force = run(directory).in_force
    assert in_force.weights == "random"
    assert "all values are random" in in_force.remarks[0]


@pytest.mark.parametrize("has_weights", [True, False])
def test_a_configuration_that_claims_millions_of_layers_is_refused_at_once(tmp_path: Path, has_weights: bool) -> None:
    directory = saved("bert-cased", tmp_path)
    if not has_weights:
        (directory / "model.safetensors").unlink()
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 10_000_000}))
    with pytest.raises(OperationError, match="claims 10,000,000 layers, which no encoder has"):
        run(directory)


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    directory = saved("bert-cased", tmp_path)
    (directory / "model.safetensors").unlink()
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**config, "vocab_size": 8}))
    with pytest.raises(OperationError, match="its embeddings have 8 entries; the tokenizer belongs to another model"):
        run(directory)


def test_a_model_too_large_for_the_memory_at_hand_is_a_sentence(tmp_path: Path) -> None:
    directory = saved("bert-cased", tmp_path)
    (directory / "model.safetensors").unlink()
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(
        json.dumps({**config, "intermediate_size": 1_000_000, "hidden_size": 65_536})
    )
    with pytest.raises(OperationError, match="making random weights: out of memory"):
        run(directory)
