"""Whether the engine is still there: asked where it is silent, told where it does not answer, given up in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

BEAT: Final = 3.0
"""Seconds between two looks. A silent engine is asked for a sign at each, so not while it tells of its progress."""
TOLD_AFTER: Final = 3
"""Looks without a sign until people are told. The engine answers from a thread of its own, which a long operation
of torch does not hold up; one that holds the interpreter, such as reading a large library, takes a few seconds."""
GIVEN_UP_AFTER: Final = 20
"""Looks without a sign until the engine is killed."""


class Pulse:
    """Listens to one engine process.

    Looks are counted, not seconds: while the app itself is stopped, there are none.
    """

    def __init__(self, ask: Callable[[], None], silent: Callable[[], None], given_up: Callable[[], None]) -> None:
        """`ask` wants a sign of life; `silent` hears when none came, `given_up` when none ever will."""
        self._ask = ask
        self._silent = silent
        self._given_up = given_up
        self._missed = 0
        self._was_heard = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """A process begins."""
        self.stop()
        self._missed, self._was_heard = 0, False
        self._task = asyncio.create_task(self._run())

    def heard(self) -> None:
        """A message came."""
        self._was_heard = True
        self._missed = 0

    def stop(self) -> None:
        """The process is gone."""
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
            if self._missed == TOLD_AFTER:
                self._silent()
            elif self._missed == GIVEN_UP_AFTER:
                self._given_up()
