"""What a task sees of the request it answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from encoder_tui.core.tokens.decoding import without_surrogates
from encoder_tui.protocol.frames import FromEngine, Partial, Progress


class Cancelled(Exception):
    """Raised inside a task whose request was cancelled."""


class TaskError(Exception):
    """A failure that a person can read: one sentence that says what and why."""


@dataclass(frozen=True)
class Noted:
    """What the app said with a word last: how often so far, the number of the last time, and when (monotonic)."""

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
        """Wish for the end; the task hears of it at its next `checkpoint`."""
        with self._heard:
            self._cancelled.set()
            self._heard.notify_all()

    def hear(self, word: str, number: int = 0) -> None:
        """Take in a note of the app; called by the thread that reads frames."""
        with self._heard:
            self._noted[word] = Noted(self.noted(word).times + 1, number, time.monotonic())
            self._heard.notify_all()

    def noted(self, word: str) -> Noted:
        """What was heard of a word."""
        return self._noted.get(word, Noted())

    def wait_for(self, word: str, number: int, seconds: float) -> bool:
        """Wait, so long at most, until a word came with at least this number; also a checkpoint."""
        with self._heard:
            came = self._heard.wait_for(
                lambda: self._cancelled.is_set() or self.noted(word).number >= number, timeout=seconds
            )
        self.checkpoint()
        return came

    def checkpoint(self) -> None:
        """Raise `Cancelled` if somebody wished for the end; called between pieces of work."""
        if self._cancelled.is_set():
            raise Cancelled

    def progress(self, text: str, done: int = 0, total: int | None = None, unit: str = "") -> None:
        """Say what is being done, names of files included that are no UTF-8; also a checkpoint."""
        self.checkpoint()
        self._send(Progress(self.id, without_surrogates(text), done, total, unit))

    def partial(self, value: object) -> None:
        """Hand over a piece of the answer; also a checkpoint."""
        self.checkpoint()
        self._send(Partial(self.id, msgspec.msgpack.encode(value)))
