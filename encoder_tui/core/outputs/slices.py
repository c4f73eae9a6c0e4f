"""Parts of an output: windows, their cells, and names for a tensor's dimensions."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Literal

import msgspec

from encoder_tui.core.outputs.runs import OutputFacts


class Window(msgspec.Struct, frozen=True):
    """A part of a matrix as cells: from `row` and `column` on, one cell for every `row_step` × `column_step` values."""

    row: int
    column: int
    row_step: int
    column_step: int
    height: int
    width: int


class Cells(msgspec.Struct, frozen=True):
    """Values as little-endian bytes of `dtype` (float32 or float64), of the shape (height, width) that exists."""

    dtype: Literal["float32", "float64"]
    shape: tuple[int, int]
    data: bytes

    def values(self) -> Sequence[float]:
        """Return the values, row by row."""
        return floats(self.data, self.dtype)


def floats(data: bytes, dtype: str) -> array[float]:
    """Return little-endian bytes as numbers."""
    import sys  # noqa: PLC0415

    values = array("d" if dtype == "float64" else "f")
    values.frombytes(data)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def dimension_names(output: OutputFacts) -> tuple[str, ...]:
    """Return the names of an output's dimensions."""
    kind = output.name.partition(".")[0]
    names = {
        2: ("batch", "hidden"),
        3: ("batch", "tokens", "hidden"),
        4: ("batch", "heads", "queries", "keys"),
    }.get(len(output.shape), tuple(f"dimension {index}" for index in range(len(output.shape))))
    return ("batch", "tokens", "keys") if kind == "attentions" and len(names) == 3 else names


def shape_words(output: OutputFacts) -> str:
    """Format a shape: `1 batch × 17 tokens × 768 hidden`."""
    return " × ".join(f"{size:,} {name}" for size, name in zip(output.shape, dimension_names(output), strict=True))


def shape_numbers(output: OutputFacts) -> str:
    """Format a shape: `1×17×768`."""
    return "×".join(map(str, output.shape))


def shape_short(output: OutputFacts) -> str:
    """Format a shape: `1 × 17 tokens × 768 hidden`. The batch is always first and needs no name."""
    return shape_words(output).replace(" batch", "", 1)


def pairs_out_of_sight(tokens: int, reach: int) -> int:
    """Return how many of the tokens × tokens pairs are further apart than `reach`."""
    far = max(tokens - reach - 1, 0)
    return far * (far + 1)
