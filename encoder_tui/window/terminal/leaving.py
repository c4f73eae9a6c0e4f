"""End the window because of a signal or a closed terminal, even if it does not react."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

PATIENCE: Final = 1.5
"""Seconds that the window has to end in order before it is ended by force."""
SIGNALS: Final = ("SIGTERM", "SIGHUP", "SIGINT")


class Leaving:
    """Ends the window in order, or by force if that takes too long."""

    def __init__(self, ask: Callable[[int], None], force: Callable[[], None]) -> None:
        """`ask(code)` is called in any thread or a signal handler; `force()` releases what must be released."""
        self._ask = ask
        self._force = force
        self._timer: threading.Timer | None = None

    @property
    def is_asked(self) -> bool:
        """Whether `leave` was called."""
        return self._timer is not None

    def leave(self, code: int) -> None:
        """End the window with this exit code; a second call does nothing."""
        if self._timer is None:
            self._timer = threading.Timer(PATIENCE, self._leave_by_force, (code,))
            self._timer.daemon = True
            self._timer.start()
            self._ask(code)

    def listen(self) -> None:
        """Leave at the signals in `SIGNALS`; one that was ignored when the program started stays ignored."""
        with contextlib.suppress(ValueError):  # not the main thread
            for name in SIGNALS:
                number = getattr(signal, name, None)
                if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                    signal.signal(number, self._signalled)

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        self.leave(128 + number)

    def _leave_by_force(self, code: int) -> None:
        try:
            self._force()
        finally:
            os._exit(code)
