"""Each model's letter and colour, the same everywhere."""

from __future__ import annotations

from typing import Final

from rich.style import Style
from textual.color import Color
from textual.widget import Widget

COLOURS: Final = ("text-primary", "text-accent", "text-success", "text-error")
"""Theme variables, one per letter."""


def letter_markup(index: int) -> str:
    """Return the style of a model's letter, for `Content`."""
    return f"bold ${COLOURS[index]}"


def letter_style(widget: Widget, index: int, bold: bool = False) -> Style:
    """Return the style of a model's letter in the current theme, for `Segment`."""
    colour = widget.app.theme_variables[COLOURS[index]]
    if colour.startswith("auto"):
        return Style(bold=True)
    return Style(color=Color.parse(colour.split()[0]).rich_color, bold=bold or None)
