"""The last look at every line before it goes to the terminal."""

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
"""Categories of the characters that a terminal, or what lays out its line, acts on instead of drawing them."""


class Fence(LineFilter):
    """Makes visible whatever a widget let through: text from outside is `visible` already where it is drawn, but
    one forgotten place among hundreds, or a widget of Textual's own, must not hand the terminal to a document.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments as they are where they are harmless; else made so, as wide as before, each with a style."""
        if any(map(obeyed, segments)):
            width = sum(cell_len(text) for text, _, _ in segments)
            made = [Segment(_harmless(each.text), each.style) if obeyed(each) else each for each in segments]
            segments = [*Strip(made).adjust_cell_length(width)]
        if any(style is None and not control for _, style, control in segments):
            # Textual's filter for terminals without colours cannot take that.
            return [each if each.style or each.control else Segment(each.text, Style.null()) for each in segments]
        return segments


def obeyed(segment: Segment) -> bool:
    """Whether a segment of text holds a character that would be obeyed."""
    text, _, control = segment
    # The cheap question first: this is asked of every line that is drawn.
    return not (text.isprintable() or control) and any(unicodedata.category(one) in OBEYED for one in text)


def _harmless(text: str) -> str:
    return "".join(visible(one) if unicodedata.category(one) in OBEYED else one for one in text)
