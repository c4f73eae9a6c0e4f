"""The window's end where somebody else wants it: signals, a terminal that is gone, a window that does not react."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

PATIENCE: Final = 1.5
"""Seconds that the window has to end in order."""
SIGNALS: Final = ("SIGTERM", "SIGHUP", "SIGINT")


class Leaving:
    """Ends the window in order, or by force where that takes too long."""

    def __init__(self, ask: Callable[[int], None], force: Callable[[], None]) -> None:
        """`ask(code)` is called from any thread or a signal's handler; `force()` gives back what must be."""
        self._ask = ask
        self._force = force
        self._timer: threading.Timer | None = None

    @property
    def is_asked(self) -> bool:
        """Whether the window is to end."""
        return self._timer is not None

    def leave(self, code: int) -> None:
        """End the window with this exit code; a second call changes nothing."""
        if self._timer is None:
            self._timer = threading.Timer(PATIENCE, self._leave_by_force, (code,))
            self._timer.daemon = True
            self._timer.start()
            self._ask(code)

    def listen(self) -> None:
        """Leave at the signals that mean it; one that was ignored when the program began stays ignored."""
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
