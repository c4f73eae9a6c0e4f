"""Which settings are worth measuring where only the fastest matters.

Plain arithmetic on seconds and on what settings differ in, so that it can be checked with made-up ones.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final

HOPELESS: Final = 3.0
"""A pass that takes this many times as long as the fastest so far is broken off."""
CONTENDING: Final = 1.5
"""What takes more than this many times as long in its warm-up is measured no further, and, where it differs from the
first in one thing, that thing is not tried together with others either."""
GRACE: Final = 1.0
"""Seconds that every pass may take: below, breaking it off saves nothing, and a cold pass is no fair one."""

NOT_TRIED: Final = "not tried: "

Difference = frozenset[Hashable]


class Pruning:
    """Runners in the order in which they are tried; the first is what is in force, and is measured whatever it takes.

    `differences` says in what each differs from the first, which has the empty one.
    """

    def __init__(self, differences: Sequence[Difference]) -> None:
        self._differences = list(differences)
        self._fastest: dict[int, float] = {}
        self._given_up: dict[Difference, str] = {}

    def note(self, index: int, fastest: float | None) -> None:
        """Take in the fastest pass of a warm-up, in seconds; None where it ended."""
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
        """Why a runner is not tried at all."""
        mine = self._differences[index]
        for difference, value in self._given_up.items():
            if difference < mine:
                return f"{NOT_TRIED}{value} alone is slower"
        return None

    def allowed(self, index: int) -> float | None:
        """Seconds that a pass of a runner may take; None for as long as it takes."""
        if index == 0 or not self._fastest:
            return None
        return max(HOPELESS * min(self._fastest.values()), GRACE)

    def not_pursued(self, index: int) -> str | None:
        """Why a runner that was warmed up is measured no further."""
        mine = self._fastest.get(index)
        if index == 0 or mine is None:
            return None
        times = mine / best if (best := min(self._fastest.values())) > 0 else 1.0
        if times <= CONTENDING:
            return None
        return f"{times:.1f} × the fastest in its warm-up ({mine:,.3g} s)"
