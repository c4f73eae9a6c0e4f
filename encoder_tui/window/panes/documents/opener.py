"""The part of the pane that opens a source, another one, or another column of it."""

from __future__ import annotations

import asyncio

from textual.widget import Widget

from encoder_tui.client.client import EngineError, TaskFailed
from encoder_tui.client.collection import Collection
from encoder_tui.core.documents.document import percent
from encoder_tui.core.documents.lengths import CollectionCounts
from encoder_tui.protocol.documents import SourceSpec
from encoder_tui.protocol.frames import Progress
from encoder_tui.window.panes.documents.counting import Counting
from encoder_tui.window.panes.documents.listing import DocumentList
from encoder_tui.window.panes.documents.source_dialog import SourceChooser
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.key_line import possible_changed


class Opening(Widget):
    """Opens the documents that the pane shows."""

    session: Session
    source: str | None
    collection: Collection | None
    counting: Counting | None
    reopened: CollectionCounts | None
    _doing: str
    _sort_wanted = 0
    """The last session's order, which the first source that opens takes up."""
    _opening: asyncio.Task[None] | None
    _finding: asyncio.Task[None] | None
    _opened_index: int

    def _show_words(self) -> None:
        raise NotImplementedError

    def _open_document(self, index: int) -> None:
        raise NotImplementedError

    def _new_counting(self, start: bool) -> None:
        raise NotImplementedError

    def open(self, source: str | None, column: str | None = None) -> None:
        """Open other documents, or another column of the same."""
        self.source = source
        for task in (self._opening, self._finding):
            if task is not None:
                task.cancel()
        self._opening = asyncio.create_task(self._open(source, column))

    async def _open(self, source: str | None, column: str | None) -> None:
        self._heard("opening the documents; escape stops")
        spec = SourceSpec(source, offline=self.session.settings.offline)
        try:
            collection = await Collection.open(self.session.documents_engine, spec, column, self._tell)
        except (TaskFailed, EngineError) as error:
            self._heard(str(error))
            self.session.notice(str(error), "error")
            return
        if collection.answer.stands_in_for is not None:
            self.session.notice(collection.answer.stands_in_for, "warning")
        if source is not None:
            self.session.use_source(source)
        self.collection, self.reopened, self._opened_index = collection, None, -1
        self.query_one(DocumentList).open(collection, self._sort_wanted)
        self._sort_wanted = 0
        self._heard("")
        # The document before the counting: the engine does one thing after the other.
        self._open_document(0)
        await asyncio.sleep(0.2)
        if self.counting is None or self.counting.collection is not collection:
            # Otherwise models that came meanwhile have begun it, and the user may have paused it.
            self._new_counting(start=not collection.answer.is_remote)

    def _tell(self, progress: Progress) -> None:
        of = f", {percent(progress.done / progress.total)}" if progress.total and progress.done else ""
        self._heard(f"{progress.text}{of}")

    def _heard(self, doing: str) -> None:
        was_busy, self._doing = bool(self._doing), doing
        self._show_words()
        if was_busy != bool(doing):
            possible_changed(self)

    @property
    def is_stoppable(self) -> bool:
        """Whether documents are being opened or searched."""
        is_opening, is_finding = (task is not None and not task.done() for task in (self._opening, self._finding))
        # Between two slices of a search the document that was found is read, and says in its turn what is being done.
        return is_finding or (is_opening and bool(self._doing))

    def stop(self) -> bool:
        """Give up opening or searching; whether there was anything to give up."""
        if not self.is_stoppable:
            return False
        for task in (self._opening, self._finding):
            if task is not None:
                task.cancel()
        self._heard("stopped; r reads again" if self.collection is None else "")
        self.session.notice("stopped; what was found so far stays listed")
        return True

    def action_source(self) -> None:
        """Choose other documents."""

        def chosen(source: str | None) -> None:
            if source:
                self.session.remember_source(source)
                self.open(source)

        self.app.push_screen(SourceChooser(self.source, self.session.memory.state.recent_sources), chosen)

    def action_column(self) -> None:
        """Show the next column of text."""
        if self.collection is None:
            return
        columns = self.collection.answer.columns
        if len(columns) == 1:
            self.session.notice(f"there is only the column {columns[0]}")
            return
        place = columns.index(self.collection.column) if self.collection.column in columns else -1
        column = columns[(place + 1) % len(columns)]
        if self.source is not None:
            self.session.remember_source(self.source, column)
        self.open(self.source, column)

    def action_retry(self) -> None:
        """Read again what could not be read."""
        if self.collection is None:
            self.open(self.source)
            return
        listing = self.query_one(DocumentList)
        listing.forget()
        listing.refresh()
        self._open_document(self._opened_index)
