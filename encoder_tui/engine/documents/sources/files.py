"""Local files: whole texts, lines, JSON lines, CSV."""

from __future__ import annotations

import csv
import json
import os
import sys
from abc import abstractmethod
from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from encoder_tui.core.files.private import open_regular
from encoder_tui.core.text.numbers import decimal_size
from encoder_tui.core.text.safe import without_surrogates
from encoder_tui.engine.documents.sources.features import TEXT, Feature, of_rows
from encoder_tui.engine.documents.sources.json_columns import look_ahead
from encoder_tui.engine.documents.sources.source import (
    ROW_AT_MOST,
    SAMPLED,
    SAMPLED_CHARACTERS,
    Source,
    TooLong,
    too_long,
)
from encoder_tui.engine.documents.sources.unchanged import AsOpened
from encoder_tui.engine.job import Job, OperationError

WHOLE_AT_MOST: Final = 1 << 28
"""Bytes of the largest file that is read as a whole."""

PIECE: Final = 1 << 20
"""Bytes that are read at a time where nothing is kept."""

SOON_COUNTED: Final = 1 << 24
"""The largest file, in bytes, whose lines are counted only to name one of them."""

csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


class TextFiles(Source):
    """Text files, each one document."""

    def __init__(self, label: str, paths: list[Path]) -> None:
        super().__init__(label)
        self.paths = paths
        self.take_columns([], {"text": TEXT})
        self.known = self.total = len(paths)
        self._as_read: dict[Path, AsOpened] = {}

    def reach(self, count: int, job: Job) -> None:
        """All files are known from the beginning."""

    def rows(self, start: int, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        for path in self.paths[start:]:
            with opened(path) as file:
                # The counts of a document belong to the text that was read first.
                self._as_read.setdefault(path, AsOpened(file)).refuse_another(file, path.name)
                length = os.fstat(file.fileno()).st_size
            if length > ROW_AT_MOST:
                most = decimal_size(ROW_AT_MOST)
                why = f"{path.name} has {decimal_size(length)}, more than the {most} allowed; try --lines"
                if len(self.paths) == 1:
                    raise OperationError(why)
                self.remark(why)
                yield {}
            else:
                yield {"text": self.decoded(read_whole(path), path.name)}

    def decoded(self, data: bytes, name: str) -> str:
        """Return the text as it is in the file, including line ends."""
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            self.remark(f"{name} is not valid UTF-8 at byte {error.start:,}; U+FFFD marks what cannot be read")
            return data.decode("utf-8", "replace")


class RecordFile(Source):
    """A file of records, found by the byte at which each begins; a record is read when it is needed."""

    def __init__(self, label: str, path: Path) -> None:
        super().__init__(label)
        self.path = path
        self.offsets = array("Q")
        with opened(path) as file:
            self._as_opened = AsOpened(file, may_grow=True)
            samples = self._samples(file)
            self.take_columns(samples, self.features_of(file, samples))

    def features_of(self, file: IO[bytes], samples: list[dict[str, Any]]) -> dict[str, Feature]:
        """Return what the columns hold; some may only appear after the samples."""
        return of_rows(samples)

    def _samples(self, file: IO[bytes]) -> list[dict[str, Any]]:
        """The first rows, as many as fit into memory; raises `OperationError` if there are none to look at."""
        samples: list[dict[str, Any]] = []
        characters = 0
        refused = ""
        for index, record in enumerate(islice(self.records(file, 0), SAMPLED)):
            if isinstance(record, TooLong):
                refused = refused or too_long(index, record, self.path.name)
                continue
            samples.append(record)
            characters += sum(len(value) for value in record.values() if isinstance(value, str))
            if characters > SAMPLED_CHARACTERS:
                break
        if not samples:
            raise OperationError(refused or f"{self.path.name} holds no rows; name a file with documents")
        return samples

    def starts(self, file: IO[bytes], offset: int) -> Iterator[int]:
        """Yield the byte at which each record begins, from the first byte of a record on."""
        file.seek(offset)
        position = offset
        for line in _lines(file):
            length = _length(line, file)
            if length > ROW_AT_MOST or self.is_record(line):
                yield position
            position += length

    def is_record(self, line: bytes) -> bool:
        """Return whether a line holds a record."""
        return True

    @abstractmethod
    def records(self, file: IO[bytes], offset: int) -> Iterator[dict[str, Any] | TooLong]:
        """Yield the records from a record's first byte on."""

    def reach(self, count: int, job: Job) -> None:
        if self.total is not None or count <= self.known:
            return
        with opened(self.path) as file:
            self._as_opened.refuse_another(file, self.path.name)
            finding = self.starts(file, self.offsets[-1] if self.known else 0)
            if self.known:
                next(finding, None)
            while self.known < count and self.total is None:
                self._find(finding, min(count - self.known, 20_000))
                job.progress(f"reading {self.path.name}", self.known, None, "rows")

    def _find(self, finding: Iterator[int], count: int) -> None:
        """Find the next records; those before an unreadable one stay known."""
        before = self.known
        try:
            self.offsets.extend(islice(finding, count))
        except OSError as error:
            raise unreadable(self.path, error) from error
        finally:
            self.known = len(self.offsets)
        if self.known == before:
            self.total = before

    def rows(self, start: int, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        if start and start >= self.known:
            return
        with opened(self.path) as file:
            self._as_opened.refuse_another(file, self.path.name)
            try:
                for index, record in enumerate(self.records(file, self.offsets[start] if start else 0), start):
                    if isinstance(record, TooLong):
                        self.leave_out(index, record, self.path.name)
                        yield {}
                    else:
                        yield record
            except OSError as error:
                raise unreadable(self.path, error) from error

    def decoded(self, line: bytes) -> str:
        """Return a line as text."""
        try:
            return line.decode()
        except UnicodeDecodeError:
            self.remark(f"{self.path.name} is not valid UTF-8 everywhere; U+FFFD marks what cannot be read")
            return line.decode("utf-8", "replace")


class LineFile(RecordFile):
    """A text file with one document per line; line ends do not belong to it."""

    def records(self, file: IO[bytes], offset: int) -> Iterator[dict[str, Any] | TooLong]:
        file.seek(offset)
        for line in _lines(file):
            length = _length(line, file)
            if length > ROW_AT_MOST:
                yield TooLong(length)
            else:
                yield {"text": self.decoded(line.removesuffix(b"\n").removesuffix(b"\r"))}


class JsonLines(RecordFile):
    """A JSON object or a string on every line; blank lines are not rows."""

    def features_of(self, file: IO[bytes], samples: list[dict[str, Any]]) -> dict[str, Feature]:
        features = of_rows(samples)
        if len(samples) == SAMPLED:
            look_ahead(file, features)
        return features

    def is_record(self, line: bytes) -> bool:
        return bool(line.strip())

    def records(self, file: IO[bytes], offset: int) -> Iterator[dict[str, Any] | TooLong]:
        file.seek(offset)
        position = offset
        for line in _lines(file):
            length = _length(line, file)
            if length > ROW_AT_MOST:
                yield TooLong(length)
            elif self.is_record(line):
                yield self._record(line, position)
            position += length

    def _record(self, line: bytes, position: int) -> dict[str, Any]:
        text = self.decoded(line.removeprefix(b"\xef\xbb\xbf"))
        try:
            value = msgspec.json.decode(text)
        except (ValueError, RecursionError):
            # Lone surrogates and NaN are not valid JSON, but Python writes and reads them.
            try:
                value = json.loads(text)
            except (ValueError, RecursionError) as error:
                # Its position is relative to this line, counted from 1.
                why = error.msg if isinstance(error, json.JSONDecodeError) else error
                raise OperationError(f"{self.path.name} is not valid JSON {self._place(position)} ({why})") from error
            value = _named(value)
        if isinstance(value, str):
            value = {"text": value}
        if not isinstance(value, dict):
            raise OperationError(f"{self.path.name} has no JSON object {self._place(position)}, so it has no columns")
        return value

    def _place(self, position: int) -> str:
        """Name a place in the file for people, with its line if that is quick to count."""
        place = f"at byte {position:,}"
        if position > SOON_COUNTED:
            return place
        with opened(self.path) as file:
            lines = file.read(position).count(b"\n")
        return f"{place}, in line {lines + 1:,}"


class CsvFile(RecordFile):
    """Comma-separated or tab-separated values with a header; fields may contain line ends."""

    def __init__(self, label: str, path: Path) -> None:
        with opened(path) as file:
            first = file.readline(SOON_COUNTED)
        self._delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
        if self._delimiter == "," and first.count(b";") > first.count(b","):
            self._delimiter = ";"
        self.header: list[str] = []
        super().__init__(label, path)

    def starts(self, file: IO[bytes], offset: int) -> Iterator[int]:
        file.seek(offset)
        lines = _CsvLines(self, file)
        rows = self._rows(lines)
        if not offset:
            next(rows, None)
        position = lines.position
        for row in rows:
            if row:
                yield position
            position = lines.position

    def records(self, file: IO[bytes], offset: int) -> Iterator[dict[str, Any] | TooLong]:
        file.seek(offset)
        rows = self._rows(_CsvLines(self, file))
        if not offset:
            header = next(rows, [])
            if isinstance(header, TooLong):
                raise OperationError(
                    f"the header of {self.path.name} has {decimal_size(header.size)}; this is not a CSV file"
                )
            self.header = header
        for row in rows:
            if isinstance(row, TooLong):
                yield row
            elif row:
                yield dict(zip(self.header, row, strict=False))

    def _rows(self, lines: _CsvLines) -> Iterator[list[str] | TooLong]:
        while True:
            try:
                for row in csv.reader(lines, delimiter=self._delimiter):
                    lines.row = lines.position
                    yield row
                return
            except _RowIsTooLong:
                yield lines.skip_row()
            except csv.Error as error:
                raise OperationError(
                    f"{self.path.name} is not valid CSV near byte {lines.position:,} ({error})"
                ) from error


class _RowIsTooLong(Exception):
    """The lines of one row have more bytes than a row may have."""


class _CsvLines(Iterator[str]):
    """The lines of a file as text; `position` is the byte after the last one taken, `row` that at which a row begins.

    Raises `_RowIsTooLong` if the lines taken since `row` are more than a row may have; `skip_row` goes on from there.
    """

    def __init__(self, source: RecordFile, file: IO[bytes]) -> None:
        self.position = self.row = file.tell()
        self._file = file
        self._source = source

    def __next__(self) -> str:
        room = ROW_AT_MOST - (self.position - self.row)
        line = self._file.readline(room + 1)
        if not line:
            raise StopIteration
        if len(line) > room:
            raise _RowIsTooLong
        text = self._source.decoded(line if self.position else line.removeprefix(b"\xef\xbb\xbf"))
        self.position += len(line)
        return text

    def skip_row(self) -> TooLong:
        """Go to the end of the row without keeping it: to the end of a line at which no quote is open."""
        self._file.seek(self.row)
        quotes = length = 0
        for piece in iter(partial(self._file.readline, PIECE), b""):
            length += len(piece)
            quotes += piece.count(b'"')
            if piece.endswith(b"\n") and quotes % 2 == 0:
                break
        self.position = self.row = self.row + length
        return TooLong(length)


class JsonArray(Source):
    """A `.json` file that holds an array of objects, read as a whole."""

    def __init__(self, label: str, path: Path) -> None:
        super().__init__(label)
        try:
            value = json.loads(read_whole(path))
        except (ValueError, RecursionError) as error:
            raise OperationError(f"{path.name} is not valid JSON ({error})") from error
        self._rows = [{"text": row} if isinstance(row, str) else _named(row) for row in value]
        if not self._rows or not all(isinstance(row, dict) for row in self._rows):
            raise OperationError(f"{path.name} is not an array of JSON objects, so it has no rows")
        self.take_columns(self._rows[:SAMPLED])
        self.known = self.total = len(self._rows)

    def reach(self, count: int, job: Job) -> None:
        """All rows are known from the beginning."""

    def rows(self, start: int, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        return iter(self._rows[start:])


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a file; of one that is too long for a row, only its beginning: `_length` skips the rest."""
    return iter(partial(file.readline, ROW_AT_MOST + 1), b"")


def _length(line: bytes, file: IO[bytes]) -> int:
    """The length of the line that begins so, in bytes; the file is then at the line's end."""
    length = len(line)
    if length > ROW_AT_MOST and not line.endswith(b"\n"):
        for piece in iter(partial(file.readline, PIECE), b""):
            length += len(piece)
            if piece.endswith(b"\n"):
                break
    return length


def _named(row: Any) -> Any:
    """Return a row with column names that can be sent."""
    return {without_surrogates(name): value for name, value in row.items()} if isinstance(row, dict) else row


def opened(path: Path) -> IO[bytes]:
    """Open a file for reading. Raises `OperationError`."""
    try:
        return open_regular(path)
    except OSError as error:
        raise unreadable(path, error) from error


def read_whole(path: Path) -> bytes:
    """Read a whole file. Raises `OperationError`."""
    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size > WHOLE_AT_MOST:
                raise OperationError(
                    f"{path.name} is larger than {decimal_size(WHOLE_AT_MOST)}; convert it to JSON lines"
                )
            return file.read()
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> OperationError:
    """Return the sentence for a file that the system does not let us read."""
    return OperationError(f"{path} cannot be read: {error.strerror}")
