"""Reading the document under the list's cursor: its text, then its tokens under each model; no widget."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from encoder_tui.client.client import EngineError, OperationFailed
from encoder_tui.client.collection import Collection, CountedModel
from encoder_tui.core.documents.document import DocumentTokens
from encoder_tui.protocol.documents import HURRY
from encoder_tui.protocol.frames import Progress
from encoder_tui.window.panes.documents.words import progress_words
from encoder_tui.window.session.session import Session
from encoder_tui.window.session.slot import DocumentRow

PASSING: Final = 0.05
"""Seconds for which the cursor must stay on a document before it is read: a held arrow key passes many."""


class DocumentReader:
    """The current document: `index` is its row in the collection (-1 for none), `text` and `tokens` what is known.

    `is_idle` is set while nothing is read: counting waits for it, so that the document in front comes first.
    `on_progress` is called with the current work; `on_change` when text or tokens changed, with whether the text is the
    same.
    """

    def __init__(self, session: Session, on_progress: Callable[[str], None], on_change: Callable[[bool], None]) -> None:
        self.session = session
        self.index = -1
        self.text = ""
        self.tokens: list[DocumentTokens] = []
        self.is_read = False
        """Whether these are all tokens of the document."""
        self.is_idle = asyncio.Event()
        self.is_idle.set()
        self._on_progress = on_progress
        self._on_change = on_change
        self._reading: asyncio.Task[None] | None = None

    def read(self, collection: Collection, index: int, models: Sequence[CountedModel]) -> None:
        """Read a document; reading another one stops."""
        self.close()
        self.index = index
        self.is_idle.clear()
        # A slice of counting or searching ends early, so that the text comes at once.
        collection.engine.note(HURRY)
        self._reading = asyncio.create_task(self._read(collection, index, models))

    def clear(self) -> None:
        """Show no document: no row is listed."""
        self.close()
        self.is_idle.set()
        if self.index != -1:
            self.index = -1
            self.session.set_document(None)
            self._take("", [])

    def close(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()

    async def _read(self, collection: Collection, index: int, models: Sequence[CountedModel]) -> None:
        try:
            await asyncio.sleep(PASSING)
            await self._ask(collection, index, models)
        finally:
            if self._reading is asyncio.current_task():
                self.is_idle.set()

    async def _ask(self, collection: Collection, index: int, models: Sequence[CountedModel]) -> None:
        has_text = False

        def take_text(text: str) -> None:
            nonlocal has_text
            has_text = True
            self._take(text, [])

        def take_first(tokens: list[DocumentTokens]) -> None:
            self._take(self.text, tokens, is_same=True)

        try:
            text, tokens = await collection.document(index, models, take_text, self._tell, take_first)
        except (OperationFailed, EngineError) as error:
            if index < (collection.answer.total or index + 1):
                self._on_progress(str(error))
            if has_text:
                # Its tokens failed, but it is the current document all the same.
                self.session.set_document(self.text, DocumentRow(collection, index))
            return
        self._on_progress("")
        if text is None:
            self.session.notice(f"row {index:,} holds no text")
        self.session.set_document(text or "", DocumentRow(collection, index))
        self._take(text or "", tokens, is_same=True, is_read=True)

    def _take(self, text: str, tokens: list[DocumentTokens], *, is_same: bool = False, is_read: bool = False) -> None:
        self.text, self.tokens, self.is_read = text, tokens, is_read
        self._on_change(is_same)

    def _tell(self, progress: Progress) -> None:
        self._on_progress(progress_words(progress))
