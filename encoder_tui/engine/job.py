"""What a task sees of the request it answers."""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

from encoder_tui.engine.protocol import FromEngine, Partial, Progress


class Cancelled(Exception):
    """Raised inside a task whose request was cancelled."""


class TaskError(Exception):
    """A failure that a person can read: one sentence that says what and why."""


class Job:
    """One request while it is worked on."""

    def __init__(self, request_id: int, send: Callable[[FromEngine], None]) -> None:
        self.id = request_id
        self._send = send
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Wish for the end; the task hears of it at its next `checkpoint`."""
        self._cancelled.set()

    def checkpoint(self) -> None:
        """Raise `Cancelled` if somebody wished for the end; called between pieces of work."""
        if self._cancelled.is_set():
            raise Cancelled

    def progress(self, text: str, done: int = 0, total: int | None = None, unit: str = "") -> None:
        """Say what is being done; also a checkpoint."""
        self.checkpoint()
        self._send(Progress(self.id, text, done, total, unit))

    def partial(self, value: object) -> None:
        """Hand over a piece of the answer; also a checkpoint."""
        self.checkpoint()
        self._send(Partial(self.id, msgspec.msgpack.encode(value)))
