"""The task that measures: what it tells as it goes, and what ends a point, a model, or all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from encoder_tui.core.models.placement import ModelSource, Placement
from encoder_tui.core.outputs.runs import Batch
from encoder_tui.core.timing.samples import Measurement, MeasureRequest, Point, Variant
from encoder_tui.engine.job import JobCancelled
from encoder_tui.protocol import frames
from tests.support.saved_models import Heard, saved, silent

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.usefixtures("unloaded")


@pytest.fixture
def variant(tmp_path: Path) -> Variant:
    """A tiny BERT."""
    return Variant(ModelSource("tiny", str(saved("bert-cased", tmp_path))))


def measure(job: Any, variants: list[Variant], *groups: list[Point], **more: Any) -> Measurement:
    from encoder_tui.engine.operations import measure as task

    return task.run(MeasureRequest(variants, list(groups), 0.01, **more), job)


def partials(job: Heard) -> list[Measurement]:
    return [
        msgspec.msgpack.decode(message.value, type=Measurement)
        for message in job.messages
        if isinstance(message, frames.Partial)
    ]


def break_at(monkeypatch: pytest.MonkeyPatch, length: int, error: Exception) -> None:
    """Let BERT fail at inputs of one length."""
    from transformers import BertModel

    forward = BertModel.forward

    def failing(self: Any, input_ids: Any, **rest: Any) -> Any:
        if input_ids.shape[1] == length:
            raise error
        return forward(self, input_ids, **rest)

    monkeypatch.setattr(BertModel, "forward", failing)


def test_points_grow_in_partial_answers_and_the_last_one_is_the_answer(variant: Variant) -> None:
    job = Heard()
    answer = measure(job, [variant], [Point(0, 8)], [Point(0, 16, 2)])
    first, *rest = partials(job)
    assert first.environment == answer.environment
    assert answer.environment is not None
    assert answer.environment.asked == [Placement()]
    lengths = [(part.samples[0].point.length, len(part.samples[0].samples_s)) for part in rest]
    assert lengths == sorted(lengths)
    assert rest[-1].samples[0] == answer.samples[-1]
    assert [samples.point for samples in answer.samples] == [Point(0, 8), Point(0, 16, 2)]
    for samples in answer.samples:
        assert samples.finished
        assert samples.in_force is not None
        assert (samples.in_force.device, samples.in_force.weights) == ("cpu", "checkpoint")
        assert len(samples.samples_s) == len(samples.cpu_samples_s) >= 5
        assert samples.peak_memory_bytes is None or samples.peak_memory_bytes > 1 << 20


def test_variants_of_one_model_differ_in_what_was_asked_for(variant: Variant) -> None:
    variants = [
        Variant(variant.source, Placement(attention=attention, dtype=dtype))
        for attention, dtype in (("eager", None), ("sdpa", None), ("eager", "bfloat16"))
    ]
    answer = measure(silent(), variants, [Point(index, 8) for index in range(3)])
    found = [samples.in_force for samples in answer.samples]
    assert [(one.attention, one.dtype) for one in found if one is not None] == [
        ("eager", "float32"),
        ("sdpa", "float32"),
        ("eager", "bfloat16"),
    ]


def test_out_of_memory_ends_a_point_and_not_the_sweep(variant: Variant, monkeypatch: pytest.MonkeyPatch) -> None:
    break_at(monkeypatch, 16, RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"))
    answer = measure(silent(), [variant], [Point(0, 8)], [Point(0, 16)], [Point(0, 24)])
    assert [samples.ended for samples in answer.samples] == [None, "tiny at 1 × 16 tokens: out of memory", None]
    assert answer.samples[1].samples_s == []


def test_any_other_failure_of_a_pass_ends_its_point_too(variant: Variant, monkeypatch: pytest.MonkeyPatch) -> None:
    break_at(monkeypatch, 16, RuntimeError("CUDA error:\n misaligned address"))
    answer = measure(silent(), [variant], [Point(0, 16)], [Point(0, 8)])
    assert answer.samples[0].ended == "tiny at 1 × 16 tokens: CUDA error: misaligned address"
    assert answer.samples[1].finished


def test_a_model_that_cannot_be_loaded_does_not_keep_the_others(variant: Variant, tmp_path: Path) -> None:
    missing = Variant(ModelSource("missing", str(tmp_path / "missing")))
    answer = measure(silent(), [missing, variant], [Point(0, 8), Point(1, 8)])
    assert list(answer.failures) == [0]
    assert "there is no config.json" in answer.failures[0]
    assert [samples.point.variant for samples in answer.samples] == [1]


def test_a_cancellation_keeps_the_points_that_were_told(variant: Variant) -> None:
    job = Heard(end="16 tokens")
    with pytest.raises(JobCancelled):
        measure(job, [variant], [Point(0, 8)], [Point(0, 16)])
    assert partials(job)[-1].samples[0].finished


@pytest.mark.parametrize("long_pass", [0.0, 1000.0])
def test_a_long_pass_is_cancelled_in_its_middle_and_leaves_no_hooks(
    variant: Variant, long_pass: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    from encoder_tui.engine.models.loaded_models import LOADED
    from encoder_tui.engine.timing import runner

    monkeypatch.setattr(runner, "LONG_PASS", long_pass)
    passes = []
    job = Heard()
    model = LOADED.get(variant.source, variant.placement, job).model
    model.embeddings.register_forward_hook(lambda *_: job.cancel() if len(passes) == 3 else None)
    model.pooler.register_forward_hook(lambda *_: passes.append(1))
    with pytest.raises(JobCancelled):
        measure(job, [variant], [Point(0, 8)])
    assert len(passes) == (3 if long_pass == 0 else 4)
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_what_cannot_fit_is_a_point_that_ended(variant: Variant, monkeypatch: pytest.MonkeyPatch) -> None:
    from encoder_tui.engine.machine import devices

    measure(silent(), [variant])
    monkeypatch.setattr(devices, "free_on", lambda device: 1000)
    answer = measure(silent(), [variant], [Point(0, 8)])
    assert "has 1.0 kB free" in (answer.samples[0].ended or "")


def test_inputs_are_random_ids_with_padding_on_the_right_or_those_that_were_given(variant: Variant) -> None:
    from encoder_tui.engine.models.loaded_models import LOADED
    from encoder_tui.engine.timing.runner import inputs_of

    loaded = LOADED.get(variant.source, variant.placement, silent())
    inputs = inputs_of(loaded, Point(0, 6, 2, [6, 2]))
    assert inputs["attention_mask"].tolist() == [[1] * 6, [1, 1, 0, 0, 0, 0]]
    assert ((inputs["input_ids"] == 0) == (inputs["attention_mask"] == 0)).all()
    given = Batch([[5, 6, 7]], [[1, 1, 1]], [[0, 0, 1]])
    inputs = inputs_of(loaded, Point(0, 3, given=given))
    assert {key: tensor.tolist() for key, tensor in inputs.items()} == {
        "input_ids": [[5, 6, 7]],
        "attention_mask": [[1, 1, 1]],
        "token_type_ids": [[0, 0, 1]],
    }


def test_the_number_of_threads_is_that_of_the_request_and_restored(variant: Variant) -> None:
    asked = Variant(variant.source, Placement(threads=2))
    answer = measure(silent(), [asked], [Point(0, 8)])
    assert answer.environment is not None
    assert answer.environment.threads == 2
    assert torch.get_num_threads() == 1


def test_an_accelerator_is_waited_for_and_its_memory_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    from encoder_tui.engine.machine import devices
    from encoder_tui.engine.timing import runner

    calls: list[tuple[str, str]] = []

    def note(name: str) -> Any:
        def called(device: Any) -> int:
            calls.append((name, str(device)))
            return 77

        return called

    for name in ("synchronize", "reset_peak_memory_stats", "max_memory_allocated"):
        monkeypatch.setattr(torch.accelerator, name, note(name), raising=False)
    device = torch.device("cuda", 1)
    devices.synchronize(device)
    devices.synchronize(torch.device("cpu"))
    runner._accelerator_memory(device, "reset_peak_memory_stats")
    assert runner._accelerator_memory(device, "max_memory_allocated") == 77
    assert runner._accelerator_memory(torch.device("cpu"), "max_memory_allocated") is None
    assert calls == [
        ("synchronize", "cuda:1"),
        ("reset_peak_memory_stats", "cuda:1"),
        ("max_memory_allocated", "cuda:1"),
    ]
