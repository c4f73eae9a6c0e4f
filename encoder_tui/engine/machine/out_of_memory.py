"""Recognise that memory ran out, among everything else that torch raises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch

from encoder_tui.engine.job import OperationError

SIGNS: Final = ("can't allocate memory", "not enough memory", "out of memory", "cannot allocate memory")


class OutOfMemory(OperationError):
    """There is not enough memory for a piece of work; the engine continues."""


@contextmanager
def memory_errors(what: str) -> Iterator[None]:
    """Turn the memory errors of torch and Python into `OutOfMemory`, in one line that begins with `what`."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(f"{what}: out of memory") from error


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that memory ran out; torch's CPU allocator raises a plain RuntimeError."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in SIGNS)
