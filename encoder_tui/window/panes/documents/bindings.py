"""The keys of the Documents pane."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding, BindingType

from encoder_tui.window.panes.pane import VIEW_KEYS

KEYS: Final[list[BindingType]] = [
    *VIEW_KEYS,
    Binding("o", "source", "Open", id="documents.open", tooltip="Open other documents"),
    Binding("t", "column", "Column", id="documents.column", tooltip="Choose the column of text, and the split"),
    Binding("right_square_bracket", "document(1)", "Next document", show=False, id="documents.next-document"),
    Binding("left_square_bracket", "document(-1)", "Previous document", show=False, id="documents.previous-document"),
    Binding(
        "L",
        "limit",
        "Limit",
        show=False,
        id="documents.limit",
        tooltip="Choose how many tokens a model reads in every pane; once more for the next model",
    ),
    Binding("c", "cut(1)", "Next cut", id="documents.next-cut"),
    Binding("C", "cut(-1)", "Previous cut", show=False, id="documents.previous-cut"),
    Binding(
        "slash",
        "prompt('search')",
        "Search",
        key_display="/",
        id="documents.search",
        tooltip="Find a text in this document",
    ),
    Binding(
        "f",
        "prompt('filter')",
        "Filter",
        show=False,
        id="documents.filter",
        tooltip="List only documents with a text or a length",
    ),
    Binding(
        "i",
        "prompt('index')",
        "Go to index",
        show=False,
        id="documents.go-to-index",
        tooltip="Open the document with an index",
    ),
    Binding(
        "s",
        "sort",
        "Sort",
        show=False,
        id="documents.sort",
        tooltip="Sort by index, by characters, or by tokens of each model",
    ),
    Binding("space", "count", "Count", id="documents.count", tooltip="Count the tokens of all documents, or pause"),
    Binding(
        "x",
        "cancel_counting",
        "Forget the counts",
        show=False,
        id="documents.forget-the-counts",
        tooltip="Drop the counts, or those that were reopened",
    ),
    Binding(
        "S",
        "save_counts",
        "Save counts",
        show=False,
        id="documents.save-counts",
        tooltip="Save the counts to a file",
    ),
    Binding(
        "R",
        "prompt('reopen')",
        "Reopen counts",
        show=False,
        id="documents.reopen-counts",
        tooltip="Read counts that were saved",
    ),
    Binding(
        "r",
        "retry",
        "Read again",
        show=False,
        id="documents.read-again",
        tooltip="Read again what could not be read",
    ),
    Binding("w", "text('wrap')", "Wrap", show=False, id="documents.wrap"),
    Binding("b", "text('boundaries')", "Token boundaries", show=False, id="documents.token-boundaries"),
    Binding(
        "y",
        "copy",
        "Copy the view",
        show=False,
        id="documents.copy",
        tooltip="Copy the document, its windows, or the statistics of the collection",
    ),
    Binding("escape", "leave", "Back", id="documents.leave"),
]
