"""The last check of every line before it is sent to the terminal."""

from __future__ import annotations

import unicodedata
from typing import Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.strip import Strip

from encoder_tui.core.text.safe import visible

OBEYED: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of characters that a terminal, or its text layout, obeys instead of drawing them."""


class Fence(LineFilter):
    """Replaces control characters that a widget let through.

    Widgets already call `visible` on text from outside, but one forgotten call among hundreds, or a widget of
    Textual's, must not let a document control the terminal.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments; harmful ones are replaced by harmless ones of the same width, each with a style."""
        if any(map(obeyed, segments)):
            width = sum(cell_len(text) for text, _, _ in segments)
            made = [Segment(_harmless(each.text), each.style) if obeyed(each) else each for each in segments]
            segments = [*Strip(made).adjust_cell_length(width)]
        if any(style is None and not control for _, style, control in segments):
            # Textual's filter for terminals without colours fails on it.
            return [each if each.style or each.control else Segment(each.text, Style.null()) for each in segments]
        return segments


def obeyed(segment: Segment) -> bool:
    """Return whether a segment of text has a character that a terminal would obey."""
    text, _, control = segment
    # The cheap check first: this runs for every drawn line.
    return not (text.isprintable() or control) and any(unicodedata.category(one) in OBEYED for one in text)


def _harmless(text: str) -> str:
    return "".join(visible(one) if unicodedata.category(one) in OBEYED else one for one in text)
