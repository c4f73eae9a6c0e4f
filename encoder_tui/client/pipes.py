"""Documents that come through a pipe of this process: stdin, or what a shell's `<(…)` opened."""

from __future__ import annotations

import os
import re
from typing import Final, NamedTuple

STDIN: Final = frozenset({"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})
"""Names of stdin."""

_OPEN: Final = re.compile(r"(?:/dev|/proc/self)/fd/(\d+)")


class Pipe(NamedTuple):
    """An open descriptor: the name by which the engine opens it, which inherits it, and its name for people."""

    descriptor: int
    name: str
    label: str | None


def pipe_of(source: str) -> Pipe | None:
    """Return the pipe that a source names; None if it names something else. Raises OSError if it is not open."""
    if source in STDIN:
        # The engine's own stdin has the frames, so it gets another number.
        descriptor = os.dup(0)
        return Pipe(descriptor, f"/dev/fd/{descriptor}", "stdin")
    found = _OPEN.fullmatch(source)
    if found is None:
        return None
    os.fstat(int(found[1]))
    return Pipe(int(found[1]), f"/dev/fd/{found[1]}", None)
