"""The models that the engine holds: loaded once, kept between requests, unloaded on demand."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch

from encoder_tui import builtin, display
from encoder_tui.engine import devices
from encoder_tui.engine.failures import OutOfMemory, memory_errors
from encoder_tui.engine.job import Job, TaskError
from encoder_tui.engine.random_weights import SEED, build
from encoder_tui.hub_weights import fetch_weights
from encoder_tui.models import WEIGHT_PATTERN
from encoder_tui.placement import InForce, ModelSource, Placement, Weights
from encoder_tui.refusals import refusals

FALLING_BACK: Final = ("eager", "sdpa")
"""Attention implementations that need nothing but torch. An architecture without the one runs with the other, and
says so; any other implementation that cannot be had is an error."""


@dataclass
class LoadedModel:
    """A model in memory, in evaluation mode. Lists and remarks are those of `InForce`."""

    source: ModelSource
    model: Any
    device: torch.device
    weights: Weights
    default_attention: str
    new: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def use_attention(self, asked: str | None) -> InForce:
        """Set the attention implementation, None for the architecture's own choice, and tell what is in force.

        Raises `TaskError` where there is no such implementation.
        """
        name = self.source.name
        wanted = asked or self.default_attention
        if wanted != self._attention:
            with refusals(TaskError, f"{name}: there is no attention {wanted} here"):
                try:
                    self.model.set_attn_implementation(wanted)
                except (ValueError, ImportError):
                    if wanted not in FALLING_BACK:
                        raise
        if self._attention != wanted and wanted not in FALLING_BACK:
            raise TaskError(f"{name}: its architecture has no attention {wanted}")
        in_force = self.in_force()
        if self._attention != wanted:
            in_force.remarks.append(f"{name}: its architecture has no {wanted} attention; {self._attention} is used")
        return in_force

    def in_force(self) -> InForce:
        """How the model runs now."""
        return InForce(
            str(self._device_of_parameters()),
            str(self.model.dtype).removeprefix("torch."),
            self._attention,
            self.weights,
            self.parameter_bytes,
            self.new,
            self.unused,
            list(self.remarks),
        )

    @property
    def _attention(self) -> str:
        return str(self.model.config._attn_implementation)

    @property
    def parameter_bytes(self) -> int:
        return sum(parameter.nbytes for parameter in self.model.parameters())

    def _device_of_parameters(self) -> torch.device:
        """The device that every parameter is on, which must be the one that was asked for."""
        found = {parameter.device for parameter in self.model.parameters()}
        if found != {self.device}:
            where = ", ".join(sorted(map(str, found)))
            raise TaskError(f"{self.source.name}: its parameters are on {where}, not on {self.device}")
        return self.device


class LoadedModels:
    """Models by what they were loaded from, with the state of the files at that time, their dtype and device."""

    def __init__(self) -> None:
        self._models: dict[tuple[object, ...], LoadedModel] = {}

    def get(self, source: ModelSource, placement: Placement, job: Job, fetch: bool = False) -> LoadedModel:
        """A model on its device; raises `TaskError`, of which `OutOfMemory` is one kind, or `ModelError`.

        `fetch` says whether weights are to be fetched from the Hub: speed does not depend on them, values do.
        """
        job.progress(f"{source.name}: importing torch and transformers")
        directory = directory_of(source)
        device = devices.resolve(placement.device)
        remark = f"{source.name}: there are no weights at {directory}"
        if fetch and source.repo and source.commit and not _weight_files(directory):
            reason = fetch_weights(
                source.name, source.repo, source.commit, offline=source.offline, progress=job.progress
            )
            remark = reason or remark
        key = (source.location, placement.dtype, device, _weight_files(directory))
        if key not in self._models:
            # Of the same model with older weights nothing is needed any more.
            self._models = {other: kept for other, kept in self._models.items() if _but_files(other) != _but_files(key)}
            self._make_room(source, sum(size for _, _, size in _weight_files(directory)), device)
            with memory_errors(f"{source.name}: loading the weights"):
                self._models[key] = load(source, directory, placement.dtype, device, job)
        loaded = self._models[key]
        if loaded.weights == "random" and not source.location.startswith("builtin:"):
            loaded.remarks = [f"{remark}; all values are random"]
        return loaded

    def _make_room(self, source: ModelSource, size: int, device: torch.device) -> None:
        """Unload what else is there where a checkpoint of `size` bytes needs its place; raises `OutOfMemory`."""
        free = devices.free_on(device)
        if free is not None and free < size and self._models:
            self.unload()
            free = devices.free_on(device)
        if free is not None and free < size:
            raise OutOfMemory(
                f"{source.name}: its weights take {display.size(size)} and {device} has {display.size(free)} free"
            )

    def unload(self, locations: Iterable[str] | None = None) -> None:
        """Give back the memory of the models of these locations, None for all."""
        gone = None if locations is None else set(locations)
        self._models = {key: model for key, model in self._models.items() if gone is not None and key[0] not in gone}
        gc.collect()
        if torch.accelerator.is_available() and hasattr(torch.accelerator, "empty_cache"):
            torch.accelerator.empty_cache()

    def all(self) -> list[LoadedModel]:
        return list(self._models.values())


def _but_files(key: tuple[object, ...]) -> tuple[object, ...]:
    return key[:-1]


LOADED: Final = LoadedModels()
"""The models of this process; tasks share them."""


def directory_of(source: ModelSource) -> Path:
    """The folder of a model's files; raises `TaskError` where it is gone."""
    if source.location.startswith("builtin:"):
        return builtin.directory(source.location.removeprefix("builtin:"))
    directory = Path(source.location).expanduser()
    if not (directory / "config.json").is_file():
        raise TaskError(f"{source.name}: there is no config.json at {directory} any more")
    return directory


def _weight_files(directory: Path) -> tuple[tuple[str, int, int], ...]:
    """Names, times and sizes of a directory's weight files, so that weights that were written anew are loaded anew."""
    return tuple(
        (file.name, file.stat().st_mtime_ns, file.stat().st_size)
        for file in sorted(directory.iterdir())
        if WEIGHT_PATTERN.match(file.name)
    )


def load(source: ModelSource, directory: Path, dtype: str | None, device: torch.device, job: Job) -> LoadedModel:
    """Read a checkpoint, or make random weights where there is none; raises `TaskError`."""
    from transformers import AutoConfig  # noqa: PLC0415
    from transformers.utils import logging  # noqa: PLC0415

    logging.disable_progress_bar()
    torch_dtype = None if dtype is None else devices.dtype_of(dtype)
    code = {"trust_remote_code": source.trust_remote_code}
    has_weights = bool(_weight_files(directory))
    if has_weights:
        job.progress(f"{source.name}: loading the weights")
        loaded = _read(source, directory, torch_dtype, code)
    else:
        job.progress(f"{source.name}: making random weights")
        with (
            refusals(TaskError, f"{source.name}: transformers cannot build it"),
            memory_errors(f"{source.name}: making random weights"),
        ):
            config = AutoConfig.from_pretrained(directory, local_files_only=True, **code)
            loaded = build(config, job, **code, **({} if torch_dtype is None else {"dtype": torch_dtype})), [], [], []
    model, new, unused, remarks = loaded
    if device.type != "cpu":
        job.progress(f"{source.name}: moving the weights to {device}")
        model = model.to(device)
    weights: Weights = "checkpoint" if has_weights else "random"
    return LoadedModel(
        source,
        model.eval(),
        device,
        weights,
        str(model.config._attn_implementation),
        new,
        unused,
        remarks,
    )


def _read(
    source: ModelSource, directory: Path, dtype: torch.dtype | None, code: dict[str, bool]
) -> tuple[Any, list[str], list[str], list[str]]:
    """A checkpoint's model, its new and its unused tensors, and the remarks on them.

    transformers reads a pickle as plain tensors only (`weights_only`), and gives LayerNorm's old names gamma and
    beta their new ones.
    """
    from transformers import AutoModel  # noqa: PLC0415

    name = source.name
    # Tensors that the checkpoint lacks are drawn from the global generator.
    torch.manual_seed(SEED)
    with refusals(TaskError, f"{name}: its weights cannot be loaded"), memory_errors(f"{name}: loading the weights"):
        model, info = AutoModel.from_pretrained(
            directory,
            dtype=dtype or "auto",
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            **code,
        )
    missing = sorted(info["missing_keys"])
    mismatched = {key: (tuple(there), tuple(wanted)) for key, there, wanted in info["mismatched_keys"]}
    parameters = {key for key, _ in model.named_parameters()}
    new = sorted({*missing, *mismatched} & parameters)
    if len(new) == len(parameters):
        raise TaskError(f"{name}: the weights hold no tensor of a {type(model).__name__}; they are another model's")
    remarks = []
    absent = [key for key in new if key not in mismatched]
    if absent:
        are = display.count(len(absent), "tensor is", "tensors are")
        remarks.append(f"{name}: {are} not in the checkpoint and therefore random: {_some(absent)}")
    remarks += [
        f"{name}: {key} is {_shape(there)} in the checkpoint but {_shape(wanted)} in the model, and therefore random"
        for key, (there, wanted) in sorted(mismatched.items())
    ]
    return model, new, sorted(info["unexpected_keys"]), remarks


def _some(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4:,} more" if len(names) > 4 else "")


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
