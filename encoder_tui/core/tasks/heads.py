"""What a head says of tokenized texts: its logits, as the engine hands them over."""

from __future__ import annotations

import math

import msgspec

from encoder_tui.core.models.placement import InForce
from encoder_tui.core.outputs.slices import floats


class Logits(msgspec.Struct, frozen=True):
    """One output of a head for one row: little-endian float32 of `shape`, without the places of padding."""

    shape: list[int]
    data: bytes

    def values(self) -> list[float]:
        """Return the logits of a head that says one thing of a text: one for each label."""
        return list(floats(self.data, "float32"))

    def rows(self) -> list[list[float]]:
        """Return the logits of a head that says one thing of each token: those of its labels."""
        values, width = self.values(), math.prod(self.shape[1:])
        return [values[start : start + width] for start in range(0, len(values), width)]


class HeadAnswer(msgspec.Struct, frozen=True):
    """The outputs of a head, by name; each holds one entry for every row, in the order of the request.

    Rows that belong together as choices are one entry.
    """

    in_force: InForce
    outputs: dict[str, list[Logits]]
