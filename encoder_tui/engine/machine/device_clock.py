"""An accelerator's own clock: events in its queue that it records when it reaches them."""

from __future__ import annotations

import torch


class DeviceClock:
    """Measures the seconds between two marks in the device's queue. On the CPU, and if events have no time, there are
    none.
    """

    def __init__(self, device: torch.device) -> None:
        self._marks: list[torch.Event] = []
        self._next = 0
        if device.type == "cpu":
            return
        try:
            self._marks = [torch.Event(device, enable_timing=True) for _ in range(2)]
        except (RuntimeError, NotImplementedError, TypeError):
            self._marks = []

    def mark(self) -> None:
        """Put a mark into the queue, without waiting for it."""
        if self._marks:
            self._marks[self._next].record()
            self._next = 1 - self._next

    def seconds(self) -> float | None:
        """Return the seconds between the last two marks, both of which the device must have passed."""
        if not self._marks:
            return None
        try:
            return float(self._marks[0].elapsed_time(self._marks[1])) / 1000
        except (RuntimeError, NotImplementedError):
            self._marks = []
            return None
