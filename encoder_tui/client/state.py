"""The state of the engine as the app knows it, and how often it has died."""

from __future__ import annotations

import time
from collections import deque
from typing import Final, Literal

import msgspec

DEATHS_ALLOWED: Final = 3
DEATHS_WINDOW: Final = 60.0
"""After this many deaths within this many seconds, the engine is not restarted automatically."""

EngineStatus = Literal["off", "starting", "ready", "busy", "silent", "died", "stopped"]


class EngineState(msgspec.Struct, frozen=True):
    """What the engine is doing, in a word for programs and a sentence for people."""

    status: EngineStatus
    text: str


class EngineError(Exception):
    """The engine cannot answer: it died, could not be started, or was given up."""


class Deaths:
    """The times of the engine's latest deaths."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=DEATHS_ALLOWED)

    def add(self) -> bool:
        """Record a death; return whether there were too many to restart the engine."""
        self._times.append(time.monotonic())
        return len(self._times) == DEATHS_ALLOWED and self._times[-1] - self._times[0] < DEATHS_WINDOW

    def forget(self) -> None:
        """Forget all deaths, because the user restarts the engine."""
        self._times.clear()
