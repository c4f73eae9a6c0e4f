"""Requests about a model's outputs, and about the memory that models and outputs take."""

from __future__ import annotations

from typing import Literal

import msgspec

from encoder_tui.core.models.placement import ModelSource, Placement
from encoder_tui.core.outputs.runs import Batch
from encoder_tui.core.outputs.slices import Window

How = Literal["mean", "norm"]


class RunRequest(msgspec.Struct, frozen=True):
    """Run one model on a batch.

    Unless `slot` is None, the engine keeps the outputs under it until the next run there, so that values can be
    requested.
    """

    source: ModelSource
    placement: Placement
    batch: Batch
    hidden_states: bool = False
    attentions: bool = False
    slot: int | None = None


class ValuesRequest(msgspec.Struct, frozen=True):
    """Return values `start` to `stop` of an output in memory order (row-major); a `stop` of None means the end."""

    slot: int
    name: str
    start: int = 0
    stop: int | None = None


class LookRequest(msgspec.Struct, frozen=True):
    """Return the cells of a window of a kept output.

    `leading` holds an index for every dimension but the last two; an output of two dimensions needs none. "mean"
    returns the mean of each cell's values (the value itself if a cell holds one); "norm" returns the Euclidean norm of
    each row of the window, whatever its width.
    """

    slot: int
    name: str
    leading: list[int]
    window: Window
    how: How = "mean"


class MemoryRequest(msgspec.Struct, frozen=True):
    """Report what the engine holds. If `slots` is given, the outputs of all other slots are released first."""

    slots: list[int] | None = None


class UnloadRequest(msgspec.Struct, frozen=True):
    """Release all outputs, and the models at `locations` or, if it is None, all models."""

    locations: list[str] | None = None
