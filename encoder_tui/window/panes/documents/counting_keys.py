"""The part of the pane that counts the collection under the models at hand: its keys, and what the counts change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from encoder_tui.client.collection import Collection, CountedModel
from encoder_tui.core.documents.document import DocumentTokens
from encoder_tui.core.documents.lengths import CollectionCounts
from encoder_tui.window.panes.documents.counting import Counting
from encoder_tui.window.panes.documents.limits import LimitsRow, counted_models
from encoder_tui.window.panes.documents.listing import DocumentList
from encoder_tui.window.panes.documents.reading import Reading
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.cycle import Cycle


class CountingKeys(Widget):
    """Begins, pauses and forgets the counting of the pane's collection."""

    session: Session
    collection: Collection | None
    counting: Counting | None
    reopened: CollectionCounts | None
    models: list[CountedModel]
    slots: list[int]
    readings: list[Reading]
    _opened_index: int

    def _show_words(self) -> None:
        raise NotImplementedError

    def _show_view(self) -> None:
        raise NotImplementedError

    def _open_document(self, index: int) -> None:
        raise NotImplementedError

    def _show_document(self, tokens: list[DocumentTokens], keep_place: bool = False) -> None:
        raise NotImplementedError

    if TYPE_CHECKING:  # not defined here: `Ordering`, which has them, comes later among the bases

        def models_left(self) -> None:
            """Put off what the list owes to the tokens of models."""

        def arrange_as_before(self) -> None:
            """Take up what was put off."""

    def _models_changed(self) -> None:
        slots, models = counted_models(self.session)
        before = [(model.name, model.key, model.limit) for model in self.models]
        if before == [(model.name, model.key, model.limit) for model in models] and slots == self.slots:
            return
        self.models_left()
        self.models, self.slots = models, slots
        self.query_one(LimitsRow).take(slots, models)
        self._list_limits()
        self._new_counting(start=self.collection is not None and not self.collection.answer.is_remote)
        if self.collection is not None:
            self._open_document(max(self._opened_index, 0))

    def _list_limits(self) -> None:
        self.query_one(DocumentList).count_under(self.slots, self.models, self.query_one(LimitsRow).chosen())

    @on(Cycle.Changed)
    def _limit_changed(self, event: Cycle.Changed) -> None:
        if event.cycle.id == "sample":
            self.reopened = None
            self._new_counting(start=True)
            return
        self._list_limits()
        self._show_document([reading.tokens for reading in self.readings], keep_place=True)

    def _new_counting(self, start: bool) -> None:
        if self.counting is not None:
            self.counting.stop()
        self.counting = None
        self.query_one(DocumentList).lengths = ()
        if self.collection is None or not self.models:
            self._counted()
            return
        sample: int | None = self.query_one("#sample", Cycle).value
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
                self.arrange_as_before()
        self.session.counts = self.reopened or (None if self.counting is None else self.counting.counts)
        self._show_words()
        if self.query_one("#document-views", ContentSwitcher).current == "collection":
            self._show_view()

    def action_count(self) -> None:
        """Count the collection, or pause."""
        if self.counting is None:
            wanted = "a source is open" if self.collection is None else "a model's tokenizer is there"
            self.session.notice(f"documents are counted once {wanted}", "warning")
            return
        self.reopened = None
        if self.counting.state == "counting":
            self.counting.pause()
        else:
            self.counting.start()
        self._counted()

    def action_cancel_counting(self) -> None:
        """Forget what was counted, or the counts that were reopened."""
        self.reopened = None
        self._new_counting(start=False)
