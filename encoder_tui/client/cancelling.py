"""Requests that nobody waits for any more, and how long the engine has to say that it has ended them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Cancellations:
    """Cancelled requests that the engine has not answered yet.

    While it cannot hear, because it is starting or reads a large library, no time is counted: an engine that is
    killed then would only have to begin again.
    """

    def __init__(self, grace: Callable[[], float], overdue: Callable[[], None]) -> None:
        """`overdue` is called when a request has waited for `grace()` seconds."""
        self._grace = grace
        self._overdue = overdue
        self._waiting: dict[int, asyncio.TimerHandle | None] = {}
        self._hears = False

    def add(self, request_id: int) -> None:
        """One more, from now on."""
        self._waiting[request_id] = self._timer()

    def answered(self, request_id: int) -> None:
        """The engine ended this one, if it was one."""
        timer = self._waiting.pop(request_id, None)
        if timer is not None:
            timer.cancel()

    def listen(self, hears: bool) -> None:
        """From now on the engine can hear, or cannot; either way the time begins anew."""
        self._hears = hears
        for request_id, timer in self._waiting.items():
            if timer is not None:
                timer.cancel()
            self._waiting[request_id] = self._timer()

    def clear(self) -> None:
        """The engine is gone, and the next one cannot hear yet."""
        self.listen(False)
        self._waiting.clear()

    def _timer(self) -> asyncio.TimerHandle | None:
        if not self._hears:
            return None
        return asyncio.get_running_loop().call_later(self._grace(), self._overdue)
