"""Check whether a silent engine is alive: ping it, report it if it does not answer, and give it up in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

BEAT: Final = 3.0
"""Seconds between two checks. At each, an engine that has sent nothing since the last one is pinged."""
REPORTED_AFTER: Final = 3
"""Checks without an answer until the user is informed. The engine answers from its own thread, which a long operation
of torch does not block; what blocks the interpreter, such as importing a large library, takes a few seconds."""
GIVEN_UP_AFTER: Final = 20
"""Checks without an answer until the engine is killed."""


class Pulse:
    """Watches one engine process.

    It counts checks, not seconds: while the app itself is stopped, there are none.
    """

    def __init__(self, ask: Callable[[], None], silent: Callable[[], None], given_up: Callable[[], None]) -> None:
        """`ask` pings the engine; `silent` is called if it does not answer for a while, `given_up` if it never does."""
        self._ask = ask
        self._silent = silent
        self._given_up = given_up
        self._missed = 0
        self._was_heard = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch a new process."""
        self.stop()
        self._missed, self._was_heard = 0, False
        self._task = asyncio.create_task(self._run())

    def heard(self) -> None:
        """Note that a message came."""
        self._was_heard = True
        self._missed = 0

    def stop(self) -> None:
        """Stop watching: the process is gone."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            if self._was_heard:
                self._was_heard = False
                continue
            self._missed += 1
            self._ask()
            if self._missed == REPORTED_AFTER:
                self._silent()
            elif self._missed == GIVEN_UP_AFTER:
                self._given_up()
