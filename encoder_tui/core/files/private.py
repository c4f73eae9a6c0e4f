"""The program's own files and folders, and opening what may not be a regular file."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

_AT_ONCE: Final = getattr(os, "O_NONBLOCK", 0)
"""Open a pipe without waiting for its other end."""
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)


def open_file(path: Path, flags: int, mode: int = 0o600) -> int:
    """Return a descriptor of a regular file or of the null device. Raises OSError.

    `mode` is for a new file. A pipe, a socket or a device is refused at once: it may give endless bytes, or block
    forever. For reading, links are followed; for writing they are not, because another user may have put one there,
    unless it leads to the null device.
    """
    is_written = flags & (os.O_WRONLY | os.O_RDWR)
    try:
        descriptor = os.open(path, flags | _AT_ONCE | (_NO_LINK if is_written else 0), mode)
    except OSError as error:
        if error.errno == errno.ELOOP and path.resolve() == Path(os.devnull):
            return os.open(os.devnull, flags & ~(os.O_CREAT | os.O_EXCL))
        if error.errno == errno.ELOOP and path.is_symlink():
            raise OSError(errno.ELOOP, "it is a link", str(path)) from None
        if error.errno == errno.ENXIO:  # a socket, or a pipe without a reader
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
    return OSError(errno.EINVAL, "it is not a regular file", str(path))


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file to read bytes. Raises OSError at once for a pipe, a socket or a device."""
    return os.fdopen(open_file(path, os.O_RDONLY), "rb")


def read_file(path: Path) -> bytes:
    """Return the content of a file. Raises OSError, also for a pipe or a device."""
    with open_regular(path) as file:
        return file.read()


def refuse_foreign_folder(folder: Path) -> None:
    """Raise OSError with a sentence if another user could put files into one of the program's folders.

    That is a folder that belongs to another user, or that group or others may write to. A folder that is missing or
    cannot be checked passes: nothing is read from it either.
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
    """Create a folder and its missing parents for the user alone. Raises OSError.

    An existing folder must pass `refuse_foreign_folder`.
    """
    if not folder.is_dir():
        if folder.parent != folder and not folder.parent.is_dir():
            private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    refuse_foreign_folder(folder)
