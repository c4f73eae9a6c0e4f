"""A cache of the engine's results on disk, one file each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from encoder_tui.core.files.atomic import write_private
from encoder_tui.core.files.private import private_folder, read_file, refuse_foreign_folder

T = TypeVar("T")


class DiskCache(Generic[T]):
    """Values on disk, by a fingerprint of their source and the versions of the libraries that made them.

    `kind` names the values and the version of their format; `libraries` are those whose versions matter. If the
    cache cannot be read or written, the value is made again, and `complaint` says why.
    """

    def __init__(self, folder: Path, value: type[T], kind: str, libraries: Sequence[str]) -> None:
        self.folder = folder
        self.complaint: str | None = None
        self._value = value
        self._kind = kind
        self._libraries = tuple(libraries)

    def _path(self, fingerprint: str, versions: dict[str, str]) -> Path:
        made_by = [f"{library}={versions[library]}" for library in self._libraries]
        key = hashlib.sha256("\0".join([self._kind, fingerprint, *made_by]).encode()).hexdigest()
        return self.folder / f"{key[:40]}.msgpack"

    def get(self, fingerprint: str, versions: dict[str, str]) -> T | None:
        """Return the value, or None if it is missing or damaged."""
        try:
            refuse_foreign_folder(self.folder)
            return msgspec.msgpack.decode(read_file(self._path(fingerprint, versions)), type=self._value)
        except (OSError, ValueError, RecursionError):  # invalid UTF-8 does not raise a MsgspecError
            return None

    def put(self, fingerprint: str, versions: dict[str, str], value: T) -> None:
        """Store a value; the file is moved into place, so that no reader sees half of it."""
        path = self._path(fingerprint, versions)
        try:
            private_folder(self.folder)
            write_private(path, msgspec.msgpack.encode(value))
        except OSError as error:
            self.complaint = f"the cache {self.folder} cannot be written: {error.strerror or error}"
