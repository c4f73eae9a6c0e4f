"""The memory of this machine and of this process, without torch."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def free_memory() -> int | None:
    """Return the bytes that a process can still get without swapping, as far as known; a container's limit counts."""
    free = _available()
    with contextlib.suppress(OSError, ValueError):
        # "max" is a ValueError: no limit.
        limit = int((CGROUP / "memory.max").read_text("ascii"))
        used = int((CGROUP / "memory.current").read_text("ascii"))
        free = limit - used if free is None else min(free, limit - used)
    return None if free is None else max(0, free)


def _available() -> int | None:
    return _field("/proc/meminfo", "MemAvailable:") or _sysconf("SC_AVPHYS_PAGES")


def total_memory() -> int | None:
    """Return the bytes of the machine's memory."""
    return _sysconf("SC_PHYS_PAGES")


def resident_memory() -> int | None:
    """Return the bytes of memory that this process holds now."""
    return _field("/proc/self/status", "VmRSS:")


def peak_memory() -> int | None:
    """Return the most bytes that this process held since `reset_peak`; None if unknown."""
    return _field("/proc/self/status", "VmHWM:")


def reset_peak() -> bool:
    """Restart `peak_memory`. Returns False if the system cannot (only Linux can)."""
    gc.collect()
    # glibc keeps freed memory, so the peak of this point would include that of the previous one.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5", "ascii")
    except OSError:
        return False
    return True


def _field(path: str, name: str) -> int | None:
    """Return a line such as `VmRSS: 123 kB` of a file under /proc, in bytes."""
    with contextlib.suppress(OSError, ValueError, IndexError), open(path, encoding="ascii") as lines:  # noqa: PTH123
        for line in lines:
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return None


def _sysconf(name: str) -> int | None:
    try:
        return os.sysconf(name) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None
