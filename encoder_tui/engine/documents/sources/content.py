"""The bytes of one file as a reader of rows needs them: unpacked, and in UTF-8."""

from __future__ import annotations

import codecs
import os
import re
from collections import OrderedDict
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Final

from encoder_tui.core.files.private import open_regular
from encoder_tui.core.text.numbers import decimal_size
from encoder_tui.engine.documents.sources.packing import MAGIC, members, packing_of, unpacked
from encoder_tui.engine.documents.sources.spool import Spool
from encoder_tui.engine.documents.sources.unchanged import AsOpened
from encoder_tui.engine.job import OperationError
from encoder_tui.protocol.pipes import PIPES

SPOOLS: Final = 8
"""Unpacked files that are kept at a time; a directory may hold more of them than the disk has room for."""

MARK: Final = codecs.BOM_UTF8
"""What some programs write at the beginning of a file; it belongs to no text."""

_MARKS: Final = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""Encodings by their marks; that of UTF-32 begins with that of UTF-16."""

_DESCRIPTOR: Final = re.compile(r"/dev/(?:fd/\d+|stdin)|/proc/self/fd/\d+|-")

_spools: OrderedDict[tuple[object, ...], Spool] = OrderedDict()
_pipes: dict[str, Spool] = {}
"""What came from pipes, which can be read only once, for as long as the process lives."""


class Content:
    """The bytes of a file, or of a member of an archive.

    What is packed, or is not in UTF-8, is kept in a temporary file as far as it has been read. `name` names the file
    in sentences for people.
    """

    def __init__(self, path: Path, member: str | None = None, name: str | None = None) -> None:
        self.path = path
        self.member = member
        self.name = name or (path.name if member is None else f"{path.name}/{member}")
        self.start = 0
        """The byte after the marks at the beginning."""
        self._as_opened: AsOpened | None = None
        self._packing: str | None = None
        self._encoding: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the bytes are those of the file itself; known once it has been opened."""
        return self._packing is None and self._encoding is None

    @property
    def suffix(self) -> str:
        """The suffix of the name, in lower case, without that of its packing."""
        name = Path(self.member or self.path.name)
        packed = {".gz", ".bz2", ".zst", ".zstd", ".xz"}
        return Path(name.stem if name.suffix.lower() in packed else name.name).suffix.lower()

    def is_file(self) -> bool:
        """Return whether the bytes are those of a regular file that is not packed. Raises `OperationError`."""
        if self.member is not None or is_descriptor(self.path):
            return False
        with opened(self.path) as file:
            return packing_of(file.read(max(map(len, MAGIC)))) is None

    def open(self) -> IO[bytes]:
        """Return the bytes, after any mark. Raises `OperationError`, also if the file has changed since the first time.

        Lines may have been added to a plain file.
        """
        if is_descriptor(self.path):
            return self._open_pipe()
        file = opened(self.path)
        if self._as_opened is None:
            self._begin(file)
        else:
            self._as_opened.refuse_another(file, self.name)
        if self.is_plain:
            file.seek(self.start)
            return file
        return self._marked(self._spool(file))

    def read(self, most: int) -> bytes | None:
        """Return all bytes, or None if there are more than `most`. Raises `OperationError`."""
        with self.open() as file:
            data = file.read(most + 1)
        return None if len(data) > most else data

    def too_large(self, most: int) -> str:
        """Say that the file has more than `most` bytes."""
        try:
            size = decimal_size(self.path.stat().st_size)
        except OSError as error:
            raise unreadable(self.path, error) from error
        if not self.is_plain:
            return f"{self.name} has more than the {decimal_size(most)} allowed"
        return f"{self.name} has {size}, more than the {decimal_size(most)} allowed"

    def _begin(self, file: IO[bytes]) -> None:
        """Find out how the file is packed and encoded."""
        beginning = file.read(16)
        self._packing = "zip" if self.member is not None else packing_of(beginning)
        if self._packing is None:
            self._encoding = encoding_of(beginning)
        self._as_opened = AsOpened(file, may_grow=self.is_plain)
        if self.is_plain:
            self.start = marks(beginning)
            file.seek(0)

    def _spool(self, file: IO[bytes]) -> Spool:
        found = os.fstat(file.fileno())
        key = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, self.member)
        spool = _spools.get(key)
        if spool is None:
            file.seek(0)
            chunks = whole(file) if self._packing is None else unpacked(self._packing, file, self.name, self.member)
            if self.member is not None:
                chunks = unpacked_again(chunks, self.name)
            spool = _spools[key] = Spool(self.name, as_utf8(chunks, self.name))
        else:
            file.close()
        _spools.move_to_end(key)
        while len(_spools) > SPOOLS:
            _spools.popitem(last=False)
        return spool

    def _open_pipe(self) -> IO[bytes]:
        key = str(self.path)
        spool = _pipes.get(key)
        if spool is None:
            spool = _pipes[key] = Spool(self.name, as_utf8(self._from_pipe(), self.name))
        self._encoding = "utf-8"  # not the bytes of a file that can be opened again
        return self._marked(spool)

    def _from_pipe(self) -> Iterator[bytes]:
        number = self.path.name
        if number not in os.environ.get(PIPES, "").split(","):
            raise OperationError(f"{self.name} is a pipe that was read already or is not open; start again")
        try:
            file = os.fdopen(os.dup(int(number)), "rb")
        except OSError as error:
            raise OperationError(f"{self.name} cannot be read: {error.strerror}") from error
        beginning = file.peek(max(map(len, MAGIC)))
        kind = packing_of(beginning)
        if kind == "zip":
            raise OperationError(f"{self.name} is a zip archive, which cannot be read from a pipe; name the file")
        yield from whole(file) if kind is None else unpacked(kind, file, self.name)

    def _marked(self, spool: Spool) -> IO[bytes]:
        self.start = marks(spool.read(0, 16))
        file = spool.open()
        file.seek(self.start)
        return file


def contents(path: Path, name: str) -> list[Content]:
    """Return the content of a file, or of each file in a zip archive; a pipe has the name that the user gave it.

    Raises `OperationError`.
    """
    if is_descriptor(path):
        return [Content(path, name=name)]
    with opened(path) as file:
        if packing_of(file.read(4)) != "zip":
            return [Content(path)]
    found = members(opened(path), path.name)
    if not found:
        raise OperationError(f"{path.name} is an archive without files; name a file with documents")
    return [Content(path, member) for member in found]


def is_descriptor(path: Path) -> bool:
    """Return whether a path names an open file of this process, as a shell's `<(…)` does."""
    return _DESCRIPTOR.fullmatch(str(path)) is not None


def marks(beginning: bytes) -> int:
    """Return how many bytes of the beginning are marks of UTF-8."""
    length = 0
    while beginning.startswith(MARK, length):
        length += len(MARK)
    return length


def encoding_of(beginning: bytes) -> str | None:
    """Return the encoding that a mark at the beginning names, other than UTF-8."""
    return next((name for mark, name in _MARKS.items() if beginning.startswith(mark)), None)


def whole(file: IO[bytes]) -> Iterator[bytes]:
    """Yield all bytes of a file."""
    with file:
        read = getattr(file, "read1", file.read)
        while chunk := read(1 << 18):
            yield chunk


def unpacked_again(chunks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Yield bytes as they are, or what they contain if they are packed themselves, as files of an archive may be."""
    first = next(chunks, b"")
    kind = packing_of(first)
    if kind is None or kind == "zip":
        yield first
        yield from chunks
    else:
        yield from unpacked(kind, Spool(name, chain((first,), chunks)).open(), name)


def as_utf8(chunks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Yield bytes in UTF-8, whatever encoding a mark at their beginning names."""
    first = next(chunks, b"")
    while len(first) < 4 and (more := next(chunks, b"")):
        first += more
    encoding = encoding_of(first)
    if encoding is None:
        yield first
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    yield decoder.decode(first).encode("utf-8", "replace")
    for chunk in chunks:
        yield decoder.decode(chunk).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def opened(path: Path) -> IO[bytes]:
    """Open a file for reading. Raises `OperationError`."""
    try:
        return open_regular(path)
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> OperationError:
    """Return the sentence for a file that the system does not let us read."""
    return OperationError(f"{path} cannot be read: {error.strerror}")
