"""Writing files: first under a random name in the same folder, then moved into place."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path
from typing import IO, Final

MOST_LINKS: Final = 40
"""The longest chain of links that is followed, as on Linux."""
TRUSTED: Final = frozenset({0})
"""Other users whose links are followed: root can write anywhere anyway."""
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


class FileExistsAlready(Exception):
    """A file of this name exists, and `replace` was not given."""


class AtomicFile:
    """A file that appears under its name whole or not at all; used as a context manager. Raises OSError.

    After a failure or a cancellation, the old file is unchanged and no partial file is left.

    A file that the user saves keeps its permissions, and links are followed by the rule of `file_to_write`. With
    `private`, only the owner may read the file, and whatever has the name, even a link, is replaced; `follow=False`
    does only the latter. With `replace=False`, an existing file raises `FileExistsAlready`. With `durable`, the
    content is on the disk before it gets its name.
    """

    def __init__(
        self, path: Path, *, private: bool = False, follow: bool = True, replace: bool = True, durable: bool = False
    ) -> None:
        self.path = path if private or not follow else file_to_write(path)
        self._is_private = private
        self._may_replace = replace
        self._is_durable = durable
        if not replace and os.path.lexists(self.path):
            raise FileExistsAlready(str(path))
        # A name has 255 bytes at most, and a character up to four.
        self._temporary = self.path.with_name(f".{self.path.name[:40]}.{secrets.token_hex(8)}.tmp")

    def __enter__(self) -> AtomicFile:
        descriptor = self._new_file()
        self._file: IO[bytes] = os.fdopen(descriptor, "wb")
        return self

    @property
    def file(self) -> IO[bytes]:
        """The file that is being written, for writers that want to seek in it."""
        return self._file

    def write(self, data: bytes) -> None:
        """Write more data. Raises OSError."""
        self._file.write(data)

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if kind is None and self._is_durable:
                self._file.flush()
                os.fsync(self._file.fileno())
            self._file.close()
            if kind is None:
                self._move()
        finally:
            with contextlib.suppress(OSError):
                self._temporary.unlink(missing_ok=True)

    def _move(self) -> None:
        if self._may_replace:
            self._temporary.replace(self.path)
            return
        try:
            # A hard link fails if the file was created meanwhile; not every file system has them.
            self.path.hardlink_to(self._temporary)
        except FileExistsError:
            raise FileExistsAlready(str(self.path)) from None
        except OSError:
            try:
                os.close(os.open(self.path, _NEW, 0o600))
            except FileExistsError:
                raise FileExistsAlready(str(self.path)) from None
            self._temporary.replace(self.path)

    def _new_file(self) -> int:
        """Open the temporary file: private, with the permissions of the file that it replaces, or new."""
        if self._is_private:
            return os.open(self._temporary, _NEW, 0o600)
        try:
            before = self.path.lstat()
        except FileNotFoundError:
            return os.open(self._temporary, _NEW, 0o666)
        if not stat.S_ISREG(before.st_mode):
            return os.open(self._temporary, _NEW, 0o666)
        user = os.geteuid()
        if user not in {before.st_uid, 0}:
            # The old owner has not decided who may read this file: grant no more than the umask.
            return os.open(self._temporary, _NEW, before.st_mode & 0o666)
        descriptor = os.open(self._temporary, _NEW, 0o600)
        with contextlib.suppress(OSError):
            _permit_as(descriptor, before)
        return descriptor


def _permit_as(descriptor: int, before: os.stat_result) -> None:
    """Give a file the owner, group and permissions of the one that it replaces. Raises OSError."""
    mode = before.st_mode & 0o777
    now = os.fstat(descriptor)
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        try:
            os.fchown(descriptor, before.st_uid, before.st_gid)
        except OSError:
            # The group differs, so it gets no more than everybody had.
            mode &= 0o707 | (mode & 0o007) << 3
    os.fchmod(descriptor, mode)


def file_to_write(path: Path) -> Path:
    """Return the file that saving to `path` writes: itself, or the regular file that a link names. Raises OSError.

    As in editors, a link stays a link, and the file that it names gets the new content. Refused are a link of another
    user, who may have put it into a shared folder, a link to a missing file, and anything that exists but is not a
    regular file: a folder, a pipe, a socket, a device.
    """
    place = path
    for _ in range(MOST_LINKS):
        try:
            found = place.lstat()
        except FileNotFoundError:
            if place is path:
                return path
            raise FileNotFoundError(errno.ENOENT, "it is a link to a file that does not exist", str(path)) from None
        if not stat.S_ISLNK(found.st_mode):
            if stat.S_ISDIR(found.st_mode):
                raise IsADirectoryError(errno.EISDIR, "it is a directory", str(path))
            if not stat.S_ISREG(found.st_mode):
                raise OSError(errno.EINVAL, "it exists and is not a regular file", str(path))
            return place
        if found.st_uid not in TRUSTED | {os.geteuid()}:
            raise PermissionError(errno.EPERM, "it is a link that belongs to another user", str(path))
        place = place.parent / place.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def write_whole(path: Path, content: str | bytes, *, replace: bool = False) -> None:
    """Write a file that the user requested, by the rules of `AtomicFile`.

    Raises `FileExistsAlready` if it exists and `replace` is not given, and OSError.
    """
    with AtomicFile(path, replace=replace) as file:
        file.write(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)


def write_private(path: Path, content: str | bytes, *, durable: bool = False) -> None:
    """Write one of the program's own files, readable only by its owner. Raises OSError."""
    with AtomicFile(path, private=True, durable=durable) as file:
        file.write(content.encode() if isinstance(content, str) else content)
