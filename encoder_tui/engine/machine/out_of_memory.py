"""What torch raises where memory runs out, told apart from everything else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch

from encoder_tui.engine.job import TaskError

SIGNS: Final = ("can't allocate memory", "not enough memory", "out of memory", "cannot allocate memory")


class OutOfMemory(TaskError):
    """A piece of work for which there is not enough memory; the engine goes on."""


@contextmanager
def memory_errors(what: str) -> Iterator[None]:
    """Turn what torch and Python raise for want of memory into `OutOfMemory`, in one line that begins with `what`."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(f"{what}: out of memory") from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out; the allocator of the CPU raises a plain RuntimeError."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in SIGNS)
