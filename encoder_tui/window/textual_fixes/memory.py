"""Limit glibc to one malloc arena and return free memory to the system.

glibc gives every thread an arena of its own, up to eight for each core. What a comparison in a thread has freed stays
in that thread's arena and is not reused by others: after an hour of typing that was a third of the window's memory.
glibc also returns only what is free at the end of an arena: after 40 minutes half of the one arena was free space
between used blocks. Textual caches the lines of removed widgets: two of three lines in memory after ten minutes. rich
caches the last 16,384 pieces of cut lines: the window grew for 80 minutes until that cache was full.
"""

from __future__ import annotations

import contextlib
import ctypes
from typing import Any, Final, cast

from rich.segment import Segment
from textual._styles_cache import StylesCache
from textual.strip import Strip

M_ARENA_MAX: Final = -8
"""`mallopt(3)`."""
EVERY: Final = 20.0
"""Seconds between two calls of `give_back`, which takes some milliseconds."""
CACHES: Final = ((StylesCache, "get_inner_outer"), (Segment, "_split_cells"), (Strip, "render_ansi"))
"""Caches of methods that keep what may never be used again. The keys of the first hold the lines of the last 1,024
widgets that were drawn, even removed ones; those of the others, pieces of lines and their styles."""


def share_heap() -> None:
    """Let all threads share the existing arenas; call it before starting another thread.

    Does nothing if the C library is not glibc.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def give_back() -> None:
    """Clear the caches of removed widgets, then return free memory to the system."""
    for owner, name in CACHES:
        # All are private parts of the libraries: if one no longer exists, nothing needs to be done.
        with contextlib.suppress(AttributeError):
            cast("Any", getattr(owner, name)).cache_clear()
    trim_heap()


def trim_heap() -> None:
    """Return free pages to the system. Does nothing if the C library is not glibc."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
