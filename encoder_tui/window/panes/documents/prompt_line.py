"""What the pane asks for in one line: a text to find, a filter, an index, a file."""

from __future__ import annotations

import asyncio
from array import array
from typing import Any, Final

from textual import on
from textual.widgets import Input

from encoder_tui.client.client import EngineError, TaskFailed
from encoder_tui.core.documents.lengths import load, save
from encoder_tui.core.files.typed_paths import typed_path
from encoder_tui.core.text.safe import count
from encoder_tui.window.panes.documents.arrangement import length_asked
from encoder_tui.window.panes.documents.listing import DocumentList
from encoder_tui.window.panes.documents.sorting import Ordering
from encoder_tui.window.panes.documents.text import DocumentText
from encoder_tui.window.widgets.table import shortened

PROMPTS: Final = {
    "search": "search this document: n and N go to the next and the previous place",
    "filter": "list only documents that hold a text, or > 512 or < 512 tokens; empty lists all",
    "index": "go to the document with this index",
    "reopen": "reopen counts from (a JSON file)",
}
DIGITS: Final = 9
"""Of an index: more documents than any list holds."""


class Prompts(Ordering):
    """The part of the pane that takes typed words; what it needs of the rest is typed loosely here."""

    reopened: Any
    _mode = ""
    _finding: asyncio.Task[None] | None = None

    def action_prompt(self, mode: str) -> None:
        """Ask for words."""
        self._mode = mode
        prompt = self.query_one("#prompt", Input)
        prompt.placeholder = PROMPTS[mode]
        prompt.value = self.query_one(DocumentList).arranged.typed if mode == "filter" else ""
        prompt.display = True
        prompt.focus()

    def action_leave(self) -> None:
        """Stop what is under way, leave the line of words, or go back to the list."""
        if not self.query_one("#prompt").display and self.stop():
            return
        self.query_one("#prompt").display = False
        self.query_one(DocumentList).focus()

    @on(Input.Submitted, "#prompt")
    def _answered(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_leave()
        getattr(self, f"_{self._mode}")(event.value)

    def _search(self, wanted: str) -> None:
        text = self.query_one(DocumentText)
        found = text.search(wanted)
        if wanted:
            self.session.notice(f"{wanted!r} stands {count(found, 'time')} in this document")
        text.focus()

    def _index(self, typed: str) -> None:
        digits = typed.strip().replace(",", "")
        listing = self.query_one(DocumentList)
        if not digits.isdecimal():
            self.session.notice("an index is a number, 0 for the first document", "warning")
        elif len(digits) > DIGITS:
            self.session.notice(f"an index has {DIGITS} digits at most", "warning")
        elif listing.order is None and listing.total is None:
            listing.go_to(int(digits))
        elif (row := listing.row_of(int(digits))) is not None:
            listing.cursor = row
        else:
            self.session.notice(f"document {int(digits):,} is not in this list of {listing.row_count:,}", "warning")

    # Filters

    def _filter(self, typed: str) -> None:
        arranged = self.query_one(DocumentList).arranged
        is_by_length = length_asked(typed) is not None
        if is_by_length and not self._has_lengths:
            # A search that is under way goes on: nothing takes its place.
            self.session.notice("documents are filtered by length once they are counted; space counts", "warning")
            return
        if self._finding is not None and not self._finding.done():
            self._finding.cancel()
            self._heard("")
        if not typed.strip():
            arranged.filter("", "", None)
            self._order()
        elif is_by_length:
            self._filter_by_length(typed)
        elif self.collection is not None:
            self._finding = asyncio.create_task(self._find(typed))

    async def _find(self, wanted: str) -> None:
        arranged = self.query_one(DocumentList).arranged
        rows: array[int] = array("I")
        arranged.filter(wanted, f"holding {shortened(wanted, 20)!r}", rows, is_part=True)
        self._order()
        try:
            async for found, reached, is_end in self.collection.find(wanted):
                rows.extend(found)
                arranged.is_part = not is_end
                self._arrange_again()
                told = f"{wanted!r} stands in {count(len(rows), 'document')} of {reached:,}"
                self._heard("" if is_end else f"{told}; escape stops")
                if is_end:
                    self.session.notice(told)
        except (TaskFailed, EngineError) as error:
            self._heard("")
            self.session.notice(str(error), "error")

    def _heard(self, doing: str) -> None:
        raise NotImplementedError

    def stop(self) -> bool:
        """Give up what is under way."""
        raise NotImplementedError

    # Files

    def action_save_counts(self) -> None:
        """Ask for a path to save the counts to."""
        if self.counting is None or not self.counting.counts.documents:
            self.session.notice("there are no counts to save yet; space counts", "warning")
            return
        from encoder_tui.window.dialogs.save import Saveable, SaveDialog  # noqa: PLC0415

        async def made() -> bytes:
            return save(self.counting.counts)

        self.app.push_screen(SaveDialog([Saveable("counts", "counts.json", made)]))

    def _reopen(self, name: str) -> None:
        try:
            self.reopened = load(typed_path(name))
        except OSError as error:
            self.session.notice(f"{name.strip()} cannot be read: {error.strerror}", "error")
        except ValueError as error:
            self.session.notice(f"{name.strip()}: {error}", "error")
        else:
            self.session.counts = self.reopened
            self.show_collection()

    def show_collection(self) -> None:
        """Show the view of the collection."""
        raise NotImplementedError
