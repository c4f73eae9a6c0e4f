"""The order of the list, and the filter by length: what hangs on the counts as they come in."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

from textual.widget import Widget

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.text.safe import count
from encoder_tui.window.panes.documents.arrangement import length_asked
from encoder_tui.window.panes.documents.listing import DocumentList


class Ordering(Widget):
    """The part of the pane that sorts the list and filters it by length."""

    session: Any
    collection: Any
    counting: Any
    slots: list[int]

    def _show_words(self) -> None:
        raise NotImplementedError

    @property
    def _has_lengths(self) -> bool:
        """Whether any document was counted."""
        return self.counting is not None and len(self.counting.characters) > 0

    def _filter_by_length(self, typed: str) -> None:
        self._let_pass(typed)
        self._order()
        arranged = self.query_one(DocumentList).arranged
        told = f"{count(len(arranged.rows or ()), 'document')} of {len(self.counting.tokens[0]):,} counted have"
        sign, than = length_asked(typed) or ("", 0)
        self.session.notice(f"{told} {sign} {than:,} tokens under {LETTERS[self.slots[0]]}")

    def _let_pass(self, typed: str) -> None:
        """Let those pass that are as long as the filter wants, of all that were counted."""
        sign, than = length_asked(typed) or ("", 0)
        lengths = self.counting.tokens[0]
        passing = (i for i, length in enumerate(lengths) if (length > than if sign == ">" else length < than))
        words = f"{sign} {than:,} {LETTERS[self.slots[0]]} tokens"
        arranged = self.query_one(DocumentList).arranged
        arranged.filter(typed, words, array("I", passing), is_part=self._is_counted_in_part)

    @property
    def _is_counted_in_part(self) -> bool:
        """Whether there are documents that have no length yet: the counting goes on, or is of a sample."""
        return self.counting.state != "done" or self.counting.counts.sample is not None

    def action_sort(self) -> None:
        """Order the list by index, then by characters, then by tokens under each model; the longest first."""
        if not self._has_lengths:
            self.session.notice("documents are sorted by length once they are counted; space counts", "warning")
            return
        arranged = self.query_one(DocumentList).arranged
        arranged.by = (arranged.by + 1) % (2 + len(self.counting.tokens))
        arranged.sort_wanted = 0
        self.session.remember(documents_sort=arranged.by)
        self._order()
        self._tell_order()

    def models_left(self) -> None:
        """Models have changed: what the list owes to the tokens of those before is put off until there are others."""
        arranged = self.query_one(DocumentList).arranged
        left = []
        if arranged.is_by_length:
            left.append(arranged.words)
            typed = arranged.typed
            arranged.filter("", "", None)
            arranged.filter_wanted = typed
        if arranged.by > 1:
            left.append(arranged.first)
            arranged.sort_wanted, arranged.by = arranged.sort_wanted or arranged.by, 0
        if left:
            self._arrange_again()
            self.session.notice(f"{', '.join(left)}: so again once the models at hand have counted")

    def arrange_as_before(self) -> None:
        """All is counted: take up what was put off, unless another was chosen since, and what was done in part."""
        arranged = self.query_one(DocumentList).arranged
        is_waiting = bool(arranged.filter_wanted) or (bool(arranged.sort_wanted) and not arranged.by)
        is_filtered_in_part = arranged.is_by_length and arranged.is_part
        if not (is_waiting or is_filtered_in_part or (arranged.by and arranged.is_sorted_in_part)):
            return
        if arranged.filter_wanted or is_filtered_in_part:
            self._let_pass(arranged.filter_wanted or arranged.typed)
        if not arranged.by:
            arranged.by = min(arranged.sort_wanted, 1 + len(self.counting.tokens))
            if arranged.by == arranged.sort_wanted:
                arranged.sort_wanted = 0  # otherwise it is by the tokens of a model that is still to come
        self._arrange_again()
        if is_waiting:
            self._tell_order()

    def _tell_order(self) -> None:
        listing = self.query_one(DocumentList)
        arranged = listing.arranged
        told = []
        if not arranged.is_everything:
            so_far = arranged.is_part if arranged.rows is not None else arranged.is_sorted_in_part
            told.append(count(listing.row_count, "document") + (" so far" if so_far else ""))
        if arranged.rows is not None:
            told.append(arranged.words)
        told.append(arranged.first if arranged.by else "in the order of the source")
        self.session.notice(", ".join(told))

    def _order(self) -> None:
        """List documents as they are arranged, from the first on."""
        listing = self.query_one(DocumentList)
        self._arrange()
        listing.cursor = 0
        listing.post_message(DocumentList.Moved(listing, 0))

    def _arrange_again(self) -> None:
        """List documents as they are arranged by now; the one under the cursor keeps it, and is the one that is read.

        Where there was none, or where it is not listed any more, the first is.
        """
        listing = self.query_one(DocumentList)
        held = listing.index_of(listing.cursor) if listing.row_count else -1
        self._arrange()
        listing.cursor = listing.row_of(held) or 0
        listing.post_message(DocumentList.Moved(listing, listing.cursor))

    def _arrange(self) -> None:
        listing = self.query_one(DocumentList)
        arranged = listing.arranged
        lengths = self._lengths(arranged.by)
        if not len(lengths):
            arranged.sort_wanted, arranged.by = arranged.sort_wanted or arranged.by, 0
        elif arranged.by:
            arranged.is_sorted_in_part = self._is_counted_in_part
            name = "characters" if arranged.by == 1 else f"{LETTERS[self.slots[arranged.by - 2]]} tokens"
            arranged.first = f"most {name} first"
        listing.order = arranged.order(lengths)
        listing.show_again()
        self._show_words()

    def _lengths(self, by: int) -> Sequence[int]:
        """What the list is sorted by; empty where nothing was counted that it could be."""
        if self.counting is None or not 0 < by < 2 + len(self.counting.tokens):
            return ()
        lengths: Sequence[int] = self.counting.characters if by == 1 else self.counting.tokens[by - 2]
        return lengths
