"""What a document costs under a model, read off a measured curve."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

WINDOW = 512
STRIDE = 64
"""Tokens that neighbouring windows share."""


class Cost(msgspec.Struct, frozen=True):
    """A way to run a document: in words, its passes, and its seconds; `beyond` what was measured they are a guess."""

    how: str
    seconds: float
    passes: int = 1
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
    ordered = sorted((x, y) for x, y in curve if x > 0 and y > 0)
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


def windows(tokens: int, special: int, window: int = WINDOW, stride: int = STRIDE) -> int:
    """How many windows a document of so many tokens, special ones included, takes."""
    body, content = window - special, tokens - special
    return 1 if content <= body else 1 + math.ceil((content - body) / (body - stride))


def costs(tokens: int, special: int, limit: int | None, curve: Sequence[tuple[float, float]]) -> list[Cost]:
    """Whole where the model takes the document; otherwise cut, and in windows."""
    bound = math.inf if limit is None else limit
    if tokens <= bound:
        found = seconds_at(curve, tokens)
        return [] if found is None else [Cost(f"whole ({tokens:,} tokens)", *_spread(found))]
    window = min(WINDOW, int(bound))
    found = seconds_at(curve, window)
    if found is None:
        return []
    seconds, beyond = found
    number = windows(tokens, special, window, min(STRIDE, window // 4))
    cut = Cost(f"cut to {window:,} of {tokens:,} tokens", seconds, beyond=beyond)
    return [cut, Cost(f"in {number:,} windows", number * seconds, number, beyond)]


def _spread(found: tuple[float, bool]) -> tuple[float, int, bool]:
    return found[0], 1, found[1]
