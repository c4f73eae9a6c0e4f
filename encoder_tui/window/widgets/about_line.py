"""A line with words at its left and at its right end."""

from __future__ import annotations

from textual.content import Content

from encoder_tui.window.theme import QUIET


def about_line(left: Content, right: str, width: int) -> Content:
    """Return a line of `width` cells at most: `left`, and at its end the less important words `right`."""
    gap = max(width - left.cell_length - len(right) - 1, 2)
    return Content.assemble(left, " " * gap, (right, QUIET)).truncate(max(width, 1), ellipsis=True)
