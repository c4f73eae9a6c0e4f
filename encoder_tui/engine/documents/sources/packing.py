"""Compressed files and archives: what they are packed with, and the bytes in them."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import IO, Any, Final

from encoder_tui.engine.job import OperationError
from encoder_tui.engine.server import one_line

CHUNK: Final = 1 << 18
"""Bytes that are unpacked at a time."""

MAGIC: Final = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\0": "xz",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",  # without files
}
"""How a file begins that is packed."""

SUFFIXES: Final = {".gz": "gzip", ".bz2": "bzip2", ".zst": "zstd", ".zstd": "zstd", ".xz": "xz", ".zip": "zip"}
"""The suffix that a packed file usually has after that of its content."""

MEMBERS_AT_MOST: Final = 100_000
"""Files of an archive that are listed."""


def packing_of(beginning: bytes) -> str | None:
    """Return what a file is packed with, from its first bytes; None if it is not packed."""
    return next((kind for magic, kind in MAGIC.items() if beginning.startswith(magic)), None)


def unpacked(kind: str, file: IO[bytes], name: str, member: str | None = None) -> Iterator[bytes]:
    """Yield what a packed file contains, or a member of an archive.

    Raises `OperationError` where it is damaged or breaks off.
    """
    errors = (OSError, EOFError, RuntimeError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
    try:
        with file, _OPENERS[kind](file, member) as stream:
            read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
            while chunk := read(CHUNK):
                yield chunk
    except errors as error:
        raise OperationError(f"{name} is damaged or breaks off ({kind}: {one_line(error)})") from error


def members(file: IO[bytes], name: str) -> list[str]:
    """Return the files of a zip archive without hidden ones: in each folder its files by name, then its subfolders.

    Raises `OperationError`.
    """
    try:
        with file, zipfile.ZipFile(file) as archive:
            found = [one.filename for one in archive.infolist()[:MEMBERS_AT_MOST] if not one.is_dir() and one.file_size]
    except (OSError, EOFError, RuntimeError, ValueError, zipfile.BadZipFile) as error:
        raise OperationError(f"{name} is damaged or breaks off (zip: {one_line(error)})") from error
    # As datasets does: names that begin so belong to the system that packed them.
    seen = [one for one in found if not any(part.startswith((".", "__")) for part in PurePosixPath(one).parts)]
    return sorted(seen, key=_place)


def _place(member: str) -> list[tuple[bool, str]]:
    *folders, name = PurePosixPath(member).parts
    return [*((True, folder) for folder in folders), (False, name)]


def _zstd(file: IO[bytes], member: str | None) -> Any:
    import pyarrow  # noqa: PLC0415  # 0.2 s; Python itself has no zstd before 3.14

    return pyarrow.CompressedInputStream(pyarrow.PythonFile(file, "r"), "zstd")


def _xz(file: IO[bytes], member: str | None) -> Any:
    return lzma.LZMAFile(file)


def _member(file: IO[bytes], member: str | None) -> Any:
    return zipfile.ZipFile(file).open(member or "")


_OPENERS: Final[dict[str, Callable[[IO[bytes], str | None], Any]]] = {
    "gzip": lambda file, member: gzip.GzipFile(fileobj=file),
    "bzip2": lambda file, member: bz2.BZ2File(file),
    "xz": _xz,
    "zstd": _zstd,
    "zip": _member,
}
