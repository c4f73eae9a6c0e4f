"""Switches of a pass beside its placement: compiled, TF32, unpadded; or why they are impossible."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch

from encoder_tui.core.models.architectures import architecture, kinds_that
from encoder_tui.core.timing.samples import Mode
from encoder_tui.engine.job import OperationError
from encoder_tui.engine.machine.devices import FLASH, no_compiler, offers
from encoder_tui.engine.models.loaded_model import LoadedModel

BACKEND: Final = "inductor"


def refuse_what_cannot_be_had(loaded: LoadedModel, mode: Mode, attention: str) -> None:
    """Raise `OperationError` with one sentence if a mode is impossible; `attention` is the current implementation."""
    name, device = loaded.source.name, loaded.device
    offered = offers(device)
    if mode.tf32 and "tf32" not in offered:
        raise OperationError(
            f"{name}: TF32 needs an NVIDIA GPU (Ampere or newer), and {device} is not one; measure without"
        )
    if mode.unpadded:
        if not set(FLASH) & set(offered):
            has = "has none" if device.type != "cpu" else "is not an accelerator"
            raise OperationError(
                f"{name}: batches without padding need flash attention, which the package flash-attn offers on an"
                f" accelerator, and {device} {has}; measure padded ones"
            )
        if attention not in FLASH:
            raise OperationError(
                f"{name}: {attention} attention cannot separate rows without padding; choose"
                f" {' or '.join(one for one in FLASH if one in offered)}"
            )
        if loaded.model.dtype not in {torch.float16, torch.bfloat16}:
            raise OperationError(f"{name}: flash attention needs float16 or bfloat16; choose one of them as dtype")
        if not architecture(getattr(loaded.model.config, "model_type", "")).is_packable:
            packable = kinds_that(lambda row: row.is_packable)
            raise OperationError(f"{name}: only {' and '.join(packable)} are known to support batches without padding")
    if mode.compiled and (missing := no_compiler(device)) is not None:
        raise OperationError(f"{name}: torch.compile needs {missing}; install it, or measure without")


def set_precision(mode: Mode) -> None:
    """Let matrix products of float32 round to TF32 or not, until it is set again."""
    torch.set_float32_matmul_precision("high" if mode.tf32 else "highest")


@contextmanager
def compiling(modes: list[Mode]) -> Iterator[None]:
    """Compile from scratch, so that the cold pass includes the whole compilation, and in this process, which can be
    ended.

    Earlier compilations are forgotten: torch keeps only a few versions of a model and runs further ones uncompiled.
    """
    if not any(mode.compiled for mode in modes):
        yield
        return
    import torch._inductor.config as inductor  # noqa: PLC0415  # seconds, for those alone who compile
    from torch._dynamo.utils import counters  # noqa: PLC0415

    torch.compiler.reset()
    counters.clear()
    with inductor.patch(compile_threads=1, force_disable_caches=True):
        yield
    torch.compiler.reset()


def has_compiled() -> bool:
    """Return whether torch.compile compiled anything since `compiling` began. If it gives up, it runs the model as it
    is.
    """
    from torch._dynamo.utils import counters  # noqa: PLC0415

    return counters["frames"]["ok"] > 0


def callable_of(loaded: LoadedModel, mode: Mode) -> Any:
    """Return the function to call for a pass."""
    return torch.compile(loaded.model, dynamic=False, backend=BACKEND) if mode.compiled else loaded.model


# Batches without padding


def packed(inputs: dict[str, torch.Tensor]) -> dict[str, Any]:
    """Return the rows of a batch as one row without padding, with the bounds that keep them apart in flash attention.

    `inputs` are ids and mask, each (batch, sequence), padded on the right. The result has no mask: with one,
    transformers would pad again after every attention.
    """
    mask = inputs["attention_mask"].bool()
    lengths = mask.sum(dim=1).tolist()
    device = mask.device
    flat = {key: value[mask].unsqueeze(0) for key, value in inputs.items() if key != "attention_mask"}
    positions = torch.cat([torch.arange(length, device=device) for length in lengths]).unsqueeze(0)
    bounds = torch.tensor([0, *itertools.accumulate(lengths)], dtype=torch.int32, device=device)
    return {
        **flat,
        "position_ids": positions,
        "cu_seq_lens_q": bounds,
        "cu_seq_lens_k": bounds,
        "max_length_q": max(lengths),
        "max_length_k": max(lengths),
    }
