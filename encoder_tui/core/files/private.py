"""Files and folders of the program's own, and opening what may be no file at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

_AT_ONCE: Final = getattr(os, "O_NONBLOCK", 0)
"""A pipe is opened without waiting for somebody at its other end."""
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)


def open_file(path: Path, flags: int, mode: int = 0o600) -> int:
    """A descriptor of a regular file, or of the null device, which is as good as one; raises OSError.

    `mode` holds for a file that is made. A pipe, a socket or a device is refused at once: it may give bytes without
    an end, or neither bytes nor an end. For reading, links are followed; for writing they are not, as anybody may
    have laid one, unless it leads to the null device.
    """
    is_written = flags & (os.O_WRONLY | os.O_RDWR)
    try:
        descriptor = os.open(path, flags | _AT_ONCE | (_NO_LINK if is_written else 0), mode)
    except OSError as error:
        if error.errno == errno.ELOOP and path.resolve() == Path(os.devnull):
            return os.open(os.devnull, flags & ~(os.O_CREAT | os.O_EXCL))
        if error.errno == errno.ELOOP and path.is_symlink():
            raise OSError(errno.ELOOP, "it is a link", str(path)) from None
        if error.errno == errno.ENXIO:  # a socket, or a pipe that nobody reads
            raise _no_plain_file(path) from None
        raise
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) or os.path.samestat(found, Path(os.devnull).stat()):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise _no_plain_file(path)


def _no_plain_file(path: Path) -> OSError:
    return OSError(errno.EINVAL, "it is no plain file", str(path))


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file to read its bytes; raises OSError at once if a pipe, a socket or a device is there."""
    return os.fdopen(open_file(path, os.O_RDONLY), "rb")


def read_file(path: Path) -> bytes:
    """All of a file; raises OSError, also where it is a pipe or a device."""
    with open_regular(path) as file:
        return file.read()


def refuse_foreign_folder(folder: Path) -> None:
    """Raise OSError with a sentence if somebody else could put files into a folder of the program's own.

    That is a folder which belongs to another user, or which group or others may write. A folder that is missing, or
    cannot be looked at, passes: nothing is read from it either.
    """
    try:
        found = folder.stat()
    except OSError:
        return
    if found.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, f"{folder} belongs to another user", str(folder))
    if found.st_mode & 0o022:
        raise PermissionError(errno.EPERM, f"others may write to {folder}; forbid it with chmod go-w", str(folder))


def private_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for the user alone; raises OSError.

    One that is there already is refused by the rule of `refuse_foreign_folder`.
    """
    if not folder.is_dir():
        if folder.parent != folder and not folder.parent.is_dir():
            private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    refuse_foreign_folder(folder)
