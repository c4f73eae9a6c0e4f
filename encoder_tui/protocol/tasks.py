"""Requests that use a model for its task: vectors of texts, and predictions for masked tokens."""

from __future__ import annotations

import msgspec

from encoder_tui.core.models.placement import ModelSource, Placement
from encoder_tui.core.outputs.runs import Batch
from encoder_tui.core.tasks.masked import BEST


class VectorsRequest(msgspec.Struct, frozen=True):
    """Pool the outputs of a batch; the rows are windows of one text, and their vectors are averaged."""

    source: ModelSource
    placement: Placement
    batch: Batch


class MaskedRequest(msgspec.Struct, frozen=True):
    """Predict the tokens at `positions` of a batch of one row, the `best` most probable ones for each."""

    source: ModelSource
    placement: Placement
    batch: Batch
    positions: list[int]
    best: int = BEST
