"""Cancelled requests, each with a deadline for the engine's acknowledgement."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Cancellations:
    """Cancelled requests that the engine has not answered yet.

    No time is counted while the engine cannot receive cancellations, because it is starting or imports a large library:
    an engine that is killed then would only have to start again.
    """

    def __init__(self, grace: Callable[[], float], overdue: Callable[[], None]) -> None:
        """`overdue` is called when a request has waited for `grace()` seconds."""
        self._grace = grace
        self._overdue = overdue
        self._waiting: dict[int, asyncio.TimerHandle | None] = {}
        self._hears = False

    def add(self, request_id: int) -> None:
        """Add a cancelled request; its time begins now."""
        self._waiting[request_id] = self._timer()

    def answered(self, request_id: int) -> None:
        """Forget a request that the engine has ended; any other is ignored."""
        timer = self._waiting.pop(request_id, None)
        if timer is not None:
            timer.cancel()

    def listen(self, hears: bool) -> None:
        """Note whether the engine can receive cancellations, and restart all deadlines."""
        self._hears = hears
        for request_id, timer in self._waiting.items():
            if timer is not None:
                timer.cancel()
            self._waiting[request_id] = self._timer()

    def clear(self) -> None:
        """Forget all: the engine is gone, and the next one cannot receive cancellations yet."""
        self.listen(False)
        self._waiting.clear()

    def _timer(self) -> asyncio.TimerHandle | None:
        if not self._hears:
            return None
        return asyncio.get_running_loop().call_later(self._grace(), self._overdue)
