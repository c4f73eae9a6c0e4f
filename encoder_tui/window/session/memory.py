"""The part of the session that saves it for the next start."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from textual.signal import Signal

from encoder_tui.core.last_session import Memory, absolute

if TYPE_CHECKING:
    from encoder_tui.client.client import EngineClient

WRITE_AFTER: Final = 1.0
"""Seconds from a change until it is written; a window that is killed may lose that much."""


class Remembering:
    """Records what the user changes, and writes it soon."""

    memory: Memory
    text: str
    text_replaced: Signal[str]
    _writing: asyncio.Task[None] | None
    _is_closed: bool
    if TYPE_CHECKING:

        @property
        def engine(self) -> EngineClient:
            """The engine for the models."""

        def set_text(self, text: str) -> None:
            """Set the text that the user typed."""

        def notice(self, sentence: str, severity: str = "information") -> None:
            """Notify the user."""

    def remember(self, **changes: Any) -> None:
        """Record changes, by the field names of `Remembered`."""
        self.memory.remember(**changes)
        self._write_soon()

    def remember_source(self, source: str, column: str | None = None) -> None:
        """Record the documents and the column that the user chose."""
        self.remember(docs=source if self.engine.is_remote else absolute(source), column=column)

    def use_source(self, source: str) -> None:
        """Record that a source was opened."""
        self.memory.use("recent_sources", source if self.engine.is_remote else absolute(source))
        self._write_soon()

    def take_earlier_text(self, text: str) -> None:
        """Replace the text by an earlier one."""
        self.memory.take_earlier(text, instead_of=self.text)
        self.set_text(text)
        self.text_replaced.publish(text)

    def _write_soon(self) -> None:
        if self.memory.is_changed and self._writing is None and not self._is_closed:
            self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        """Write the changes of one second, outside the event loop because a disk may be slow."""
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
        """Return a model's name for the next start, which may be in another folder."""
        from encoder_tui.core.models.names import ModelError, parse_name  # noqa: PLC0415  # after the first paint

        try:
            return name if self.engine.is_remote else absolute(name, parse_name(name))
        except ModelError:
            return name
