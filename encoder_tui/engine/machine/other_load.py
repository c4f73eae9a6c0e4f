"""What other processes use of this machine during a measurement."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

STAT: Final = Path("/proc/stat")
IDLE: Final = (3, 4)
"""The idle fields of the processor's line: idle, and waiting for a disk."""


class OtherLoad:
    """Counts the cores that other processes have used since this object was made."""

    def __init__(self) -> None:
        self._at = time.monotonic()
        self._busy = _busy()
        self._own = _own()

    def cores(self) -> float | None:
        """Return the mean number of cores; None if unknown (only Linux reports it) or after too short a time."""
        busy, passed = _busy(), time.monotonic() - self._at
        if busy is None or self._busy is None or passed < 0.1:
            return None
        return max(busy - self._busy - (_own() - self._own), 0.0) / passed


def _busy() -> float | None:
    """Return the seconds for which all cores together have worked since the machine was started."""
    try:
        fields = STAT.read_text("ascii").partition("\n")[0].split()[1:9]
        ticks = sum(int(field) for place, field in enumerate(fields) if place not in IDLE)
        return ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None


def _own() -> float:
    """Return the seconds of this process, and of its child processes that have ended (a compiler)."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
