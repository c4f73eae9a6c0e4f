"""Remembering the session for the next start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from encoder_tui.core.last_session import Memory, Remembered, absolute

MOST_LIMITS: Final = 50
"""Models whose chosen limits are remembered."""
WRITE_AFTER: Final = 1.0
"""Seconds from a change to its writing; a window that is killed at once may lose them."""


class SessionMemory:
    """Records what the user changes, and writes it a second later.

    `is_remote` says whether the engine is on another machine, where names of files are not made absolute. `notice`
    shows the user a sentence of a severity.
    """

    def __init__(self, path: Path | None, is_remote: Callable[[], bool], notice: Callable[[str, str], None]) -> None:
        self.last = Memory(path)
        self._is_remote = is_remote
        self._notice = notice
        self._writing: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def state(self) -> Remembered:
        """What is remembered now."""
        return self.last.state

    def remember(self, **changes: Any) -> None:
        """Record what the user changed, by the field names of `Remembered`."""
        self.last.remember(**changes)
        self._write_soon()

    def remember_models(self, names: list[str]) -> None:
        """Record that the user chose other models."""
        self.remember(model=[self._lasting_name(name) for name in names])

    def use_model(self, name: str) -> None:
        """Record that a model was loaded."""
        self.last.use("recent_models", self._lasting_name(name))
        self._write_soon()

    def remember_limit(self, name: str, limit: int | None) -> None:
        """Record how many tokens a model reads by the user's choice; None for its own limit."""
        lasting = self._lasting_name(name)
        others = {known: chosen for known, chosen in self.state.limits.items() if known != lasting}
        limits = others if limit is None else {**dict([*others.items()][1 - MOST_LIMITS :]), lasting: limit}
        self.remember(limits=limits)

    def limit_of(self, name: str) -> int | None:
        """Return the remembered limit of a model; None if none was chosen."""
        limits = self.state.limits
        return limits.get(self._lasting_name(name)) if limits else None

    def remember_source(self, source: str, column: str | None = None) -> None:
        """Record that the user chose other documents, or another column of them."""
        self.remember(docs=self._lasting_source(source), column=column)

    def is_last_source(self, source: str) -> bool:
        """Return whether these are the documents that the user chose last."""
        return self.state.docs in {None, self._lasting_source(source)}

    def use_source(self, source: str) -> None:
        """Record that a source of documents was opened."""
        self.last.use("recent_sources", self._lasting_source(source))
        self._write_soon()

    def show_complaint(self) -> None:
        """Show the user, once, why the last session could not be read or this one not be written."""
        if self.last.complaint:
            self._notice(self.last.complaint, "warning")
            self.last.complaint = ""

    def stop(self) -> None:
        """Start no further writing."""
        self._is_closed = True
        if self._writing is not None:
            self._writing.cancel()

    def _write_soon(self) -> None:
        if self.last.is_changed and self._writing is None and not self._is_closed:
            self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        """Write what changes within a second, in a thread: a disk may be slow."""
        await asyncio.sleep(WRITE_AFTER)
        await asyncio.to_thread(self.last.write)
        self._writing = None
        self.show_complaint()
        if not self.last.has_failed:
            self._write_soon()

    def _lasting_source(self, source: str) -> str:
        return source if self._is_remote() else absolute(source)

    def _lasting_name(self, name: str) -> str:
        """Return a model's name that is also valid at another start, which may be in another folder."""
        from encoder_tui.core.models.names import ModelError, parse_name  # noqa: PLC0415  # after the first paint

        try:
            return name if self._is_remote() else absolute(name, parse_name(name))
        except ModelError:
            return name
