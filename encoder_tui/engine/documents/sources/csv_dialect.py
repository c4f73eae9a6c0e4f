"""How a file of delimited fields is written: its delimiter, its quotes, and whether its first row names the columns."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from encoder_tui.core.text.safe import visible
from encoder_tui.protocol.documents import SourceSpec

DELIMITERS: Final = (",", ";", "\t", "|")
"""Delimiters that are recognized, the most frequent first."""

NONE: Final = "\0"
"""Takes the place of a delimiter in a file of one column."""

_NOT_A_NUMBER: Final = (
    "#N/A",
    "#N/A N/A",
    "#NA",
    "-1.#IND",
    "-1.#QNAN",
    "-NaN",
    "-nan",
    "1.#IND",
    "1.#QNAN",
    "NaN",
    "nan",
)

MISSING: Final = frozenset(("", "<NA>", "N/A", "NA", "NULL", "None", "n/a", "null", *_NOT_A_NUMBER))
"""Fields that pandas, and so `datasets`, takes for missing values, quoted or not."""

_NUMBER: Final = re.compile(r"\s*[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|inf|Inf|infinity)\s*")
_DIGITS: Final = re.compile(r"\d+")
WORD: Final = 40
"""Characters of the longest field that is taken for a name or a number of a row."""

LOOKED_AT: Final = 1 << 20
"""Characters of a row of several lines that are searched for rows it may have swallowed."""

_BOOLEANS: Final = frozenset({"True", "TRUE", "true", "False", "FALSE", "false"})


class Dialect(NamedTuple):
    """How the fields of a file are written. `remarks` say what was guessed otherwise than datasets reads it."""

    delimiter: str
    quotes: bool
    header: bool
    remarks: list[str]


def dialect_of(sample: str, suffix: str, spec: SourceSpec, is_whole: bool) -> Dialect:
    """Guess from the first lines of a file what the request does not say; `is_whole` says that there are no more."""
    usual = "\t" if suffix in {".tsv", ".tab"} else ","
    delimiter = spec.delimiter or _delimiter(sample, usual)
    rows = _rows(sample, delimiter, quotes=spec.quotes is not False)
    needs_quotes = _needs_quotes(sample, delimiter)
    is_broken = _breaks(sample, delimiter, is_whole)
    header = spec.header
    if header is None:
        # Without a header, quotes in a table with tabs are usually part of the text: look at it both ways.
        header = not _is_data(
            rows if needs_quotes and not is_broken else _rows(sample, delimiter, quotes=False), delimiter
        )
    quotes = spec.quotes
    if quotes is None:
        quotes = not (delimiter == "\t" and (is_broken or not (header or needs_quotes)))
    remarks = []
    if spec.delimiter is None and delimiter != usual:
        named = "no character" if delimiter == NONE else repr(delimiter)
        what = "has one column" if delimiter == NONE else f"has fields separated by {named}"
        remarks.append(f"it {what}, while datasets expects {usual!r} (--delimiter names another)")
    if spec.header is None and not header:
        remarks.append("its first row is read as a document, while datasets takes it for names (--header overrules it)")
    if spec.header is None and header and rows and (_is_prose(rows[0]) or _resembles(rows, delimiter)):
        first = visible(rows[0][-1][:40])
        remarks.append(
            f'its first row ("{first}…") is taken for the names of the columns; --no-header makes it a document'
        )
    if spec.quotes is None and not quotes:
        remarks.append("its quotes are read as part of the text (--quotes overrules it)")
    return Dialect(delimiter, quotes, header, remarks)


def typed(rows: Sequence[Sequence[str]]) -> list[bool]:
    """Return for each column whether its fields are numbers or truth values, as pandas decides."""
    width = max(map(len, rows), default=0)
    found = []
    for place in range(width):
        fields = [row[place] for row in rows if place < len(row) and row[place] not in MISSING]
        is_number = bool(fields) and all(_NUMBER.fullmatch(field) for field in fields)
        found.append(is_number or (bool(fields) and all(field in _BOOLEANS for field in fields)))
    return found


def column_names(header: Sequence[str]) -> list[str]:
    """Return the names of columns as pandas gives them: without a name `Unnamed: 0`, repeated ones `text.1`."""
    names: list[str] = []
    times: Counter[str] = Counter()
    taken = set(header)
    for place, field in enumerate(header):
        name = base = field or f"Unnamed: {place}"
        while times[name]:
            times[base] += 1
            name = f"{base}.{times[base] - 1}"
            if name in taken and not times[name]:
                times[name] = 1
        times[name] += 1
        names.append(name)
    return names


def looks_like_rows(row: Sequence[str], delimiter: str, header: Sequence[str]) -> bool:
    """Return whether each line of a row of several lines has as many fields as the header, and one column has a number
    or one and the same word, digits aside, on all of them: an open quote may have swallowed rows.
    """
    more = len(header) - 1
    text = delimiter.join(row)
    lines = text[:LOOKED_AT].rstrip("\r\n").splitlines()
    if len(text) > LOOKED_AT:
        lines.pop()  # which may not be whole
    if not more or len(lines) < 2 or any(line.count(delimiter) != more for line in lines):
        return False
    return any(
        all(map(_NUMBER.fullmatch, fields))
        or (len({_DIGITS.sub("0", one) for one in fields}) == 1 and _is_word(fields[0]))
        for fields in zip(*(line.split(delimiter) for line in lines), strict=True)
    )


def _is_word(field: str) -> bool:
    return 0 < len(field) <= WORD and not any(map(str.isspace, field))


def _delimiter(sample: str, usual: str) -> str:
    """Return the delimiter with which every row has as many fields as the first one, the usual one if there are two."""
    found = {}
    for one in dict.fromkeys([usual, *DELIMITERS]):
        widths = [len(row) for row in _rows(sample, one, quotes=one != "\t", most=50)]
        if widths and widths[0] > 1:
            found[one] = (len(set(widths)) == 1, widths[0])
    steady = [one for one, (is_steady, _) in found.items() if is_steady]
    if usual in found and (usual in steady or not steady):
        return usual
    if steady:
        return max(steady, key=lambda one: found[one][1])
    return max(found, key=lambda one: found[one][1]) if found else (NONE if usual == "," else usual)


def _rows(sample: str, delimiter: str, quotes: bool, most: int | None = None) -> list[list[str]]:
    lines = [line for line in io.StringIO(sample, newline="") if line.strip()][:most]
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
    try:
        return [row for row in csv.reader(lines, delimiter=delimiter, quoting=quoting) if row]
    except csv.Error:
        return []


def _breaks(sample: str, delimiter: str, is_whole: bool) -> bool:
    """Return whether text follows a closing quote, or a quote of a whole file is never closed."""
    try:
        for _ in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, strict=True):
            pass
    except csv.Error as error:
        return is_whole or "unexpected end" not in str(error)
    return False


def _needs_quotes(sample: str, delimiter: str) -> bool:
    """Return whether some field is quoted because it has to be: it holds a delimiter, a line end or a quote."""
    mark = re.escape(delimiter)
    quoted = re.finditer(rf'(?:^|(?<={mark}))"((?:[^"]|"")*)"(?=$|{mark}|\r?\n)', sample, re.MULTILINE)
    return any(re.search(rf'{mark}|\n|""', found[1]) for found in quoted)


def _is_data(rows: list[list[str]], delimiter: str) -> bool:
    """Return whether the first row is one of data: it has a number where all others have, beside a text of words."""
    if not rows:
        return False
    first = rows[0]
    if delimiter == "\t" and any(len(field) > 80 for field in first):
        return True
    numbers = typed(rows[:200])
    words = 2 if delimiter == "\t" else 3
    has_number = any(is_number and _NUMBER.fullmatch(field) for field, is_number in zip(first, numbers, strict=False))
    return has_number and any(len(field.split()) >= words for field in first)


def _resembles(rows: list[list[str]], delimiter: str) -> bool:
    """Return whether the first row may be one of data too: it has a word that all others have too, but for its digits;
    or three words in a field of a table with tabs, whose names seldom have any spaces.
    """
    for fields in zip(*rows[:200], strict=False):
        shapes = {_DIGITS.sub("0", field) for field in fields}
        if len(fields) > 1 and len(shapes) == 1 and "0" in shapes.pop() and _is_word(fields[0]):
            return True
    return delimiter == "\t" and any(len(field.split()) > 2 for field in rows[0])


def _is_prose(first: Sequence[str]) -> bool:
    return any(len(field) > 40 and len(field.split()) > 5 for field in first)
