"""The processor's threads that a pass is computed in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def computing_in(threads: int | None) -> Iterator[int | None]:
    """Compute in so many threads, then in as many as before; yields what torch says it has, None where none was asked.

    To be entered in the thread that computes: OpenMP keeps the number for each.
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
