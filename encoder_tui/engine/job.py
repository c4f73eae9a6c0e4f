"""A request as its operation sees it: cancellation, progress, partial answers, notes of the app."""

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


class OperationError(Exception):
    """An operation failed; the message is one sentence for people that says what failed and why."""


@dataclass(frozen=True)
class Noted:
    """The app's notes of one word: how many have come, and the number and the (monotonic) time of the last."""

    times: int = 0
    number: int = 0
    at: float = float("-inf")


class Job:
    """One request while its operation runs."""

    def __init__(self, request_id: int, send: Callable[[FromEngine], None]) -> None:
        self.id = request_id
        self._send = send
        self._cancelled = threading.Event()
        self._noted: dict[str, Noted] = {}
        self._heard = threading.Condition()

    def cancel(self) -> None:
        """Let the operation stop at its next `checkpoint`."""
        with self._heard:
            self._cancelled.set()
            self._heard.notify_all()

    def hear(self, word: str, number: int = 0) -> None:
        """Record a note of the app. Called by the thread that reads frames."""
        with self._heard:
            self._noted[word] = Noted(self.noted(word).times + 1, number, time.monotonic())
            self._heard.notify_all()

    def noted(self, word: str) -> Noted:
        """Return the notes of a word."""
        return self._noted.get(word, Noted())

    def wait_for(self, word: str, number: int, seconds: float) -> bool:
        """Wait at most `seconds` for a note with at least this number; return whether it came. Also a checkpoint."""
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
        """Report progress; file names in `text` need not be valid UTF-8. Also a checkpoint."""
        self.checkpoint()
        self._send(Progress(self.id, without_surrogates(text), done, total, unit))

    def partial(self, value: object) -> None:
        """Send a part of the answer; also a checkpoint."""
        self.checkpoint()
        self._send(Partial(self.id, msgspec.msgpack.encode(value)))
