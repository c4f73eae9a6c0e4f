"""What the app knows of its engine's condition, and how often it has died."""

from __future__ import annotations

import time
from collections import deque
from typing import Final, Literal

import msgspec

DEATHS_ALLOWED: Final = 3
DEATHS_WINDOW: Final = 60.0
"""This many deaths in so many seconds, and the engine is not started again by itself."""

EngineStatus = Literal["off", "starting", "ready", "busy", "silent", "died", "stopped"]


class EngineState(msgspec.Struct, frozen=True):
    """What the engine is doing, in a word for programs and a sentence for people."""

    status: EngineStatus
    text: str


class EngineError(Exception):
    """The engine cannot answer: it died, could not be started, or was given up."""


class Deaths:
    """When the engine died last."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=DEATHS_ALLOWED)

    def add(self) -> bool:
        """Note one more; whether that is too often to go on."""
        self._times.append(time.monotonic())
        return len(self._times) == DEATHS_ALLOWED and self._times[-1] - self._times[0] < DEATHS_WINDOW

    def forget(self) -> None:
        """Begin anew, by the user's wish."""
        self._times.clear()
