"""What documents cost under a model, read off a measured curve."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from encoder_tui.core.defaults import STRIDE
from encoder_tui.core.documents.document import window_count
from encoder_tui.core.text.numbers import count

WINDOW = 512
REACH = 4
"""The longest pass that is estimated, as a multiple of the longest measured length. Beyond it an estimate is worthless.
"""
TOO_FAR = f"more than {REACH} × the longest measured"


class Cost(msgspec.Struct, frozen=True):
    """One way to run a document: a description, the number of passes, and the time in seconds.

    `beyond` is set if the length was not measured, so that the time is an estimate. `seconds` is None if the length is
    too far beyond.
    """

    how: str
    seconds: float | None
    passes: float = 1
    beyond: bool = False

    def words(self) -> str:
        """Return the cost in words."""
        if self.seconds is None:
            return f"{self.how}: {TOO_FAR}"
        time = f"{self.seconds:,.2f} s" if self.seconds >= 0.1 else f"{1000 * self.seconds:,.1f} ms"
        guess = " (beyond what was measured)" if self.beyond else ""
        return f"{self.how}: {time}, {3600 / self.seconds:,.0f} an hour{guess}"


def _ordered(curve: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return sorted((x, y) for x, y in curve if x > 0 and y > 0)


def seconds_at(ordered: Sequence[tuple[float, float]], length: float) -> float:
    """Return the seconds of a pass at a length, from at least one measured point, sorted by length.

    Between two lengths, interpolate linearly between the logarithms. Below the first, return the first. Beyond the
    last, use the exponent of the last two, limited to 1 … 2, because noise gives any exponent for two lengths that lie
    close together.
    """
    longest, last = ordered[-1]
    if length > longest:
        power = _power(ordered[-2], ordered[-1]) if len(ordered) > 1 else 1.0
        return last * math.pow(length / longest, min(max(power, 1.0), 2.0))
    above = next(place for place, (x, _) in enumerate(ordered) if x >= length)
    if above == 0:
        return ordered[0][1]
    x0, y0 = ordered[above - 1]
    return y0 * math.pow(length / x0, _power(ordered[above - 1], ordered[above]))


def _power(one: tuple[float, float], other: tuple[float, float]) -> float:
    # Of two points the slope is a quotient; a regression would add only rounding.
    return math.log(other[1] / one[1]) / math.log(other[0] / one[0])


def costs(tokens: int, special: int, limit: int | None, curve: Sequence[tuple[float, float]]) -> list[Cost]:
    """Return the costs of a document: whole if the model accepts it, otherwise cut, and in windows."""
    ordered = _ordered(curve)
    if not ordered:
        return []
    if limit is None or tokens <= limit:
        return [_cost(f"whole ({count(tokens, 'token')})", seconds_at(ordered, tokens), tokens, ordered)]
    window = min(WINDOW, limit)
    cut = _cost(f"cut to {limit:,} of {tokens:,} tokens", seconds_at(ordered, limit), limit, ordered)
    if not _has_windows(window, special):
        return [cut]
    number = window_count(tokens, window, _stride(window), special)
    split = _in_windows(ordered, tokens, special, window)
    return [cut, _cost(f"in {number:,} windows", split, window, ordered, number)]


def _cost(how: str, seconds: float, reads: int, ordered: Sequence[tuple[float, float]], passes: float = 1) -> Cost:
    """Return the cost of passes of at most `reads` tokens."""
    longest = ordered[-1][0]
    return Cost(how, seconds if reads <= REACH * longest else None, passes, not ordered[0][0] <= reads <= longest)


def collection_costs(
    documents: Mapping[int, int], special: int, limit: int | None, curve: Sequence[tuple[float, float]]
) -> list[Cost]:
    """Return the costs of an average document of a collection; `documents` maps each length in tokens to its number.

    Seconds are the mean over the documents, each with its own length; one document of the mean length would cost less.
    """
    ordered, total = _ordered(curve), sum(documents.values())
    if not ordered or not total:
        return []
    longest = max(documents)
    if limit is None or longest <= limit:
        return [_mean("whole", documents, ordered, longest)]
    window = min(WINDOW, limit)
    cut = _mean(f"cut to {limit:,}", documents, ordered, limit)
    if not _has_windows(window, special):
        return [cut]
    passes, seconds = 0, 0.0
    for length, number in documents.items():
        passes += number * window_count(length, window, _stride(window), special)
        seconds += number * _in_windows(ordered, length, special, window)
    split = f"in {passes / total:,.1f} windows"
    return [cut, _cost(split, seconds / total, window, ordered, passes / total)]


def _in_windows(ordered: Sequence[tuple[float, float]], tokens: int, special: int, window: int) -> float:
    """Return the seconds of a document in windows; the last window holds the remaining tokens."""
    parts = window_count(tokens, window, _stride(window), special)
    last = tokens - (parts - 1) * (window - special - _stride(window))
    return (parts - 1) * seconds_at(ordered, window) + seconds_at(ordered, last)


def _mean(how: str, documents: Mapping[int, int], ordered: Sequence[tuple[float, float]], most: int) -> Cost:
    """Return the mean cost of documents that are read up to a number of tokens."""
    seconds = sum(number * seconds_at(ordered, min(length, most)) for length, number in documents.items())
    return _cost(how, seconds / sum(documents.values()), min(max(documents), most), ordered)


def _has_windows(window: int, special: int) -> bool:
    """Return whether a window has room for tokens that the previous one does not hold."""
    return special + _stride(window) < window


def _stride(window: int) -> int:
    return min(STRIDE, window // 4)
