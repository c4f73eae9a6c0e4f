"""Numbers as colours, as characters if there are no colours, and as digits."""

from __future__ import annotations

import math
from typing import Final

from rich.style import Style
from textual.color import Color
from textual.dom import DOMNode

LEVELS: Final = 24
NEGATIVE: Final = Color.parse("#4f9dff")
POSITIVE: Final = Color.parse("#ff8c3a")
"""Blue and orange, which people with the common kinds of colour blindness can tell apart."""
ON_DARK: Final = (
    ("#00005f", "#000087", "#0000af", "#005faf", "#0087ff", "#00afff"),
    ("#5f0000", "#875f00", "#af5f00", "#d75f00", "#ff5f00", "#ff8700"),
)
ON_LIGHT: Final = (
    ("#afd7ff", "#87d7ff", "#5fafff", "#0087ff", "#005fff", "#0000ff"),
    ("#ffd7af", "#ffaf87", "#ffaf5f", "#ff8700", "#ff5f00", "#d75f00"),
)
"""Blues and oranges of the 256 colours that a terminal has without COLORTERM, each step farther from the background.

Mixed colours would be replaced by the nearest of the 256, which are olive, teal and maroon in no order.
"""


def colours_of(widget: DOMNode) -> list[Style]:
    """Return the colours on a widget's background, from the full negative one to the full positive one."""
    app = widget.app
    is_limited = app.console.color_system == "256" and not app.is_headless
    return (colours_of_256 if is_limited else colours)(widget.background_colors[1])


def colours_of_256(ground: Color) -> list[Style]:
    """Return the colours as `colours` does, in a few steps of the 256 that many terminals have."""
    ramps = ON_DARK if ground.brightness < 0.5 else ON_LIGHT
    found = []
    for level in range(-LEVELS, LEVELS + 1):
        ramp = ramps[level > 0]
        step = abs(level) * (len(ramp) + 1) // (LEVELS + 1)
        found.append(Style(bgcolor=(Color.parse(ramp[step - 1]) if step else ground).rich_color))
    return found


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
