"""Local files: whole texts, and files of records that are found by the byte at which each begins."""

from __future__ import annotations

from abc import abstractmethod
from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import IO, Any, Final, NamedTuple

from encoder_tui.core.text.numbers import decimal_size
from encoder_tui.engine.documents.sources.content import Content, unreadable
from encoder_tui.engine.documents.sources.features import TEXT, Feature, of_rows
from encoder_tui.engine.documents.sources.source import (
    ROW_AT_MOST,
    SAMPLED_CHARACTERS,
    NoRows,
    Source,
    TooLong,
    too_long,
)
from encoder_tui.engine.job import Job, OperationError

PIECE: Final = 1 << 20
"""Bytes that are read at a time where nothing is kept."""

BLANK_AT_MOST: Final = 1 << 22
"""Bytes of blank lines between two rows, beyond which no more rows are looked for."""

SKIPPED_AT_MOST: Final = 1 << 30
"""Bytes of the longest row that is left out; in a file with a longer one no more rows are looked for."""

SOON_COUNTED: Final = 1 << 30
"""The largest part of a file, in bytes, whose lines are counted to name one of them."""


class NoText(NamedTuple):
    """Takes the place of a row that cannot be read: why, for people."""

    why: str


Record = dict[str, Any] | TooLong | NoText
"""A row by the names of its columns, or what takes its place."""


class TextFiles(Source):
    """Text files, each one document."""

    def __init__(self, label: str, files: Sequence[Content]) -> None:
        super().__init__(label)
        self.files = files
        self.take_columns([], {"text": TEXT})
        self.known = self.total = len(files)

    def reach(self, count: int, job: Job) -> None:
        """All files are known from the beginning."""

    def rows(self, start: int, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        for file in self.files[start:]:
            try:
                data = file.read(ROW_AT_MOST)
            except OSError as error:
                raise unreadable(file.path, error) from error
            if data is None:
                why = f"{file.too_large(ROW_AT_MOST)}; try --lines"
                if len(self.files) == 1:
                    raise OperationError(why)
                self.remark(why)
                yield {}
            else:
                yield {"text": self.decoded(data, file.name)}

    def file_of(self, index: int) -> str | None:
        return self.files[index].name if len(self.files) > 1 else None

    def decoded(self, data: bytes, name: str) -> str:
        """Return the text as it is in the file, including line ends."""
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            self.remark(f"{name} is not valid UTF-8 at byte {error.start:,}; U+FFFD marks what cannot be read")
            return data.decode("utf-8", "replace")


class RecordFile(Source):
    """A file of records, found by the byte at which each begins; a record is read when it is needed.

    Its columns are found in the first `sampled` rows; in more if a column has had no value until then.
    """

    sampled = 200

    def __init__(self, label: str, content: Content) -> None:
        super().__init__(label)
        self.content = content
        self.name = content.name
        self.offsets = array("Q")
        self._has_unread = False
        with content.open() as file:
            self.prepare(file)
            file.seek(content.start)
            samples = self._samples(file)
            self.take_columns(samples, self.features_of(file, samples))

    def prepare(self, file: IO[bytes]) -> None:
        """Find out how the records are written, from the beginning of the file."""

    def _samples(self, file: IO[bytes]) -> list[dict[str, Any]]:
        """The first rows: enough to know the columns of text, and no more than fit into memory.

        Raises `OperationError` if there are none to look at.
        """
        samples: list[dict[str, Any]] = []
        characters = 0
        refused = ""
        unseen: set[str] = set()  # columns in which no row has had a value
        seen: set[str] = set()
        records = enumerate(self.records(file, self.content.start))
        while (found := self._next(records, bool(samples))) is not None:
            index, record = found
            if isinstance(record, TooLong):
                refused = refused or too_long(index, record, self.name)
                continue
            if isinstance(record, NoText):
                refused = refused or record.why
                continue
            is_needed = len(samples) < self.sampled
            for name, value in record.items():
                if value is None:
                    unseen.add(name)
                elif name not in seen:
                    seen.add(name)
                    is_needed = True
                if isinstance(value, str):
                    characters += len(value)
            if is_needed:
                samples.append(record)
            if characters > SAMPLED_CHARACTERS or (index >= self.sampled and unseen <= seen):
                break
        if not samples:
            raise NoRows(refused or f"{self.name} holds no rows; name a file with documents")
        return samples

    def _next(self, records: Iterator[tuple[int, Record]], is_enough: bool) -> tuple[int, Record] | None:
        try:
            return next(records, None)
        except OperationError:
            if not is_enough:
                raise
            return None  # the rows before it can be read, and whoever reads that far is told

    def features_of(self, file: IO[bytes], samples: list[dict[str, Any]]) -> dict[str, Feature]:
        """Return what the columns hold; some may only appear after the samples."""
        return of_rows(samples)

    def starts(self, file: IO[bytes], offset: int) -> Iterator[int]:
        """Yield the byte at which each record begins, from the first byte of a record on. Raises `OperationError`."""
        file.seek(offset)
        position = offset
        last = offset
        is_record = self.is_record
        for line in lines_of(file):
            length = len(line)
            if length > ROW_AT_MOST:
                length = self.length(line, file)
                yield position
                last = position
            elif is_record(line):
                yield position
                last = position
            else:
                self.refuse_blank(position - last)
            position += length

    def refuse_blank(self, length: int) -> None:
        """Raise `OperationError` if so many bytes of blank lines are more than a file of rows has."""
        if length > BLANK_AT_MOST:
            raise OperationError(f"{self.name} has {decimal_size(length)} of blank lines; it is no file of rows")

    def is_record(self, line: bytes) -> bool:
        """Return whether a line holds a record."""
        return True

    @abstractmethod
    def records(self, file: IO[bytes], offset: int) -> Iterator[Record]:
        """Yield the records from a record's first byte on. Raises `OperationError`."""

    def reach(self, count: int, job: Job) -> None:
        if self.total is not None or count <= self.known:
            return
        with self.content.open() as file:
            finding = self.starts(file, self.offsets[-1] if self.known else self.content.start)
            if self.known:
                next(finding, None)
            while self.known < count and self.total is None:
                self._find(finding, min(count - self.known, 20_000))
                job.progress(f"reading {self.name}", self.known, None, "rows")

    def _find(self, finding: Iterator[int], count: int) -> None:
        """Find the next records; those before an unreadable one stay known."""
        before = self.known
        try:
            self.offsets.extend(islice(finding, count))
        except OSError as error:
            raise unreadable(self.content.path, error) from error
        finally:
            self.known = len(self.offsets)
        if self.known == before:
            self.total = before

    def rows(self, start: int, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        if start and start >= self.known:
            return
        with self.content.open() as file:
            try:
                first = self.offsets[start] if start else self.content.start
                for index, record in enumerate(self.records(file, first), start):
                    if isinstance(record, TooLong):
                        self.leave_out(index, record, self.name)
                        yield {}
                    elif isinstance(record, NoText):
                        self.remark_once(record.why)
                        yield {}
                    else:
                        yield record
            except OSError as error:
                raise unreadable(self.content.path, error) from error

    def remark_once(self, why: str) -> None:
        """Add a remark on a row that cannot be read; only for the first such row of this file."""
        if not self._has_unread:
            self._has_unread = True
            self.remark(f"{why}; such rows are left without text")

    def decoded(self, line: bytes) -> str:
        """Return a line as text."""
        try:
            return line.decode()
        except UnicodeDecodeError:
            self.remark(f"{self.name} is not valid UTF-8 everywhere; U+FFFD marks what cannot be read")
            return line.decode("utf-8", "replace")

    def length(self, line: bytes, file: IO[bytes]) -> int:
        """Return the length of the line that begins so, in bytes; the file is then at the line's end.

        Raises `OperationError` if the line has no end within what may be skipped.
        """
        length = len(line)
        if length > ROW_AT_MOST and not line.endswith(b"\n"):
            for piece in iter(partial(file.readline, PIECE), b""):
                length += len(piece)
                if piece.endswith(b"\n"):
                    break
                if length > SKIPPED_AT_MOST:
                    raise self.endless(length)
        return length

    def endless(self, length: int) -> OperationError:
        """Return the sentence for a row that goes on and on."""
        return OperationError(
            f"{self.name} has a row of more than {decimal_size(length)} after row {self.known:,}; it is no file of rows"
        )

    def place(self, position: int) -> str:
        """Name a place in the file for people: its line, unless counting lines takes long."""
        position = max(position, self.content.start)
        if position > SOON_COUNTED:
            return f"at byte {position:,}"
        lines = 0
        with self.content.open() as file:
            file.seek(0)
            for piece in iter(lambda: file.read(min(PIECE, position - file.tell())), b""):
                lines += piece.count(b"\n")
        return f"in line {lines + 1:,}"


class LineFile(RecordFile):
    """A text file with one document per line; line ends do not belong to it."""

    def records(self, file: IO[bytes], offset: int) -> Iterator[Record]:
        file.seek(offset)
        for line in lines_of(file):
            length = self.length(line, file)
            if length > ROW_AT_MOST:
                yield TooLong(length)
            else:
                yield {"text": self.decoded(line.removesuffix(b"\n").removesuffix(b"\r"))}


def lines_of(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a file; of one that is too long for a row, only its beginning: `length` skips the rest."""
    return iter(partial(file.readline, ROW_AT_MOST + 1), b"")
