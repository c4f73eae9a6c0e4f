"""The request that an operation works on, as the operation sees it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from encoder_tui.core.text.safe import without_surrogates
from encoder_tui.protocol.frames import FromEngine, Partial, Progress


class JobCancelled(Exception):
    """Raised inside an operation whose request was cancelled."""


class TaskError(Exception):
    """A failure for people to read: one sentence that says what failed and why."""


@dataclass(frozen=True)
class Noted:
    """The last note of the app under one word: how many came, the number of the last, and its time (monotonic)."""

    times: int = 0
    number: int = 0
    at: float = float("-inf")


class Job:
    """One request while it is worked on."""

    def __init__(self, request_id: int, send: Callable[[FromEngine], None]) -> None:
        self.id = request_id
        self._send = send
        self._cancelled = threading.Event()
        self._noted: dict[str, Noted] = {}
        self._heard = threading.Condition()

    def cancel(self) -> None:
        """Ask the operation to stop; it does so at its next `checkpoint`."""
        with self._heard:
            self._cancelled.set()
            self._heard.notify_all()

    def hear(self, word: str, number: int = 0) -> None:
        """Record a note of the app. Called by the thread that reads frames."""
        with self._heard:
            self._noted[word] = Noted(self.noted(word).times + 1, number, time.monotonic())
            self._heard.notify_all()

    def noted(self, word: str) -> Noted:
        """Return what was noted under a word."""
        return self._noted.get(word, Noted())

    def wait_for(self, word: str, number: int, seconds: float) -> bool:
        """Wait until a note of this word with at least this number has come, or the time is over; also a checkpoint."""
        with self._heard:
            came = self._heard.wait_for(
                lambda: self._cancelled.is_set() or self.noted(word).number >= number, timeout=seconds
            )
        self.checkpoint()
        return came

    def checkpoint(self) -> None:
        """Raise `JobCancelled` if the request was cancelled. Call it between pieces of work."""
        if self._cancelled.is_set():
            raise JobCancelled

    def progress(self, text: str, done: int = 0, total: int | None = None, unit: str = "") -> None:
        """Report what is being done; names of files in it need not be valid UTF-8. Also a checkpoint."""
        self.checkpoint()
        self._send(Progress(self.id, without_surrogates(text), done, total, unit))

    def partial(self, value: object) -> None:
        """Send a part of the answer; also a checkpoint."""
        self.checkpoint()
        self._send(Partial(self.id, msgspec.msgpack.encode(value)))
