"""The models of the engine: loaded once, kept between requests, unloaded on demand."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import torch

from encoder_tui.core.models.placement import Head, ModelSource, Placement
from encoder_tui.core.text import numbers
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.machine import devices
from encoder_tui.engine.machine.out_of_memory import OutOfMemory
from encoder_tui.engine.models.checkpoints import (
    bring_weights,
    building_files,
    directory_of,
    load,
    load_with_head,
    weights_of,
    why_without_weights,
)
from encoder_tui.engine.models.loaded_model import LoadedModel

State = tuple[tuple[str, int, int], ...]
"""Names, times and sizes of files."""


ALL_RANDOM: Final = "all values are random"


@dataclass(frozen=True)
class _Key:
    """What a model was loaded from and how. `files` and `built_by` are the state of its weights, and of the files that
    it was built from, at that time.
    """

    location: str
    head: Head | None
    dtype: str | None
    device: torch.device
    files: State
    built_by: State
    is_trusted: bool
    also_allowed: tuple[str, ...]
    may_be_random: bool = False

    def is_older(self, other: _Key) -> bool:
        """Return whether this is the same model before it was rewritten, so that it is no longer needed."""
        now = replace(
            self,
            files=other.files,
            built_by=other.built_by,
            is_trusted=other.is_trusted,
            also_allowed=other.also_allowed,
        )
        return now == other and self != other


def _key(
    source: ModelSource, directory: Path, placement: Placement, device: torch.device, head: Head | None = None
) -> _Key:
    files, built_by = weights_of(source, directory), building_files(source, directory)
    trust = (source.trust_remote_code, source.also_allowed)
    return _Key(source.location, head, placement.dtype, device, files, built_by, *trust)


class LoadedModels:
    """Models by what they were loaded from. A model with a head is separate from the one without."""

    def __init__(self) -> None:
        self._models: dict[_Key, LoadedModel] = {}

    def get(self, source: ModelSource, placement: Placement, job: Job, fetch: bool = False) -> LoadedModel:
        """Return a model on its device. Raises `OperationError` (or its subclass `OutOfMemory`) or `ModelError`.

        If `fetch` is set, weights are downloaded from the Hub: values depend on them, speed does not.
        """
        job.progress(f"{source.name}: importing torch and transformers")
        directory = directory_of(source)
        device = devices.resolve(placement.device)
        reason = bring_weights(source, directory, job) if fetch else None
        key = _key(source, directory, placement, device)
        loaded = self._kept(key, source, lambda: load(source, directory, placement.dtype, device, job))
        if loaded.weights == "random" and not source.location.startswith("builtin:"):
            remark = reason or f"{source.name}: {why_without_weights(source, directory)}"
            others = [other for other in loaded.remarks if not other.endswith(ALL_RANDOM)]
            loaded.remarks = [f"{remark}; {ALL_RANDOM}", *others]
        return loaded

    def get_with_head(
        self, source: ModelSource, head: Head, placement: Placement, job: Job, allow_random: bool = False
    ) -> LoadedModel:
        """Return a model with a head of its checkpoint. Raises as `get` does, also if it has none.

        Weights are downloaded from the Hub. With `allow_random`, a head that the checkpoint lacks is random.
        """
        job.progress(f"{source.name}: importing torch and transformers")
        directory = directory_of(source)
        device = devices.resolve(placement.device)
        reason = bring_weights(source, directory, job)
        key = replace(_key(source, directory, placement, device, head), may_be_random=allow_random)
        if not key.files:
            invented = "words" if head == "masked_lm" else "what it says"
            raise OperationError(
                reason or f"{source.name}: its weights are random, and a random head would invent {invented}"
            )
        return self._kept(
            key,
            source,
            lambda: load_with_head(source, directory, head, placement.dtype, device, job, allow_random),
        )

    def get_pipeline(
        self, source: ModelSource, placement: Placement, files: State, load_it: Callable[[torch.device], LoadedModel]
    ) -> LoadedModel:
        """Return a whole deployed model, whose weights and settings are `files`. Raises what `load_it` does."""
        device = devices.resolve(placement.device)
        trust = (source.trust_remote_code, source.also_allowed)
        key = _Key(source.location, "pipeline", placement.dtype, device, files, (), *trust)
        return self._kept(key, source, lambda: load_it(device))

    def _kept(self, key: _Key, source: ModelSource, load_it: Callable[[], LoadedModel]) -> LoadedModel:
        """Return the model of this key, loading it if necessary; models that need its place are unloaded."""
        if key not in self._models:
            self._models = {other: kept for other, kept in self._models.items() if not other.is_older(key)}
            self._make_room(source, sum(size for _, _, size in key.files), key.device)
            try:
                loaded = load_it()
            except OutOfMemory:
                # The size of random weights is not known in advance.
                if not self._models:
                    raise
                self.unload()
                loaded = load_it()
            self._models[key] = loaded
        return self._models[key]

    def _make_room(self, source: ModelSource, size: int, device: torch.device) -> None:
        """Unload other models if a checkpoint of `size` bytes needs their memory. Raises `OutOfMemory`."""
        free = devices.free_on(device)
        if free is not None and free < size and self._models:
            self.unload()
            free = devices.free_on(device)
        if free is not None and free < size:
            raise OutOfMemory(
                f"{source.name}: its weights take {numbers.decimal_size(size)},"
                f" but {device} has {numbers.decimal_size(free)} free"
            )

    def unload(self, locations: Iterable[str] | None = None) -> None:
        """Release the memory of the models of these locations, or of all if None."""
        gone = None if locations is None else set(locations)
        self._models = {
            key: model for key, model in self._models.items() if gone is not None and key.location not in gone
        }
        gc.collect()
        if torch.accelerator.is_available() and hasattr(torch.accelerator, "empty_cache"):
            torch.accelerator.empty_cache()

    def all(self) -> list[LoadedModel]:
        return list(self._models.values())


LOADED: Final = LoadedModels()
"""The models of this process, shared by all operations."""
