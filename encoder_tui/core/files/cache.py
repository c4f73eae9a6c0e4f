"""What the engine found out, kept on disk: one file each."""

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
    """Values on disk under a fingerprint of what they were made from and the versions that made them.

    `kind` names the values and the version of their format, `libraries` those whose versions matter. A cache
    that cannot be read or written is no error: the value is made again. `complaint` then says why.
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
        """The value, or None where there is none or what is there is damaged."""
        try:
            refuse_foreign_folder(self.folder)
            return msgspec.msgpack.decode(read_file(self._path(fingerprint, versions)), type=self._value)
        except (OSError, ValueError, RecursionError):  # a text that is no UTF-8 is no MsgspecError
            return None

    def put(self, fingerprint: str, versions: dict[str, str], value: T) -> None:
        """Keep a value; written beside its place and moved there, so that no reader sees half of one."""
        path = self._path(fingerprint, versions)
        try:
            private_folder(self.folder)
            write_private(path, msgspec.msgpack.encode(value))
        except OSError as error:
            self.complaint = f"the cache {self.folder} cannot be written: {error.strerror or error}"
