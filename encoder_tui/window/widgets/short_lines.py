"""A few lines of text that change while the user types."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class ShortLines(Static):
    """A `Static` for lines that are cut to the window: no markup, and only the work that a change needs.

    `Static.update` lays out the whole screen again, which takes longer than drawing what a key changes.
    """

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(Content(""), id=id, classes=classes, markup=False)

    def say(self, content: Content) -> None:
        """Show these lines; the screen is laid out again only if their number has changed."""
        before = self.content
        assert isinstance(before, Content)
        # Two contents are equal if their characters are, even if their styles differ.
        if content.plain == before.plain and content.spans == before.spans:
            return
        grows = content.plain.count("\n") != before.plain.count("\n") or not content.plain or not before.plain
        self.update(content, layout=grows)
