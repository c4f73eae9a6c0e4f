"""Limit glibc to one malloc arena, clear caches of Textual and rich, and return free memory to the system.

glibc gives every thread its own heap, up to eight for each core. Memory that a comparison in a thread has freed stays
in that thread's heap, unusable for others: after an hour of typing that was a third of the window's memory. And glibc
returns only what is free at a heap's end: after 40 minutes half of the single heap was free room between used blocks.
Textual caches the lines of removed widgets: after ten minutes two thirds of all lines in memory. rich caches the 16,384
pieces of lines that were cut last: the window grew for 80 minutes until that cache was full.

The caches are private parts of both libraries, and nothing public clears them. Tried with Textual 8.2.8 and its rich.
"""

from __future__ import annotations

import contextlib
import ctypes
from typing import Any, Final, cast

from rich.segment import Segment
from textual._styles_cache import StylesCache
from textual.strip import Strip

M_ARENA_MAX: Final = -8
"""From <malloc.h>: the parameter of `mallopt(3)` for the number of arenas."""
EVERY: Final = 20.0
"""Seconds between two calls of `give_back`, which takes some milliseconds."""
CACHES: Final = ((StylesCache, "get_inner_outer"), (Segment, "_split_cells"), (Strip, "render_ansi"))
"""Caches of methods that keep what may never be used again. The keys of the first hold the lines of the 1,024 widgets
that were drawn last, even if they were removed; those of the others hold pieces of lines and their styles."""


def share_heap() -> None:
    """Make all threads share one heap; call this while the process has one thread.

    Does nothing if the C library is not glibc.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def give_back() -> None:
    """Clear the caches, then return free memory to the system."""
    for owner, name in CACHES:
        # Another version of the library may not have this cache; then there is nothing to clear.
        with contextlib.suppress(AttributeError):
            cast("Any", getattr(owner, name)).cache_clear()
    trim_heap()


def trim_heap() -> None:
    """Return free pages to the system. Does nothing if the C library is not glibc."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
