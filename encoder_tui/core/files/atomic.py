"""The one way in which files are written: beside their place under a random name, then moved there."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path
from typing import IO, Final

MOST_LINKS: Final = 40
"""Links that are followed one after the other, as many as Linux follows."""
TRUSTED: Final = frozenset({0})
"""Users whose links are followed beside one's own: root can write anywhere without them."""
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


class FileExistsAlready(Exception):
    """There is a file of this name, and nobody said that it may be replaced."""


class AtomicFile:
    """A file that appears under its name whole or not at all; used as a context manager. Raises OSError.

    After any failure, and after a cancellation, the file that was there is still there and nothing else is.

    A file that the user saves keeps the permissions it had, and a link is followed by the rule of `file_to_write`.
    With `private`, only the owner may read the file, and whatever has the name, even a link, is replaced; `follow`
    alone says the second. With `replace=False` a file that is there already raises `FileExistsAlready`. With
    `durable` the content is on the disk before it gets its name.
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
        """Write some more; raises OSError."""
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
            # A hard link fails if somebody made the file meanwhile; not every file system has them.
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
        """A descriptor of the file beside: for the owner alone, as permitted as the file that it replaces, or new."""
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
            # Whoever owned the file has not decided who may read this one: no more than the umask grants.
            return os.open(self._temporary, _NEW, before.st_mode & 0o666)
        descriptor = os.open(self._temporary, _NEW, 0o600)
        with contextlib.suppress(OSError):
            _permit_as(descriptor, before)
        return descriptor


def _permit_as(descriptor: int, before: os.stat_result) -> None:
    """Give a file the owner, the group and the permissions of the one that it replaces; raises OSError."""
    mode = before.st_mode & 0o777
    now = os.fstat(descriptor)
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        try:
            os.fchown(descriptor, before.st_uid, before.st_gid)
        except OSError:
            # The group is another one, to which nothing was granted that not everybody had.
            mode &= 0o707 | (mode & 0o007) << 3
    os.fchmod(descriptor, mode)


def file_to_write(path: Path) -> Path:
    """The file that saving to `path` writes: itself, or the regular file that a link names; raises OSError.

    One rule, that of editors, for everything that a user saves: a link stays a link, and the file that it names gets
    the new content. Refused are a link of another user, who may have laid it into a shared folder, a link to nothing,
    and whatever is neither a regular file nor missing: a folder, a pipe, a socket, a device.
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
                raise OSError(errno.EINVAL, "it is there and is no file", str(path))
            return place
        if found.st_uid not in TRUSTED | {os.geteuid()}:
            raise PermissionError(errno.EPERM, "it is a link that belongs to another user", str(path))
        place = place.parent / place.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def write_whole(path: Path, content: str | bytes, *, replace: bool = False) -> None:
    """Write a file that the user asked for, by the rules of `AtomicFile`.

    Raises `FileExistsAlready` if there is one and `replace` is not given, and `OSError`.
    """
    with AtomicFile(path, replace=replace) as file:
        file.write(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)


def write_private(path: Path, content: str | bytes, *, durable: bool = False) -> None:
    """Write a file of the program's own, which its owner alone may read; raises OSError."""
    with AtomicFile(path, private=True, durable=durable) as file:
        file.write(content.encode() if isinstance(content, str) else content)
