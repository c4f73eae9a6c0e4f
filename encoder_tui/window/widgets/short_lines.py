"""A few lines of words that are said anew while the user types."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class ShortLines(Static):
    """`Static` for lines that are cut to the window: no markup, and no more work than the change asks for.

    `Static.update` lays the whole screen out again, which takes longer than to draw what a key changes.
    """

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(Content(""), id=id, classes=classes, markup=False)

    def say(self, content: Content) -> None:
        """Show these lines; the screen is laid out again only where there are more or fewer than before."""
        before = self.content
        assert isinstance(before, Content)
        # Two contents are equal where their characters are, whatever their styles.
        if content.plain == before.plain and content.spans == before.spans:
            return
        grows = content.plain.count("\n") != before.plain.count("\n") or not content.plain or not before.plain
        self.update(content, layout=grows)
