"""Statistics of a tensor's values, and the difference between two checkpoints, as plain numbers."""

from __future__ import annotations

from math import inf, isfinite

import msgspec

from encoder_tui.core.text.numbers import relative_percent


class TensorStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """One tensor of a checkpoint. `mean`, `std`, `minimum`, `maximum` and `norm` are of the finite values.

    `histogram` counts them in bins of equal width between the extremes. `heatmap` holds the mean of each of its
    cells, as a list of rows; `heat_shape` is the rows and columns of the tensor that these cells cover.
    """

    stored_name: str
    file: str
    dtype: str
    shape: tuple[int, ...]
    numel: int
    mean: float
    std: float
    minimum: float
    maximum: float
    zeros: int
    nan: int
    infinite: int
    norm: float
    histogram: list[int]
    heatmap: list[list[float]]
    heat_shape: tuple[int, int]


class Change(msgspec.Struct, frozen=True):
    """The difference between a tensor and the tensor of the same name in another checkpoint.

    `norm` is the norm of the first tensor's finite values, `difference` the norm of the difference, and `largest` the
    largest difference between two values. If a value became NaN, or stopped being NaN, the difference is infinite.
    """

    name: str
    shape: tuple[int, ...]
    norm: float
    difference: float
    largest: float

    @property
    def relative(self) -> float:
        """The relative difference: 0 if nothing changed, infinite if the first is all zeros and the second is not."""
        if self.norm and isfinite(self.difference):
            return self.difference / self.norm
        return inf if self.difference else 0.0


class Differences(msgspec.Struct, frozen=True, kw_only=True):
    """Two checkpoints, tensor by tensor; a partial answer holds only the changes found since the previous one."""

    changes: list[Change] = []
    only_first: list[str] = []
    only_second: list[str] = []
    other_shape: list[str] = []


def sentence(found: Differences, letters: str) -> str:
    """Summarise a comparison of two checkpoints."""
    first, second = letters[0], letters[1]
    if not found.changes:
        return f"{first} and {second} have no tensor of the same name and shape"
    changed = [change for change in found.changes if change.difference]
    words = [
        f"{len(changed):,} of {len(found.changes):,} tensors differ"
        if changed
        else f"all {len(found.changes):,} tensors are equal"
    ]
    if changed:
        most = max(changed, key=lambda change: change.relative)
        words.append(f"largest change: {most.name}, {relative_percent(most.relative)} of its norm")
    for names, who in ((found.only_first, first), (found.only_second, second)):
        if names:
            words.append(f"{len(names):,} only in {who}")
    if found.other_shape:
        words.append(f"{len(found.other_shape):,} with another shape")
    return "; ".join(words)
