"""Opening a source of documents, another one, or another column of it; no widget."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from encoder_tui.client.client import EngineError, OperationFailed
from encoder_tui.client.collection import Collection
from encoder_tui.core.files.typed_paths import dropped
from encoder_tui.protocol.documents import SourceSpec
from encoder_tui.protocol.frames import Progress
from encoder_tui.window.panes.documents.words import progress_words
from encoder_tui.window.session.session import Session


class Opener:
    """Opens one source at a time: `source` was requested last, `collection` was opened last.

    `on_progress` is called with the current work, `on_open` when another collection is open.
    """

    def __init__(self, session: Session, on_progress: Callable[[str], None], on_open: Callable[[], None]) -> None:
        self.session = session
        self.source = session.docs
        self.spec = self._spec_of(session.docs)
        self.collection: Collection | None = None
        self._on_progress = on_progress
        self._on_open = on_open
        self._opening: asyncio.Task[None] | None = None

    def open(self, source: str | None, column: str | None = None, spec: SourceSpec | None = None) -> None:
        """Open other documents, or another column of the same; `spec` says how files are written."""
        self.stop()
        self.spec = spec or (self.spec if source == self.source else self._spec_of(source))
        self.source = source
        self._opening = asyncio.create_task(self._open(source, column))

    def _spec_of(self, source: str | None) -> SourceSpec:
        names = [None] if source is None else dropped(source)
        return SourceSpec(names[0], offline=self.session.settings.offline, more=tuple(filter(None, names[1:])))

    @property
    def is_opening(self) -> bool:
        """Whether documents are being opened."""
        return self._opening is not None and not self._opening.done()

    def stop(self) -> None:
        """Stop opening."""
        if self._opening is not None:
            self._opening.cancel()

    async def _open(self, source: str | None, column: str | None) -> None:
        self._on_progress("opening the documents; escape stops")
        try:
            collection = await Collection.open(self.session.documents_engine, self.spec, column, self._tell)
        except (OperationFailed, EngineError) as error:
            self._on_progress(str(error))
            self.session.notice(str(error), "error")
            return
        if collection.answer.stands_in_for is not None:
            self.session.notice(collection.answer.stands_in_for, "warning")
        if source is not None:
            self.session.memory.use_source(source)
        self.collection = collection
        self._on_open()

    def _tell(self, progress: Progress) -> None:
        self._on_progress(progress_words(progress))
