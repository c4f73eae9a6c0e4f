"""Bars of characters, in one line of text."""

from __future__ import annotations

import math


def bar(share: float, room: int) -> str:
    """Return a thin bar, precise to half a cell."""
    if not math.isfinite(share):
        return ""
    halves = round(min(max(share, 0.0), 1.0) * room * 2)
    return "━" * (halves // 2) + "╸" * (halves % 2)
