"""Rows of delimited fields: CSV, TSV and their relatives, read as pandas and so `datasets` reads them."""

from __future__ import annotations

import contextlib
import csv
import re
import sys
from collections.abc import Generator, Iterator
from functools import partial
from itertools import islice
from typing import IO, Any, Final, Literal

from encoder_tui.core.text.numbers import count, decimal_size
from encoder_tui.core.text.safe import without_surrogates
from encoder_tui.engine.documents.sources.content import Content
from encoder_tui.engine.documents.sources.csv_dialect import (
    MISSING,
    NONE,
    Dialect,
    column_names,
    dialect_of,
    looks_like_rows,
    typed,
)
from encoder_tui.engine.documents.sources.features import OTHER, TEXT, Feature
from encoder_tui.engine.documents.sources.files import PIECE, SKIPPED_AT_MOST, NoText, Record, RecordFile, lines_of
from encoder_tui.engine.documents.sources.json_columns import LOOKED_AT
from encoder_tui.engine.documents.sources.source import ROW_AT_MOST, TooLong
from encoder_tui.engine.job import OperationError
from encoder_tui.protocol.documents import SourceSpec

SAMPLE: Final = 1 << 16
"""Bytes from which the dialect is guessed."""

LINE_FEED: Final = 10

INDEX: Final = "__index_level_0__"
"""What `datasets` calls a first column that the header does not name."""

_LONE: Final = re.compile(rb"(?<=\r)(?!\n)")

csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


class CsvFile(RecordFile):
    """Delimited fields; quoted ones may contain line ends."""

    def __init__(self, label: str, content: Content, spec: SourceSpec | None = None) -> None:
        self._spec = spec or SourceSpec()
        self.dialect = Dialect(",", True, True, [])
        self.header: list[str] = []
        self._has_row_names = False
        self._has_swallowed = False
        self._body = 0
        self._is_cr = False
        super().__init__(label, content)
        for remark in self.dialect.remarks:
            self.remark(f"{self.name}: {remark}")

    def prepare(self, file: IO[bytes]) -> None:
        data = file.read(SAMPLE)
        is_whole = len(data) < SAMPLE
        if not is_whole:
            data = data[: max(data.rfind(b"\n"), data.rfind(b"\r")) + 1] or data
        # As old spreadsheets of one maker did it.
        self._is_cr = b"\r" in data and b"\n" not in data
        self.dialect = dialect_of(data.decode("utf-8", "replace"), self.content.suffix, self._spec, is_whole)
        file.seek(self.content.start)
        lines = _CsvLines(self, file)
        rows = self._rows(lines)
        first = next(rows, [])
        if isinstance(first, TooLong):
            raise OperationError(f"the header of {self.name} has {decimal_size(first.size)}; this is not a CSV file")
        if self.dialect.header:
            self._body = lines.row
            self.header = column_names([without_surrogates(field) for field in first])
            self._name_first(rows)
        else:
            self._body = self.content.start
            self.header = [str(place) for place in range(len(first))]

    def _name_first(self, rows: Iterator[list[str] | TooLong]) -> None:
        """If every row has more fields than the header, the first is the name of the row, or the last is empty."""
        sample: list[list[str]] = []
        with contextlib.suppress(OperationError):  # whoever reads that far is told
            for row in islice(rows, 100):
                if isinstance(row, TooLong) or len(row) <= len(self.header) or sum(map(len, row)) > SAMPLE:
                    return
                sample.append(row)
        widths = {len(row) for row in sample}
        more = widths.pop() - len(self.header) if len(widths) == 1 else 0
        if more <= 0 or self.dialect.delimiter == NONE:
            return
        if not any(any(row[len(self.header) :]) for row in sample):
            self.remark(f"{self.name}: its rows end with a delimiter, and the header does not; nothing follows it")
        elif more == 1:
            self._has_row_names = True
            self.header = [*self.header, INDEX]
            self.remark(
                f"{self.name}: its rows have one field more than its header, so the first one is read as {INDEX},"
                " as datasets does"
            )

    def starts(self, file: IO[bytes], offset: int) -> Iterator[int]:
        position = max(offset, self._body)
        while True:
            file.seek(position)
            position = yield from self._plain_starts(file, position)
            file.seek(position)
            lines = _CsvLines(self, file)
            for _ in self._rows(lines):
                yield lines.began
                if not self._is_cr:
                    break
            else:
                return
            position = lines.position

    def _plain_starts(self, file: IO[bytes], position: int) -> Generator[int, None, int]:
        """Yield the bytes at which rows begin that are one line each, and return the byte after them."""
        if self._is_cr:
            return position
        blank = b" \r\n" if self.dialect.delimiter == "\t" else b" \t\r\n"
        quote = b'"' if self.dialect.quotes else b"\n\n"  # which no line has
        last = position
        for line in lines_of(file):
            length = len(line)
            # Nearly all lines have no quote, and a carriage return only before their end.
            is_plain = quote not in line and line.find(b"\r", 0, -2) < 0 and line[-1] == LINE_FEED
            if length > ROW_AT_MOST or not (is_plain or self._is_row(line)):
                return position
            if line[:1] not in blank or line.strip(blank):
                yield position
                last = position
            else:
                self.refuse_blank(position - last)
            position += length
        return position

    def _is_row(self, line: bytes) -> bool:
        """Return whether a line with quotes is a whole row."""
        if line.count(b"\r") != line.endswith(b"\r\n"):
            return False
        try:
            next(csv.reader((line.decode(),), delimiter=self.dialect.delimiter, strict=True))
        except (csv.Error, UnicodeDecodeError):
            return False
        return True

    def records(self, file: IO[bytes], offset: int) -> Iterator[Record]:
        file.seek(max(offset, self._body))
        lines = _CsvLines(self, file)
        header, width = self.header, len(self.header)
        why = ""
        for row in self._rows(lines):
            if isinstance(row, TooLong):
                yield row
            elif len(row) > width and any(row[width:]):
                why = why or self._too_many(row, lines.began)
                yield NoText(why)
            else:
                fields = [None if field in MISSING else field for field in row[:width]]
                if len(fields) < width:
                    fields += [None] * (width - len(fields))
                if self._has_row_names:
                    fields.append(fields.pop(0))
                yield dict(zip(header, fields, strict=True))

    def _too_many(self, row: list[str], position: int) -> str:
        delimiter = "tabs" if self.dialect.delimiter == "\t" else f'"{self.dialect.delimiter}"'
        return (
            f"the row {self.place(position)} of {self.name} has {len(row):,} fields, but the header has"
            f" {len(self.header):,}; quote fields that contain {delimiter}, or choose another --delimiter"
        )

    def features_of(self, file: IO[bytes], samples: list[dict[str, Any]]) -> dict[str, Feature]:
        """Return the columns as pandas types them: numbers and truth values are no text."""
        rows = [["" if row[name] is None else row[name] for name in self.header] for row in samples]
        found = {name: OTHER if other else TEXT for name, other in zip(self.header, typed(rows), strict=True)}
        if TEXT not in found.values():
            with contextlib.suppress(OperationError):  # whoever reads that far is told
                found.update(dict.fromkeys(self._later_texts(file), TEXT))
        return found

    def _later_texts(self, file: IO[bytes]) -> list[str]:
        """Return the columns of the first row that has a text in one that began with numbers."""
        for row in self.records(file, self.content.start):
            if isinstance(row, dict):
                is_number = typed([["" if row[name] is None else row[name] for name in self.header]])
                texts = [name for name, other in zip(self.header, is_number, strict=True) if row[name] and not other]
                if texts or file.tell() > LOOKED_AT:
                    return texts
        return []

    def _rows(self, lines: _CsvLines) -> Iterator[list[str] | TooLong]:
        """Yield the fields of each row. Raises `OperationError` where quotes are wrong beyond repair."""
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if self.dialect.quotes else csv.QUOTE_NONE
        delimiter, is_strict = self.dialect.delimiter, self.dialect.quotes
        last = lines.row
        while True:
            try:
                for row in csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=is_strict):
                    if lines.taken > 1 and not self._has_swallowed and looks_like_rows(row, delimiter, self.header):
                        self._has_swallowed = True
                        self._say_swallowed(lines)
                    lines.end_row()
                    if len(row) > 1 or (row and not lines.first.isspace()):
                        last = lines.began
                        yield row
                    else:
                        self.refuse_blank(lines.row - last)
                    if is_strict != self.dialect.quotes:
                        is_strict = not is_strict
                        break
                else:
                    return
            except _RowIsTooLong:
                yield lines.skip_row()
            except csv.Error as error:
                self._refuse(lines, error)
                lines.again()
                is_strict = False

    def _say_swallowed(self, lines: _CsvLines) -> None:
        """Remark on a quoted field whose lines look like rows: `datasets` reads one text too, but it may be none."""
        self.remark(
            f"a quote that opens {self.place(lines.row)} of {self.name} closes"
            f" {count(lines.taken - 1, 'line')} further down, and those lines look like rows; they are read as one"
            " text, as datasets does (if quotes are part of the text, use --no-quotes)"
        )

    def _refuse(self, lines: _CsvLines, error: csv.Error) -> None:
        """Raise `OperationError` if a quote swallows lines; remark on text that follows a closing quote."""
        where = f"{self.place(lines.row)} of {self.name}"
        if "unexpected end" in str(error):
            raise OperationError(
                f"the quote that opens {where} is never closed; if quotes are part of the text, use --no-quotes"
            ) from error
        if lines.taken > 1:
            raise OperationError(
                f"the quote that opens {where} closes {count(lines.taken - 1, 'line')} further down, before more text;"
                " if quotes are part of the text, use --no-quotes"
            ) from error
        if not any("after a closing quote" in remark for remark in self.remarks):
            self.remark(
                f"{where}: text follows after a closing quote, and the quotes are left out;"
                " if they are part of the text, use --no-quotes"
            )


class _RowIsTooLong(Exception):
    """The lines of one row have more bytes than a row may have."""


class _CsvLines(Iterator[str]):
    """The lines of a file as text; `position` is the byte after the last one taken, `row` that at which a row begins.

    `began` is the byte at which the last whole row began, and `taken` is how many lines the current one has so far,
    `first` the first of them.
    Raises `_RowIsTooLong` if the lines taken since `row` are more than a row may have; `skip_row` goes on from there.
    """

    def __init__(self, source: CsvFile, file: IO[bytes]) -> None:
        self.position = self.row = self.began = file.tell()
        self.taken = 0
        self.first = b""
        self._file = file
        self._source = source
        self._cut: list[bytes] = []
        self._is_cr = source._is_cr

    def __next__(self) -> str:
        room = ROW_AT_MOST - (self.position - self.row)
        if self._cut:
            line = self._cut.pop()
        else:
            line = self._read_cr(room) if self._is_cr else self._file.readline(room + 1)
            if b"\r" in line and line.find(b"\r") < len(line) - (2 if line.endswith(b"\r\n") else 1):
                # A lone carriage return ends a row too.
                line, *self._cut = _LONE.split(line)
                self._cut.reverse()
        if not line:
            raise StopIteration
        if len(line) > room:
            raise _RowIsTooLong
        if not self.taken:
            self.first = line
        self.position += len(line)
        self.taken += 1
        try:
            return line.decode()
        except UnicodeDecodeError:
            return self._source.decoded(line)

    def _read_cr(self, room: int) -> bytes:
        """Return lines that end with carriage returns, the last one whole."""
        line = b""
        while more := self._file.read(min(PIECE, room + 1 - len(line))):
            line += more
            last = line.rfind(b"\r") + 1
            if last:
                self._file.seek(last - len(line), 1)
                return line[:last]
        return line

    def end_row(self) -> None:
        """The lines taken so far are a whole row."""
        self.began, self.row, self.taken = self.row, self.position, 0

    def again(self) -> None:
        """Go back to the first line of the current row."""
        self._file.seek(self.row)
        self.position, self.taken, self._cut = self.row, 0, []

    def skip_row(self) -> TooLong:
        """Go to the end of the row without keeping it: to the end of a line at which no quote is open."""
        self._file.seek(self.row)
        self._cut = []
        quotes = length = 0
        for piece in iter(partial(self._file.readline, PIECE), b""):
            length += len(piece)
            quotes += piece.count(b'"')
            if piece.endswith(b"\n") and (quotes % 2 == 0 or not self._source.dialect.quotes):
                break
            if length > SKIPPED_AT_MOST:
                raise self._source.endless(length)
        self.began, self.position, self.taken = self.row, self.row + length, 0
        self.row = self.position
        return TooLong(length)
