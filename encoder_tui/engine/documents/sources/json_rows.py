"""Rows in JSON: a value on every line, the elements of an array, or an object that holds the rows or the columns."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, Final, NamedTuple

import msgspec

from encoder_tui.core.text.safe import without_surrogates
from encoder_tui.engine.documents.sources.content import Content
from encoder_tui.engine.documents.sources.features import TEXT, Feature, of_rows
from encoder_tui.engine.documents.sources.files import SKIPPED_AT_MOST, Record, RecordFile, lines_of
from encoder_tui.engine.documents.sources.json_columns import is_time, leave_out_times, look_ahead
from encoder_tui.engine.documents.sources.source import ROW_AT_MOST, SAMPLED, Source, TooLong
from encoder_tui.engine.job import Job, OperationError

WHOLE_AT_MOST: Final = 1 << 28
"""Bytes of the largest object that is read as a whole."""

CHUNK: Final = 1 << 18
"""Bytes of an array that are decoded at a time."""

NEAR: Final = 16
"""Characters before the end of what has been read within which an error may come from reading on too late."""

_UNREADABLE: Final = re.compile("[\udc80-\udcff]")
_IN_STRING: Final = re.compile(rb'["\\]')
_OUTSIDE: Final = re.compile(rb'["\[\]{}]')
_DECODER: Final = json.JSONDecoder()


def open_json(label: str, content: Content, field: str | None = None) -> Source:
    """Open JSON lines, one array, or one object: with the rows in a field, or with columns that are lists.

    `field` is the key of the object that holds the rows. Raises `OperationError`.
    """
    with content.open() as file:
        beginning = file.read(1 << 12).lstrip()[:1]
        if beginning == b"[" and field is None and not _is_lines(content):
            return JsonArray(label, content)
        if field is None and (beginning != b"{" or _is_lines(content)):
            return JsonLines(label, content)
    return _open_object(label, content, field)


def _is_lines(content: Content) -> bool:
    """Return whether the first line is a whole value and others follow, or the name says that lines are meant."""
    is_named = content.suffix in {".jsonl", ".jsonlines", ".ndjson"}
    with content.open() as file:
        line = next((one for one in lines_of(file) if one.strip()), b"")
        if not line.endswith(b"\n") and len(line) > ROW_AT_MOST:
            return is_named
        more = next((piece for piece in iter(lambda: file.read(1 << 12), b"") if piece.strip()), b"")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return is_named and not line.startswith(b"[")
    return bool(more) or (is_named and isinstance(value, dict))


def _open_object(label: str, content: Content, field: str | None) -> Source:
    """Open a file of one object."""
    data = content.read(WHOLE_AT_MOST)
    if data is None:
        return JsonArray(label, content, field=field, is_object=True)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        if field is None:
            return JsonLines(label, content)  # which says where it is not valid
        raise OperationError(f"{content.name} is not valid JSON ({error})") from error
    if field is not None:
        held = value.get(field) if isinstance(value, dict) else None
        if not isinstance(held, (list, dict)):
            names = ", ".join(map(str, value)) if isinstance(value, dict) else "none, for it is no object"
            raise OperationError(
                f"{content.name} has no rows in a field {field}; its fields are {without_surrogates(names)}"
            )
        if isinstance(held, list):
            return JsonArray(label, content, field=field, is_object=True)
        value = held
    rows = _rows_of_columns(value)
    if rows is not None:
        table = JsonTable(label, rows)
        if field is None:
            table.remark(
                f"{content.name} is one object of columns; each value is read as a row, while datasets reads one row"
            )
        return table
    held_in = [name for name, of in value.items() if isinstance(of, list) and of and isinstance(of[0], dict)]
    if (
        field is None
        and len(held_in) == 1
        and not any(isinstance(of, list) for name, of in value.items() if name != held_in[0])
    ):
        source = JsonArray(label, content, field=held_in[0], is_object=True)
        source.remark(
            f"{content.name} is one object; the rows of its field {without_surrogates(held_in[0])} are read,"
            " while datasets reads one row (--field names another)"
        )
        return source
    return JsonTable(label, [value])


def _rows_of_columns(value: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Return the rows of an object of columns: lists of equal length, or objects with the numbers of the rows."""
    columns = list(value.values())
    if not columns:
        return None
    if all(isinstance(one, list) for one in columns):
        if len({len(one) for one in columns}) != 1 or any(
            isinstance(of, (list, dict)) for one in columns for of in one[:SAMPLED]
        ):
            return None
        return [dict(zip(value, cells, strict=True)) for cells in zip(*columns, strict=True)]
    if all(isinstance(one, dict) and one and one.keys() == columns[0].keys() for one in columns):
        numbers = list(columns[0])
        if [str(place) for place in range(len(numbers))] == numbers:
            return [{name: one[number] for name, one in value.items()} for number in numbers]
    return None


class JsonLines(RecordFile):
    """An object, a string or an array on every line; blank lines are not rows, and null is a row without values."""

    sampled = SAMPLED

    def features_of(self, file: IO[bytes], samples: list[dict[str, Any]]) -> dict[str, Feature]:
        features = of_rows(samples)
        if len(samples) >= SAMPLED:
            file.seek(self.content.start)
            with contextlib.suppress(OperationError):  # whoever reads that far is told
                look_ahead(file, features)
        times = [
            name
            for name, feature in features.items()
            if feature == TEXT and all(is_time(f'"{row[name]}"') for row in samples if row.get(name) is not None)
        ]
        if times:
            file.seek(self.content.start)
            leave_out_times(file, features, times)
        return features

    def is_record(self, line: bytes) -> bool:
        return bool(line.strip())

    def records(self, file: IO[bytes], offset: int) -> Iterator[Record]:
        file.seek(offset)
        position = last = offset
        for line in lines_of(file):
            length = self.length(line, file)
            if length > ROW_AT_MOST:
                yield TooLong(length)
            elif self.is_record(line):
                yield self._record(line, position)
                last = position
            else:
                self.refuse_blank(position - last)
            position += length

    def _record(self, line: bytes, position: int) -> dict[str, Any]:
        text = self.decoded(line)
        try:
            value = msgspec.json.decode(text)
        except (ValueError, RecursionError):
            # Lone surrogates and NaN are not valid JSON, but Python writes and reads them.
            try:
                value = json.loads(text)
            except (ValueError, RecursionError) as error:
                # Its position is relative to this line, counted from 1.
                why = error.msg if isinstance(error, json.JSONDecodeError) else error
                raise OperationError(
                    f"{self.name} is not valid JSON at byte {position:,}, {self.place(position)} ({why})"
                ) from error
            value = _named(value)
        if isinstance(value, dict):
            return value
        if isinstance(value, list):
            return {str(place): of for place, of in enumerate(value)}
        if value is None or isinstance(value, str):
            return {} if value is None else {"text": value}
        raise OperationError(
            f"{self.name} has no JSON object at byte {position:,}, {self.place(position)}, so it has no columns"
        )


class _Element(NamedTuple):
    """A value of an array: the byte at which it begins."""

    position: int
    value: Any


class JsonArray(RecordFile):
    """A file of one array, or of one object with the rows in a field, of which it never holds more than a part.

    If `is_object` is set and no `field` is named, the rows are those of the first field that holds objects.
    """

    def __init__(self, label: str, content: Content, field: str | None = None, is_object: bool = False) -> None:
        self._field = field
        self._is_object = is_object
        self._first = 0
        super().__init__(label, content)

    def prepare(self, file: IO[bytes]) -> None:
        reading = _Reading(self, file, self.content.start)
        self._first = reading.find_field(self._field) if self._is_object else reading.enter()

    def starts(self, file: IO[bytes], offset: int) -> Iterator[int]:
        return (element.position for element in self._elements(file, offset))

    def records(self, file: IO[bytes], offset: int) -> Iterator[Record]:
        for _, value in self._elements(file, offset):
            if isinstance(value, (dict, TooLong)):
                yield _named(value)
            else:
                yield {} if value is None else {"text": value}

    def _elements(self, file: IO[bytes], offset: int) -> Iterator[_Element]:
        return _Reading(self, file, max(offset, self._first)).elements(is_last=not self._is_object)


class _Reading:
    """Reads JSON values one after the other from a byte of a file on."""

    def __init__(self, source: JsonArray, file: IO[bytes], offset: int) -> None:
        file.seek(offset)
        self._source = source
        self._file = file
        self._text = ""
        self._at = 0  # the next character in the text
        self._byte = offset  # the byte of that character
        self._rest = b""  # bytes of a character that has not been read whole
        self._is_end = False

    def enter(self) -> int:
        """Go behind the opening bracket of an array, and return the byte there. Raises `OperationError`."""
        self._expect("[")
        return self._byte

    def find_field(self, field: str | None) -> int:
        """Go into the array in a field of an object, and return the byte there; of the first one that holds objects if
        no field is named. Raises `OperationError`.
        """
        self._expect("{")
        while self._peek() != "}":
            name = self._value()
            self._expect(":")
            if self._peek() == "[" and field in {None, name}:
                begins = self._byte
                self._expect("[")
                inside = self._byte
                if field is not None or self._peek() == "{":
                    return inside
                self._go_to(begins)
            self._skip() if field != name and self._peek() in {"[", "{"} else self._value()
            if self._peek() == ",":
                self._expect(",")
        wanted = "" if field is None else f" {field}"
        raise OperationError(f"{self._source.name} has no rows in a field{wanted}; name it with --field")

    def elements(self, is_last: bool) -> Iterator[_Element]:
        """Yield the elements of the array, from the first byte of one of them on; nothing follows it if it `is_last`.

        Raises `OperationError`.
        """
        while (character := self._peek()) != "]":
            if not character:
                raise self._broken("it ends inside the array")
            position = self._byte
            yield _Element(position, self._value())
            if self._peek() != "]":
                self._expect(",")
                if self._peek() == "]":
                    raise self._broken("a comma before the end of the array")
        if is_last:
            self._expect("]")
            if self._peek():
                raise self._broken("more follows after the array")

    def _peek(self) -> str:
        """Return the next character that is no white space, without taking it; "" at the end."""
        while True:
            for at in range(self._at, len(self._text)):
                if self._text[at] not in " \t\r\n":
                    self._take(at)
                    return self._text[at]
            self._take(len(self._text))
            if not self._more():
                return ""

    def _expect(self, wanted: str) -> None:
        if self._peek() != wanted:
            raise self._broken(f"expecting {wanted!r}")
        self._take(self._at + 1)

    def _value(self) -> Any:
        """Take a value; one that is too long is left out."""
        self._peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except RecursionError as error:
                raise self._broken("nested too deeply") from error
            except json.JSONDecodeError as error:
                is_cut = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - NEAR
                if not is_cut or self._is_end:
                    raise self._broken(error.msg) from error
                end = len(self._text)
                value = None
            if self._is_end or end < len(self._text) - NEAR:
                position = self._byte
                self._take(end)
                return TooLong(self._byte - position) if self._byte - position > ROW_AT_MOST else value
            if len(self._text) - self._at > ROW_AT_MOST:
                return self._skip()
            self._more()

    def _skip(self) -> TooLong:
        """Go behind an array, an object or a string without keeping it."""
        begins = position = self._byte
        depth = 0
        is_text = False
        self._file.seek(position)
        while piece := self._file.read(CHUNK):
            at = 0
            while found := (_IN_STRING if is_text else _OUTSIDE).search(piece, at):
                at = found.end()
                mark = found[0]
                if mark == b"\\":
                    if at == len(piece):
                        piece += self._file.read(1)
                    at += 1
                elif mark == b'"':
                    is_text = not is_text
                else:
                    depth += 1 if mark in b"[{" else -1
                if not depth and not is_text:
                    self._go_to(position + at)
                    return TooLong(self._byte - begins)
            position += len(piece)
            if position - begins > SKIPPED_AT_MOST:
                raise self._source.endless(position - begins)
        self._go_to(position)
        raise self._broken("it ends inside a value")

    def _go_to(self, byte: int) -> None:
        self._file.seek(byte)
        self._text, self._rest, self._at, self._byte, self._is_end = "", b"", 0, byte, False

    def _take(self, at: int) -> None:
        taken = self._text[self._at : at]
        self._byte += len(taken) if taken.isascii() else len(taken.encode("utf-8", "surrogateescape"))
        self._at = at

    def _more(self) -> bool:
        """Read on; return whether there was more."""
        kept = self._text[self._at :]
        data = self._rest + self._file.read(max(CHUNK, len(kept)))
        self._is_end = len(data) == len(self._rest)
        whole = len(data)
        if not self._is_end:
            # The last character may not have been read whole.
            while whole and len(data) - whole < 3 and data[whole - 1] & 0xC0 == 0x80:
                whole -= 1
            whole = whole - 1 if whole and data[whole - 1] & 0xC0 == 0xC0 else len(data)
        text, self._rest = data[:whole].decode("utf-8", "surrogateescape"), data[whole:]
        if not text.isascii() and _UNREADABLE.search(text):
            self._source.remark(f"{self._source.name} is not valid UTF-8 everywhere; U+FFFD marks what cannot be read")
        self._text, self._at = kept + text, 0
        return bool(text) or not self._is_end

    def _broken(self, why: str) -> OperationError:
        return OperationError(
            f"{self._source.name} is not valid JSON at byte {self._byte:,}, {self._source.place(self._byte)} ({why})"
        )


class JsonTable(Source):
    """Rows of a file of one object, which was read as a whole."""

    def __init__(self, label: str, rows: list[dict[str, Any]]) -> None:
        super().__init__(label)
        self._rows = [_named(row) for row in rows]
        self.take_columns(self._rows)
        self.known = self.total = len(self._rows)

    def reach(self, count: int, job: Job) -> None:
        """All rows are known from the beginning."""

    def rows(self, start: int, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        return iter(self._rows[start:])


def _named(row: Any) -> Any:
    """Return a row with column names that can be sent."""
    return {without_surrogates(name): value for name, value in row.items()} if isinstance(row, dict) else row
