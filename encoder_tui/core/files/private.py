"""Files and folders that their owner alone may read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

_AT_ONCE: Final = getattr(os, "O_NONBLOCK", 0)
"""A pipe is opened without waiting for somebody at its other end."""


def open_file(path: Path, flags: int) -> int:
    """A descriptor of a file, which is made for the user alone where `flags` make it; raises OSError.

    Also where there is a pipe or a device in its place, which may give bytes without an end, or neither bytes nor an
    end. The null device is as good as a file.
    """
    descriptor = os.open(path, flags | _AT_ONCE, 0o600)
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) or os.path.samestat(found, Path(os.devnull).stat()):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "it is no plain file", str(path))


def read_file(path: Path) -> bytes:
    """All of a file; raises OSError, also where it is a pipe or a device."""
    with os.fdopen(open_file(path, os.O_RDONLY), "rb") as file:
        return file.read()


def private_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for the user alone; raises OSError."""
    if not folder.is_dir():
        if folder.parent != folder:
            private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file that appears whole or not at all, and that its owner alone may read; raises OSError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
