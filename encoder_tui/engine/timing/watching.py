"""The window that watches a measurement: its drawing must not be measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import msgspec

from encoder_tui.core.timing.samples import DRAWN, KEY, Measurement
from encoder_tui.engine.job import Job

DRAWING: Final = 1.0
"""How many seconds the engine waits for a window to draw, so that a hanging window does not stop the measurement."""
SETTLING: Final = 0.1
"""Seconds after a key in which its echo may still be on its way to the screen."""


class Window:
    """Sends partial answers and waits until they are drawn; if no window watches, it only rests."""

    def __init__(
        self,
        job: Job,
        is_watching: bool,
        pause: float = 0.0,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._job = job
        self._is_watching = is_watching
        self._pause = pause
        self._now = now
        self._sleep = sleep
        self._number = 0
        self._keys = 0

    def tell(self, measurement: Measurement) -> None:
        """Send a partial answer, and return when it has been drawn."""
        if not self._is_watching:
            self._job.partial(measurement)
            self._sleep(self._pause)
            return
        self._number += 1
        self._job.partial(msgspec.structs.replace(measurement, number=self._number))
        self._job.wait_for(DRAWN, self._number, DRAWING)

    def settle(self) -> None:
        """Return when no key's echo is on its way any more; also a checkpoint."""
        self._job.checkpoint()
        if not self._is_watching:
            return
        while (left := self._job.noted(KEY).at + SETTLING - self._now()) > 0:
            self._sleep(left)
            self._job.checkpoint()
        self._keys = self._job.noted(KEY).times

    def was_disturbed(self) -> bool:
        """Return whether a key was pressed since `settle`."""
        return self._is_watching and self._job.noted(KEY).times != self._keys
