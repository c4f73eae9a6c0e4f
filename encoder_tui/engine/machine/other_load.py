"""What else uses this machine while it is measured."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

STAT: Final = Path("/proc/stat")
IDLE: Final = (3, 4)
"""The fields of the processor's line that are no work: idle, and waiting for a disk."""


class OtherLoad:
    """Cores that other processes used since this was made."""

    def __init__(self) -> None:
        self._at = time.monotonic()
        self._busy = _busy()
        self._own = _own()

    def cores(self) -> float | None:
        """So many on average; None where the system does not tell (only Linux does), or after too short a time."""
        busy, passed = _busy(), time.monotonic() - self._at
        if busy is None or self._busy is None or passed < 0.1:
            return None
        return max(busy - self._busy - (_own() - self._own), 0.0) / passed


def _busy() -> float | None:
    """Seconds for which all cores together have worked since the machine was started."""
    try:
        fields = STAT.read_text("ascii").partition("\n")[0].split()[1:9]
        ticks = sum(int(field) for place, field in enumerate(fields) if place not in IDLE)
        return ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None


def _own() -> float:
    """Seconds of this process, and of those that it started and that have ended (a compiler)."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
