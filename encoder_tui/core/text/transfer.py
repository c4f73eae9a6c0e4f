"""Describe a download: how much has arrived, how fast, and how long the rest will take."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from encoder_tui.core.text.numbers import decimal_size, duration

BEGINNING: Final = 0.5
"""Seconds before a speed is shown, because earlier it would be a guess."""


class Transfer:
    """Turns each progress report into a sentence; it remembers when the current file began."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._file = ""
        self._since = 0.0
        self._had = 0

    def words(self, text: str, done: int, total: int | None, unit: str) -> str:
        """Return `fetching model.safetensors: 130 of 433 MB, 5.2 MB/s, 58 s left`; other progress is returned
        unchanged.

        If a download is resumed, the part that was already there does not count for the speed.
        """
        if unit != "bytes" or not total:
            return text
        now = self._clock()
        if text != self._file or done < self._had:
            self._file, self._since, self._had = text, now, done
        words = f"{text}: {decimal_size(done)} of {decimal_size(total)}"
        seconds = now - self._since
        if seconds < BEGINNING or done <= self._had:
            return words
        speed = (done - self._had) / seconds
        return f"{words}, {decimal_size(round(speed))}/s, {duration((total - done) / speed)} left"
