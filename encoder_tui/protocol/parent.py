"""The engine and the window that started it: the one does not outlive the other, not even while it is stopped.

An engine ends when its stdin does, but one that is stopped (SIGSTOP, a debugger) reads nothing and would stay for
good. Linux can kill it when its parent ends. That is asked for only where the parent is the window itself: a shell,
ssh or another program in between may end while the window goes on, and then stdin alone decides.
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
"""The variable in which the engine finds the window's process id."""
PR_SET_PDEATHSIG: Final = 1
"""Of <sys/prctl.h>: the signal that this process gets when its parent ends."""


def environment() -> Mapping[str, str]:
    """The environment for an engine that this thread is about to start."""
    environ = {name: value for name, value in os.environ.items() if name != WINDOW}
    # Linux takes the end of the thread that forked for the end of the parent; the main thread ends last.
    if threading.current_thread() is threading.main_thread():
        environ[WINDOW] = str(os.getpid())
    return environ


def die_with_window() -> None:
    """Have this process killed when the window ends, where it is a child of the window; only Linux can."""
    # Taken out: what the engine itself starts is no child of the window.
    window = os.environ.pop(WINDOW, "")
    if sys.platform != "linux" or window != str(os.getppid()):
        return
    import ctypes  # noqa: PLC0415  # not where it is of no use

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
    if window != str(os.getppid()):
        os._exit(0)  # it ended before it was asked to tell
