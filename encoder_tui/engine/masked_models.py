"""Models with their masked-language head: loaded for predictions, one for each place a model was loaded from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import torch

from encoder_tui.engine import devices
from encoder_tui.engine.failures import memory_errors
from encoder_tui.engine.job import Job, TaskError
from encoder_tui.engine.loading_models import LoadedModel, _weight_files, directory_of
from encoder_tui.hub_weights import fetch_weights
from encoder_tui.placement import ModelSource, Placement
from encoder_tui.refusals import refusals

MASKED: Final[dict[tuple[object, ...], LoadedModel]] = {}


def unload(locations: Iterable[str] | None = None) -> None:
    """Let go of the models of these locations, None for all."""
    gone = None if locations is None else set(locations)
    for key in [key for key in MASKED if gone is None or key[0] in gone]:
        del MASKED[key]


def get(source: ModelSource, placement: Placement, job: Job) -> LoadedModel:
    """A model with a head that the checkpoint holds; raises `TaskError` where it holds none."""
    directory = directory_of(source)
    device = devices.resolve(placement.device)
    if source.repo and source.commit and not _weight_files(directory):
        reason = fetch_weights(source.name, source.repo, source.commit, offline=source.offline, progress=job.progress)
        if reason:
            raise TaskError(reason)
    files = _weight_files(directory)
    key = (source.location, placement.dtype, device, files)
    if not files:
        raise TaskError(f"{source.name}: its weights are random, and a random head would only invent words")
    if key not in MASKED:
        for other in [other for other in MASKED if other[0] == source.location]:
            del MASKED[other]
        job.progress(f"{source.name}: loading the weights and the head")
        with memory_errors(f"{source.name}: loading the weights"):
            MASKED[key] = _load(source, directory, placement.dtype, device)
    return MASKED[key]


def _load(source: ModelSource, directory: Any, dtype: str | None, device: torch.device) -> LoadedModel:
    from transformers import AutoModelForMaskedLM  # noqa: PLC0415
    from transformers.utils import logging  # noqa: PLC0415

    logging.disable_progress_bar()
    with refusals(TaskError, f"{source.name}: it cannot be loaded with a masked-language head"):
        model, info = AutoModelForMaskedLM.from_pretrained(
            directory,
            dtype="auto" if dtype is None else devices.dtype_of(dtype),
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            trust_remote_code=source.trust_remote_code,
        )
    parameters = {name for name, _ in model.named_parameters()}
    absent = sorted((set(info["missing_keys"]) | {key for key, *_ in info["mismatched_keys"]}) & parameters)
    if absent:
        names = ", ".join(absent[:3]) + (f" and {len(absent) - 3:,} more" if len(absent) > 3 else "")
        raise TaskError(f"{source.name}: its checkpoint has no masked-language head ({names} would be random)")
    model = model.to(device).eval()
    return LoadedModel(source, model, device, "checkpoint", str(model.config._attn_implementation))
