"""Numbers as colours, as characters if there are no colours, and as digits."""

from __future__ import annotations

import math
from typing import Final

from rich.style import Style
from textual.color import Color

LEVELS: Final = 24
NEGATIVE: Final = Color.parse("#4f9dff")
POSITIVE: Final = Color.parse("#ff8c3a")
"""Blue and orange, which people with the common kinds of colour blindness can tell apart."""


def colours(ground: Color) -> list[Style]:
    """Return the colours from the full negative one (level -`LEVELS`) over the background to the full positive one."""
    return [
        Style(bgcolor=ground.blend(NEGATIVE if level < 0 else POSITIVE, abs(level) / LEVELS).rich_color)
        for level in range(-LEVELS, LEVELS + 1)
    ]


def level(value: float, full: float, exponent: float) -> int:
    """Return the level of a finite value; `full` and more is the last level."""
    size = round(LEVELS * min(abs(value) / full, 1.0) ** exponent) if full else 0
    return size if value >= 0 else -size


def glyph(level: int) -> str:
    """Return a character for a level, which shows the sign if there are no colours."""
    return (" ·-=≡" if level < 0 else " ·+×#")[min(abs(level) * 5 // (LEVELS + 1), 4)]


def spelled(value: float) -> str:
    """Return a number in at most ten characters, with four decimals if they are meaningful."""
    if not math.isfinite(value):
        return str(value)
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.4f}"
    return f"{value:.3e}"
