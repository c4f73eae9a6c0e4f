"""One heap for all threads of the window, and what is not needed any more given back.

glibc gives every thread a heap of its own, up to eight for each core. What a comparison in a thread has freed stays
in that thread's heap and serves no other: after an hour of typing a third of the window's memory was such room. And
it gives back only what is free at a heap's end: after 40 minutes half of the one heap was room between what is used.
Textual remembers the lines of widgets that are gone: two of three lines in memory after ten minutes.
"""

from __future__ import annotations

import contextlib
import ctypes
from typing import Any, Final, cast

from textual._styles_cache import StylesCache

M_ARENA_MAX: Final = -8
"""`mallopt(3)`."""
EVERY: Final = 60.0
"""Seconds between two times that memory is given back; it takes some milliseconds."""


def share_heap() -> None:
    """From now on threads take memory from the heaps there are, so call it before there is any other thread.

    Nothing happens where the C library is another.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def give_back() -> None:
    """Forget what widgets that are gone have drawn, then give the system what is free."""
    # A cache of a method: its keys hold the 1,024 widgets' lines that were drawn last, whether they are there or not.
    with contextlib.suppress(AttributeError):
        cast("Any", StylesCache.get_inner_outer).cache_clear()
    trim_heap()


def trim_heap() -> None:
    """Give the pages that are free to the system; nothing happens where the C library is another."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
