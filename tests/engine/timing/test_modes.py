"""What a pass can be run with: compiled, in TF32, without padding; and what cannot be had is a sentence."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from encoder_tui.core.models.placement import ModelSource, Placement
from encoder_tui.core.timing.samples import Measurement, MeasureRequest, Mode, Point, Variant
from encoder_tui.engine.job import OperationError
from tests.support.saved_models import saved, silent

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.usefixtures("unloaded")


def measure(directory: Path, *modes: Mode) -> Measurement:
    from encoder_tui.engine.operations import measure as task

    variants = [Variant(ModelSource("tiny", str(directory)), mode=mode) for mode in modes]
    points = [Point(index, 8, 2, [8, 4]) for index in range(len(modes))]
    return task.run(MeasureRequest(variants, [points], 0.01), silent())


def test_a_compiled_model_is_measured_beside_the_plain_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from encoder_tui.engine.timing import modes, runner

    monkeypatch.setattr(modes, "BACKEND", "eager")  # traced and run, but no compiler is called
    hooked: list[Any] = []
    with_hooks = runner._checkpoints
    monkeypatch.setattr(runner, "_checkpoints", lambda *given: hooked.append(given) or with_hooks(*given))
    answer = measure(saved("bert-cased", tmp_path), Mode(), Mode(compiled=True))
    plain, compiled = answer.samples
    assert (plain.mode, compiled.mode) == (Mode(), Mode(compiled=True))
    assert plain.finished
    assert compiled.finished
    assert plain.cold_s is not None
    assert compiled.cold_s is not None
    assert compiled.cold_s > plain.cold_s
    assert answer.environment is not None
    assert answer.environment.asked_modes == [Mode(), Mode(compiled=True)]
    # The two share a model: hooks of the plain one would be compiled too.
    assert not hooked


def test_without_a_compiler_a_sentence_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    answer = measure(saved("bert-cased", tmp_path), Mode(compiled=True), Mode())
    assert "torch.compile needs a C++ compiler, and there is no no-such-compiler here" in answer.failures[0]
    assert [samples.point.variant for samples in answer.samples] == [1]


def test_what_the_processor_cannot_do_is_refused_with_the_reason(tmp_path: Path) -> None:
    before = torch.get_float32_matmul_precision()
    answer = measure(saved("bert-cased", tmp_path), Mode(tf32=True), Mode(unpadded=True))
    assert "TF32 needs an NVIDIA GPU (Ampere or newer), and cpu is not one" in answer.failures[0]
    assert "batches without padding need flash attention" in answer.failures[1]
    assert "cpu is not an accelerator; measure padded ones" in answer.failures[1]
    assert torch.get_float32_matmul_precision() == before


def flash_varlen(q: Any, k: Any, v: Any, cu_seqlens_q: Any, cu_seqlens_k: Any, **options: Any) -> Any:
    """What flash attention does with packed rows of (tokens, heads, size), in a few lines of torch."""
    assert cu_seqlens_q.dtype == torch.int32
    assert options["max_seqlen_q"] == int((cu_seqlens_q[1:] - cu_seqlens_q[:-1]).max())
    out = torch.empty_like(q)
    bounds = cu_seqlens_q.tolist()
    left, right = options.get("window_size") or (-1, -1)
    for begin, end in itertools.pairwise(bounds):
        rows = [tensor[begin:end].transpose(0, 1) for tensor in (q, k, v)]
        places = torch.arange(end - begin)
        apart = places[None, :] - places[:, None]
        seen = torch.ones_like(apart, dtype=torch.bool)
        seen &= (apart <= right) if right >= 0 else seen
        seen &= (-apart <= left) if left >= 0 else seen
        out[begin:end] = torch.nn.functional.scaled_dot_product_attention(
            *rows, attn_mask=seen, scale=options.get("softmax_scale")
        ).transpose(0, 1)
    return out


@pytest.mark.parametrize("kind", ["bert-cased", "modernbert"])
def test_rows_packed_without_padding_come_out_as_padded_ones(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import modeling_flash_attention_utils as flash

    from encoder_tui.engine.models.loaded_models import LOADED
    from encoder_tui.engine.timing import modes
    from encoder_tui.engine.timing.runner import inputs_of

    loaded = LOADED.get(ModelSource("tiny", str(saved(kind, tmp_path))), Placement(), silent())
    inputs = inputs_of(loaded, Point(0, 40, 3, [40, 21, 7]))
    packed = modes.packed(inputs)
    assert packed["input_ids"].shape == (1, 68)
    assert packed["cu_seq_lens_q"].tolist() == [0, 40, 61, 68]

    def options(**given: Any) -> dict[str, Any]:
        window = given.get("sliding_window")
        return {
            "softmax_scale": given.get("softmax_scale"),
            "window_size": (window - 1, window - 1) if window else None,
            **{key: given[key] for key in ("max_seqlen_q", "max_seqlen_k")},
        }

    def functions(implementation: str | None, **rest: Any) -> Any:
        return (None, flash_varlen, None, None, None), (options, None)

    monkeypatch.setattr(flash, "lazy_import_flash_attention", functions)
    with torch.inference_mode():
        padded = loaded.model(**inputs).last_hidden_state
        loaded.model.config._attn_implementation_internal = "flash_attention_2"
        alone = loaded.model(**packed).last_hidden_state[0]
    expected = torch.cat([padded[0], padded[1, :21], padded[2, :7]])
    torch.testing.assert_close(alone, expected, rtol=1e-4, atol=1e-5)


@pytest.fixture
def ampere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A made-up accelerator with tensor cores, and flash attention installed."""
    from encoder_tui.engine.machine import devices

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 6))
    there = devices.importlib.util.find_spec
    names = {"flash_attn": object()}
    monkeypatch.setattr(devices.importlib.util, "find_spec", lambda name: names.get(name) or there(name))


def made_up(dtype: Any, kind: str = "modernbert") -> Any:
    """A model on an accelerator, as far as a refusal looks at it."""
    model = SimpleNamespace(dtype=dtype, config=SimpleNamespace(model_type=kind))
    return SimpleNamespace(source=SimpleNamespace(name="m"), device=torch.device("cuda", 0), model=model)


@pytest.mark.usefixtures("ampere")
def test_an_accelerator_offers_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    from encoder_tui.engine.machine import devices
    from encoder_tui.engine.timing import modes

    monkeypatch.setattr(devices, "no_compiler", lambda device: "a compiler")
    assert devices.offers(torch.device("cuda", 0)) == ["tf32", "flash_attention_2"]
    assert devices.offers(torch.device("cpu")) == []
    everything = Mode(tf32=True, unpadded=True)
    modes.refuse_what_cannot_be_had(made_up(torch.bfloat16), everything, "flash_attention_2")
    for loaded, attention, why in (
        (made_up(torch.bfloat16), "sdpa", "sdpa attention cannot separate rows without padding"),
        (made_up(torch.float32), "flash_attention_2", "needs float16 or bfloat16"),
        (made_up(torch.bfloat16, "roberta"), "flash_attention_2", "only bert and modernbert are known"),
    ):
        with pytest.raises(OperationError, match=why):
            modes.refuse_what_cannot_be_had(loaded, everything, attention)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert devices.offers(torch.device("cuda", 0)) == []
    monkeypatch.setattr(devices, "no_compiler", lambda device: None)
    assert devices.offers(torch.device("cuda", 0)) == ["flex_attention"]
