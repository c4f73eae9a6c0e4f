"""Vectors cut to their first values, as models of the Matryoshka kind allow, and made of length 1 again.

What changes is the cosine of every two texts, and with it which text is nearest and by how much a triplet holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul
from typing import Final

import msgspec

USUAL: Final = (4096, 3072, 2048, 1536, 1024, 768, 512, 384, 256, 192, 128, 64, 32, 16, 8)
"""Dimensions that vectors are usually cut to, largest first."""


class Shortened(msgspec.Struct, frozen=True):
    """What vectors of `dimension` values say of texts.

    `cosines` are texts × texts. `mean_change` and `largest_change` are how far the cosines of two different texts are
    from those of whole vectors. `same_nearest` is the share of texts whose nearest text is still the same. With fewer
    than two texts these are None. A cosine with a vector of zeros is NaN and left out of the three.
    """

    dimension: int
    cosines: list[list[float]]
    mean_change: float | None = None
    largest_change: float | None = None
    same_nearest: float | None = None


class Margin(msgspec.Struct, frozen=True):
    """A triplet at a dimension: the cosines of the anchor with the positive and the negative document; the second is
    None if there is no negative.
    """

    dimension: int
    positive: float
    negative: float | None

    @property
    def margin(self) -> float | None:
        """How much closer the positive document is; None without a negative."""
        return None if self.negative is None else self.positive - self.negative


def dimensions(whole: int) -> list[int]:
    """Return the dimensions to look at for vectors of `whole` values: that one first, then the usual smaller ones."""
    return [whole, *(size for size in USUAL if size < whole)]


def shortened(vector: Sequence[float], dimension: int) -> list[float]:
    """Return the first values of a vector, made of length 1; zeros stay zeros."""
    kept = vector[:dimension]
    length = math.sqrt(sum(map(mul, kept, kept)))
    return [value / length for value in kept] if length else list(kept)


def cosines_at(first: Sequence[float], second: Sequence[float], sizes: Sequence[int]) -> list[float]:
    """Return the cosine of two vectors cut to each of `sizes`, in their order; NaN if one of them is zero there."""
    products: dict[int, float] = {}
    product = left = right = 0.0
    begin = 0
    for size in sorted(set(sizes)):
        one, other = first[begin:size], second[begin:size]
        product += sum(map(mul, one, other))
        left += sum(map(mul, one, one))
        right += sum(map(mul, other, other))
        begin = size
        lengths = math.sqrt(left) * math.sqrt(right)
        products[size] = product / lengths if lengths else math.nan
    return [products[size] for size in sizes]


def shortenings(vectors: Sequence[Sequence[float]], sizes: Sequence[int] | None = None) -> list[Shortened]:
    """Return what texts' vectors say of them at each dimension; `sizes` are those of `dimensions` if not given."""
    if not vectors:
        return []
    sizes = dimensions(len(vectors[0])) if sizes is None else sizes
    texts = len(vectors)
    matrices = [[[1.0] * texts for _ in vectors] for _ in sizes]
    whole = [[1.0] * texts for _ in vectors]
    for row in range(texts):
        for column in range(row + 1):
            *found, last = cosines_at(vectors[row], vectors[column], [*sizes, len(vectors[0])])
            whole[row][column] = whole[column][row] = last
            for matrix, value in zip(matrices, found, strict=True):
                matrix[row][column] = matrix[column][row] = value
    return [_compared(size, matrix, whole) for size, matrix in zip(sizes, matrices, strict=True)]


def _compared(size: int, cosines: list[list[float]], whole: list[list[float]]) -> Shortened:
    changes = [
        abs(cosines[row][column] - whole[row][column])
        for row in range(len(whole))
        for column in range(row)
        if not math.isnan(cosines[row][column] - whole[row][column])
    ]
    if not changes:
        return Shortened(size, cosines)
    nearest = [(_nearest(one, row), _nearest(other, row)) for row, (one, other) in
               enumerate(zip(cosines, whole, strict=True))]  # fmt: skip
    same = sum(one == other for one, other in nearest) / len(nearest)
    return Shortened(size, cosines, sum(changes) / len(changes), max(changes), same)


def _nearest(row: Sequence[float], text: int) -> int | None:
    """Return the other text with the highest cosine; the first of several."""
    others = [(value, -other) for other, value in enumerate(row) if other != text and not math.isnan(value)]
    return -max(others)[1] if others else None


def margins(
    anchor: Sequence[float],
    positive: Sequence[float],
    negative: Sequence[float] | None,
    sizes: Sequence[int] | None = None,
) -> list[Margin]:
    """Return a triplet's cosines at each dimension; `sizes` are those of `dimensions` if not given."""
    sizes = dimensions(len(anchor)) if sizes is None else sizes
    close = cosines_at(anchor, positive, sizes)
    far: Sequence[float | None] = [None] * len(sizes) if negative is None else cosines_at(anchor, negative, sizes)
    return [Margin(size, one, other) for size, one, other in zip(sizes, close, far, strict=True)]
