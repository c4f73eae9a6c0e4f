"""An editor's text, kept exactly as it is whatever characters it holds, and the same text as it is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from textual.document._document import Document, EditResult, Location

from encoder_tui.core.text.safe import visible_in_place


class PlainDocument(Document):
    """`Document` whose only line end is U+000A.

    Textual's own ends a line wherever `str.splitlines` does, at form feeds, U+2028 and six more, and joins the
    lines with one kind of line end: the text would change at the first key.
    """

    def __init__(self, text: str) -> None:
        super().__init__("")
        self._lines = text.split("\n")

    def replace_range(self, start: Location, end: Location, text: str) -> EditResult:
        """Replace the text between two locations."""
        (top, left), (bottom, right) = sorted((start, end))
        replaced = self.get_text_range(start, end)
        lines = self._lines
        before = lines[top][:left] if top < len(lines) else ""
        after = lines[bottom][right:] if bottom < len(lines) else ""
        made = (before + text).split("\n")
        column = len(made[-1])
        made[-1] += after
        lines[top : bottom + 1] = made
        return EditResult((top + len(made) - 1, column), replaced)


class _DrawnLines(list[str]):
    """Lines that are made visible on access: an edit looks at a few of many."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[str]:
        return map(visible_in_place, self._lines)

    def __getitem__(self, index: Any) -> Any:
        found = self._lines[index]
        return visible_in_place(found) if isinstance(found, str) else [*map(visible_in_place, found)]


class Drawn(Document):
    """The lines of a document as they are drawn, each character in its own column; they change with the document's.

    These must be wrapped and measured: for Textual a control character has no width, but its symbol has.
    """

    def __init__(self, document: Document) -> None:
        super().__init__("")
        self._lines = _DrawnLines(document.lines)
