"""The part of the pane that counts the collection: its keys, and what is shown as the counts come in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widget import Widget
from textual.widgets import ContentSwitcher

from encoder_tui.collection import Collection, CountedModel
from encoder_tui.lengths import CollectionCounts
from encoder_tui.panes.documents.counting import Counting
from encoder_tui.panes.documents.listing import DocumentList
from encoder_tui.session import Session
from encoder_tui.widgets.cycle import Cycle


class CountingKeys(Widget):
    """Begins, pauses and forgets the counting of the pane's collection."""

    session: Session
    collection: Collection | None
    counting: Counting | None
    reopened: CollectionCounts | None
    models: list[CountedModel]

    def _show_words(self) -> None:
        raise NotImplementedError

    def _show_view(self) -> None:
        raise NotImplementedError

    if TYPE_CHECKING:  # not defined here: `Prompts`, which has it, comes later among the bases

        def sort_as_before(self) -> None:
            """Take up the last session's order."""

    def _new_counting(self, start: bool) -> None:
        if self.counting is not None:
            self.counting.stop()
        self.counting = None
        self.query_one(DocumentList).lengths = ()
        if self.collection is None or not self.models:
            return
        chosen = self.query_one("#sample", Cycle).value.split()[0].replace(",", "")
        sample = int(chosen) if chosen.isdigit() else None
        self.counting = Counting(self.session, self.collection, self.models, self._counted, sample)
        if start:
            self.counting.start()
        self._counted()

    def _counted(self) -> None:
        listing = self.query_one(DocumentList)
        if self.counting is not None:
            listing.learn(self.counting.known, self.counting.counts.total)
            listing.lengths = self.counting.tokens
            if self.counting.state == "done":
                self.sort_as_before()
            self.session.counts = self.reopened or self.counting.counts
        self._show_words()
        if self.query_one("#document-views", ContentSwitcher).current == "collection":
            self._show_view()

    def action_count(self) -> None:
        """Count the collection, or pause."""
        if self.counting is None:
            return
        self.reopened = None
        if self.counting.state == "counting":
            self.counting.pause()
        else:
            self.counting.start()
        self._counted()

    def action_cancel_counting(self) -> None:
        """Forget what was counted."""
        self._new_counting(start=False)
