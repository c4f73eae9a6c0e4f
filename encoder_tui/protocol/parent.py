"""Make the engine exit when the window does, even if the engine is stopped (SIGSTOP).

An engine ends when its stdin closes, but a stopped one (SIGSTOP, a debugger) reads nothing and would stay for ever.
Linux can kill it when its parent ends. This is used only if the parent is the window itself: a shell, ssh or another
program in between may end while the window runs on, and then only stdin decides.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Mapping
from typing import Final

WINDOW: Final = "ENCODER_TUI_WINDOW"
"""The environment variable that holds the window's process id."""
PR_SET_PDEATHSIG: Final = 1
"""From <sys/prctl.h>: set the signal that this process receives when its parent ends."""


def environment() -> Mapping[str, str]:
    """Return the environment for an engine that this thread is about to start."""
    environ = {name: value for name, value in os.environ.items() if name != WINDOW}
    # To Linux, the parent ends when the thread that forked ends; the main thread ends last.
    if threading.current_thread() is threading.main_thread():
        environ[WINDOW] = str(os.getpid())
    return environ


def die_with_window() -> None:
    """On Linux, let this process be killed when the window ends, if it is a child of the window."""
    # Removed, because processes that the engine starts are not children of the window.
    window = os.environ.pop(WINDOW, "")
    if sys.platform != "linux" or window != str(os.getppid()):
        return
    import ctypes  # noqa: PLC0415  # imported only if it is used

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
    if window != str(os.getppid()):
        os._exit(0)  # it ended before the call took effect
