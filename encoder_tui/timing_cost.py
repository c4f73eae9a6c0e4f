"""What documents cost under a model, read off a measured curve."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from encoder_tui.documents import window_count

WINDOW = 512
STRIDE = 64
"""Tokens that neighbouring windows share."""


class Cost(msgspec.Struct, frozen=True):
    """A way to run a document: in words, its passes, and its seconds; `beyond` what was measured they are a guess."""

    how: str
    seconds: float
    passes: float = 1
    beyond: bool = False

    def words(self) -> str:
        """For people."""
        time = f"{self.seconds:,.2f} s" if self.seconds >= 0.1 else f"{1000 * self.seconds:,.1f} ms"
        guess = " (beyond what was measured)" if self.beyond else ""
        return f"{self.how}: {time}, {3600 / self.seconds:,.0f} an hour{guess}"


def seconds_at(curve: Sequence[tuple[float, float]], length: float) -> tuple[float, bool] | None:
    """Seconds of a pass at a length, and whether it lies outside the measured lengths.

    Between two lengths, and beyond the last, along a straight line of the logarithms; below the first, the first.
    """
    return _at(_ordered(curve), length)


def _ordered(curve: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return sorted((x, y) for x, y in curve if x > 0 and y > 0)


def _at(ordered: Sequence[tuple[float, float]], length: float) -> tuple[float, bool] | None:
    if not ordered:
        return None
    if length <= ordered[0][0]:
        return ordered[0][1], length < ordered[0][0]
    if len(ordered) == 1:
        # Nothing tells how it grows; in proportion is the least that it does.
        return ordered[0][1] * length / ordered[0][0], True
    above = next((place for place, (x, _) in enumerate(ordered) if x >= length), len(ordered) - 1)
    (x0, y0), (x1, y1) = ordered[above - 1], ordered[above]
    power = math.log(y1 / y0) / math.log(x1 / x0)
    return y0 * (length / x0) ** power, length > x1


def costs(tokens: int, special: int, limit: int | None, curve: Sequence[tuple[float, float]]) -> list[Cost]:
    """Whole where the model takes the document; otherwise cut, and in windows."""
    if limit is None or tokens <= limit:
        found = seconds_at(curve, tokens)
        return [] if found is None else [Cost(f"whole ({tokens:,} tokens)", found[0], beyond=found[1])]
    window, ordered = min(WINDOW, limit), _ordered(curve)
    found = _at(ordered, limit)
    if found is None:
        return []
    number = window_count(tokens, window, _stride(window), special)
    cut = Cost(f"cut to {limit:,} of {tokens:,} tokens", found[0], beyond=found[1])
    split = _in_windows(ordered, tokens, special, window)
    return [cut, Cost(f"in {number:,} windows", split, number, not ordered[0][0] <= window <= ordered[-1][0])]


def collection_costs(
    documents: Mapping[int, int], special: int, limit: int | None, curve: Sequence[tuple[float, float]]
) -> list[Cost]:
    """The same for an average document of a collection: `documents` has how many there are of each length in tokens.

    Seconds are the mean over the documents, each with its own length; a mean length would cost less than that.
    """
    ordered, total = _ordered(curve), sum(documents.values())
    if not ordered or not total:
        return []
    longest = max(documents)
    if limit is None or longest <= limit:
        return [_mean("whole", documents, ordered, longest)]
    window = min(WINDOW, limit)
    passes, seconds = 0, 0.0
    for length, number in documents.items():
        passes += number * window_count(length, window, _stride(window), special)
        seconds += number * _in_windows(ordered, length, special, window)
    split = f"in {passes / total:,.1f} windows"
    cut = _mean(f"cut to {limit:,}", documents, ordered, limit)
    return [cut, Cost(split, seconds / total, passes / total, window > ordered[-1][0])]


def _in_windows(ordered: Sequence[tuple[float, float]], tokens: int, special: int, window: int) -> float:
    """Seconds of a document in windows, the last of which has what the others left."""
    parts = window_count(tokens, window, _stride(window), special)
    last = tokens - (parts - 1) * (window - special - _stride(window))
    full, rest = _at(ordered, window), _at(ordered, last)
    assert full is not None
    assert rest is not None
    return (parts - 1) * full[0] + rest[0]


def _mean(how: str, documents: Mapping[int, int], ordered: Sequence[tuple[float, float]], most: int) -> Cost:
    """An average document of which at most so many tokens are read."""
    seconds = 0.0
    for length, number in documents.items():
        found = _at(ordered, min(length, most))
        assert found is not None
        seconds += found[0] * number
    reads = min(max(documents), most)
    return Cost(how, seconds / sum(documents.values()), beyond=reads > ordered[-1][0])


def _stride(window: int) -> int:
    return min(STRIDE, window // 4)
