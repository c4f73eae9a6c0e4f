"""Detect whether the last start crashed: a file for each window that is in its first minute.

A model or a text that crashes the window would crash it at every start, because both are remembered. So a window writes
a marker when it opens, and removes it when it exits normally or after a minute. If a marker's process is gone, the next
window knows that the last start crashed.
"""

from __future__ import annotations

import contextlib
import os
import platform
from pathlib import Path
from typing import Final

import msgspec

from encoder_tui.core.files.atomic import write_private
from encoder_tui.core.files.private import private_folder, read_file, refuse_foreign_folder

MINUTE: Final = 60.0
"""Seconds after which a start has succeeded."""
_PREFIX: Final = "starting-"


class Process(msgspec.Struct, frozen=True):
    """A process of a machine; `started` distinguishes processes that reuse the same id."""

    machine: str
    pid: int
    started: str

    def lives(self) -> bool:
        """Return whether it is still running; one of another machine counts as running, because that is unknown."""
        if self.machine != platform.node():
            return True
        return started(self.pid) == self.started


class StartMarker:
    """The marker of this process in one of the program's folders; without a folder nothing is read or written."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._path = None if folder is None else folder / f"{_PREFIX}{os.getpid()}.json"

    def found_dead(self) -> bool:
        """Return whether an earlier start crashed, and delete its marker."""
        is_found = False
        if self._folder is not None:
            with contextlib.suppress(OSError):
                refuse_foreign_folder(self._folder)
                for path in list(self._folder.glob(f"{_PREFIX}*.json")):
                    if (process := _read(path)) is None or not process.lives():
                        path.unlink(missing_ok=True)
                        is_found = is_found or process is not None
        return is_found

    def write(self) -> None:
        """Record that this process has begun. If writing fails, the next start will not know."""
        if self._path is not None:
            process = Process(platform.node(), os.getpid(), started(os.getpid()))
            with contextlib.suppress(OSError):
                private_folder(self._path.parent)
                write_private(self._path, msgspec.json.encode(process))

    def remove(self) -> None:
        """Delete the marker: the start has succeeded, or the window exits normally."""
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


def _read(path: Path) -> Process | None:
    try:
        return msgspec.json.decode(read_file(path), type=Process)
    except (OSError, ValueError, RecursionError):
        return None


def started(pid: int) -> str:
    """Return when a process began, in its machine's units; empty if it does not exist."""
    try:
        # After the name, which is in parentheses and may hold anything.
        fields = (Path("/proc") / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        if Path("/proc/self/stat").exists():
            return ""
        return _by_signal(pid)
    return "" if fields[0] in "ZX" else fields[19]


def _by_signal(pid: int) -> str:
    """Return a fixed word for a running process, for machines without /proc; empty if it does not exist."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        return "lives"
    return "lives"
