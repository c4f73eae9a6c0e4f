"""One heap for all threads of the window, and what is not needed any more given back.

glibc gives every thread a heap of its own, up to eight for each core. What a comparison in a thread has freed stays
in that thread's heap and serves no other: after an hour of typing a third of the window's memory was such room. And
it gives back only what is free at a heap's end: after 40 minutes half of the one heap was room between what is used.
Textual remembers the lines of widgets that are gone: two of three lines in memory after ten minutes. rich remembers
the 16,384 pieces of lines that were cut last: the window grew for 80 minutes until they were full.
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
"""Seconds between two times that memory is given back; it takes some milliseconds."""
CACHES: Final = ((StylesCache, "get_inner_outer"), (Segment, "_split_cells"), (Strip, "render_ansi"))
"""Caches of methods that keep what may never be asked for again. The keys of the first hold the lines of the 1,024
widgets that were drawn last, whether they are there or not; those of the others, pieces of lines and their styles."""


def share_heap() -> None:
    """From now on threads take memory from the heaps there are, so call it before there is any other thread.

    Nothing happens where the C library is another.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def give_back() -> None:
    """Forget what was drawn and is gone, then give the system what is free."""
    for owner, name in CACHES:
        # All are of the libraries' own insides: where one is no more, nothing need be done.
        with contextlib.suppress(AttributeError):
            cast("Any", getattr(owner, name)).cache_clear()
    trim_heap()


def trim_heap() -> None:
    """Give the pages that are free to the system; nothing happens where the C library is another."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
