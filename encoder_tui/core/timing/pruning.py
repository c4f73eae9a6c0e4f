"""Decide which settings are worth measuring, if only the fastest matter.

This is plain arithmetic on seconds and on the settings that differ, so tests can check it with invented numbers.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final

HOPELESS: Final = 3.0
"""A pass is stopped when it takes this many times as long as the fastest so far."""
CONTENDING: Final = 1.5
"""Settings whose warm-up takes more than this many times as long as the fastest are not measured further. If they
differ from the first in one setting only, that value is not tried in combination with others either.
"""
GRACE: Final = 1.0
"""Seconds that every pass may take. Stopping a shorter one saves nothing, and a cold pass is always slow."""

NOT_TRIED: Final = "not tried: "

Difference = frozenset[Hashable]


class Pruning:
    """The runners in the order in which they are tried. The first has the current settings and is always measured.

    `differences` holds the settings in which each runner differs from the first; it is empty for the first.
    """

    def __init__(self, differences: Sequence[Difference]) -> None:
        self._differences = list(differences)
        self._fastest: dict[int, float] = {}
        self._given_up: dict[Difference, str] = {}

    def note(self, index: int, fastest: float | None) -> None:
        """Record the fastest pass of a runner's warm-up, in seconds; None if the runner failed."""
        difference = self._differences[index]
        if fastest is not None:
            self._fastest[index] = fastest
        if index == 0 or len(difference) != 1:
            return
        first = self._fastest.get(0)
        if fastest is None or (first is not None and fastest > CONTENDING * first):
            (value,) = difference
            self._given_up[difference] = str(value)

    def not_tried(self, index: int) -> str | None:
        """Return the reason why a runner is not tried, or None."""
        mine = self._differences[index]
        for difference, value in self._given_up.items():
            if difference < mine:
                return f"{NOT_TRIED}{value} alone is slower"
        return None

    def allowed(self, index: int) -> float | None:
        """Return how many seconds a pass of a runner may take; None for no limit."""
        if index == 0 or not self._fastest:
            return None
        return max(HOPELESS * min(self._fastest.values()), GRACE)

    def not_pursued(self, index: int) -> str | None:
        """Return the reason why a runner is not measured after its warm-up, or None."""
        mine = self._fastest.get(index)
        if index == 0 or mine is None:
            return None
        times = mine / best if (best := min(self._fastest.values())) > 0 else 1.0
        if times <= CONTENDING:
            return None
        return f"{times:.1f} times as slow as the fastest in its warm-up ({mine:,.3g} s)"
