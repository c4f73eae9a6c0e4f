"""The number of processor threads that compute a pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def computing_in(threads: int | None) -> Iterator[int | None]:
    """Compute in `threads` threads, then in as many as before. Yields the number that torch reports, None if none was
    requested.

    Enter it in the thread that computes: OpenMP keeps the number for each thread.
    """
    if threads is None:
        yield None
        return
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        yield torch.get_num_threads()
    finally:
        torch.set_num_threads(before)
