"""Bytes that can be read only once (a pipe, an unpacked file), kept in a temporary file to be read again."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import IO, Any, Final

from encoder_tui.core.text.numbers import decimal_size
from encoder_tui.engine.job import OperationError

AT_MOST: Final = 16 << 30
"""Bytes that are kept of one file; less if the disk has less than twice as much room."""

BUFFER: Final = 1 << 17
"""Bytes that a reader takes at a time."""


class Spool:
    """Chunks of bytes in a temporary file, taken as far as they are needed. The file disappears with this object.

    `chunks` may raise `OperationError` where the bytes break off: those before it can be read all the same.
    """

    def __init__(self, name: str, chunks: Iterator[bytes]) -> None:
        self.name = name
        self.size = 0
        self.is_whole = False
        self._chunks = chunks
        self._failed: OperationError | None = None
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="encoder-tui-", buffering=0)  # noqa: SIM115
        self._room = min(AT_MOST, shutil.disk_usage(tempfile.gettempdir()).free // 2)

    def fill(self, size: int) -> None:
        """Keep at least so many bytes, or all if there are fewer. Raises `OperationError`."""
        while self.size < size and not self.is_whole:
            if self._failed is not None:
                raise OperationError(str(self._failed))
            try:
                self._take(next(self._chunks, None))
            except OperationError as error:
                self._failed = error
            except OSError as error:
                why = error.strerror or str(error)
                self._failed = OperationError(f"{self.name} cannot be kept in a temporary file: {why}")

    def _take(self, chunk: bytes | None) -> None:
        if chunk is None:
            self.is_whole = True
            return
        if self.size + len(chunk) > self._room:
            raise OperationError(
                f"{self.name} unpacks to more than the {decimal_size(self._room)} that a temporary file may have"
            )
        kept = 0
        while kept < len(chunk):
            kept += os.pwrite(self._file.fileno(), chunk[kept:], self.size + kept)
        self.size += len(chunk)

    def read(self, start: int, count: int) -> bytes:
        """Return up to `count` bytes from `start` on, fewer only at the end. Raises `OperationError`."""
        try:
            self.fill(start + count)
        except OperationError:
            if start >= self.size:
                raise
        return os.pread(self._file.fileno(), min(count, max(self.size - start, 0)), start)

    def open(self) -> IO[bytes]:
        """Return the bytes as a file of its own position."""
        return io.BufferedReader(_Reader(self), BUFFER)


class _Reader(io.RawIOBase):
    """Reads a spool."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._spool.read(self._position, len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END:
            self._spool.fill(AT_MOST)
            offset += self._spool.size
        elif whence == os.SEEK_CUR:
            offset += self._position
        self._position = max(offset, 0)
        return self._position

    def tell(self) -> int:
        return self._position
