"""The part of the session that remembers it for the next start."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from textual.signal import Signal

from encoder_tui.core.last_session import Memory, absolute

if TYPE_CHECKING:
    from encoder_tui.client.client import EngineClient

WRITE_AFTER: Final = 1.0
"""Seconds from a change to its writing; what a window that is killed at once may lose."""


class Remembering:
    """Notes what the user changes, and writes it soon."""

    memory: Memory
    text: str
    text_replaced: Signal[str]
    _writing: asyncio.Task[None] | None
    _is_closed: bool
    if TYPE_CHECKING:

        @property
        def engine(self) -> EngineClient:
            """The engine that works for the models."""

        def set_text(self, text: str) -> None:
            """The user changed the text."""

        def notice(self, sentence: str, severity: str = "information") -> None:
            """Tell the user something in passing."""

    def remember(self, **changes: Any) -> None:
        """Note what the user changed, by the names of `Remembered`."""
        self.memory.remember(**changes)
        self._write_soon()

    def remember_source(self, source: str, column: str | None = None) -> None:
        """The user chose other documents, or another column of them."""
        self.remember(docs=source if self.engine.is_remote else absolute(source), column=column)

    def use_source(self, source: str) -> None:
        """A source could be opened."""
        self.memory.use("recent_sources", source if self.engine.is_remote else absolute(source))
        self._write_soon()

    def take_earlier_text(self, text: str) -> None:
        """Go on with an earlier text."""
        self.memory.take_earlier(text, instead_of=self.text)
        self.set_text(text)
        self.text_replaced.publish(text)

    def _write_soon(self) -> None:
        if self.memory.is_changed and self._writing is None and not self._is_closed:
            self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        """Write what changes within a second, off the event loop: a disk may be slow."""
        await asyncio.sleep(WRITE_AFTER)
        await asyncio.to_thread(self.memory.write)
        self._writing = None
        self._tell_complaint()
        if not self.memory.has_failed:
            self._write_soon()

    def _tell_complaint(self) -> None:
        if self.memory.complaint:
            self.notice(self.memory.complaint, "warning")
            self.memory.complaint = ""

    def _lasting_name(self, name: str) -> str:
        """A model's name for another start, which may be in another folder."""
        from encoder_tui.core.models.names import ModelError, parse_name  # noqa: PLC0415  # after the first paint

        try:
            return name if self.engine.is_remote else absolute(name, parse_name(name))
        except ModelError:
            return name
