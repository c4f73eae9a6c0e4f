"""The interface of all sources of documents: ordered rows with columns of text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from encoder_tui.core.text.numbers import decimal_size
from encoder_tui.core.text.safe import without_surrogates
from encoder_tui.engine.documents.sources.columns import BETWEEN_TEXTS, Chosen, Column, chosen, columns_of
from encoder_tui.engine.documents.sources.features import Feature, of_rows
from encoder_tui.engine.job import Job, OperationError

PREFERRED: Final = ("text", "document", "positive", "content", "passage", "body", "article", "sentence", "pos")
"""Names of columns that hold documents, best first."""

EXAMPLE: Final = 400
"""How many characters of a column's example are kept."""

SAMPLED: Final = 20
"""How many rows are searched for columns."""

SAMPLED_CHARACTERS: Final = 1 << 24
"""Characters after which no more rows are looked at."""

ROW_AT_MOST: Final = 64_000_000
"""Bytes of a row that is read; a longer one is left out. A row is in memory several times over."""


class NoRows(OperationError):
    """The file is in order and has no rows."""


class TooLong(NamedTuple):
    """Takes the place of a row that is longer than `ROW_AT_MOST`: how many bytes it has."""

    size: int


class Source(ABC):
    """Documents in an order.

    `known` rows can be read at once; `total` is None until the last row has been seen, `stated` is the number that
    somebody else states. `features` describes all columns, `by_name` has those of text, `columns` their names, and
    `column` is the one that most likely holds the documents. `examples` and `mean_lengths` describe their texts in the
    first rows. `config` and `split` are those that are read, of `configs` and `splits`. `remarks` collects what people
    should know about the data.
    """

    label: str
    features: dict[str, Feature]
    by_name: dict[str, Column]
    columns: list[str]
    column: str
    examples: dict[str, str]
    mean_lengths: dict[str, float]
    configs: Sequence[str] = ()
    config: str | None = None
    splits: Sequence[str] = ()
    split: str | None = None
    is_remote = False
    stands_in_for: str | None = None

    def __init__(self, label: str) -> None:
        self.label = label
        self.known = 0
        self.total: int | None = None
        self.stated: int | None = None
        self.remarks: list[str] = []
        self._left_out: set[str] = set()

    @abstractmethod
    def reach(self, count: int, job: Job) -> None:
        """Make sure that `count` rows are known, or all if there are fewer. Raises `OperationError`."""

    @abstractmethod
    def rows(self, start: int, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """Yield the rows from `start` on, with at least the named columns; one that is too long is empty.

        `start` is a known row, unless the source is remote. It may take many requests to reach the end, so this takes
        no job: the caller checks for cancellation between rows. Raises `OperationError`.
        """

    def texts(self, start: int, name: str) -> Iterator[str | None]:
        """Yield the texts of one column as `rows` reads it; None for a row without text."""
        return (text_of(row.get(name)) for row in self.rows(start, [name]))

    def iterate(self, start: int, column: str) -> Iterator[str | None]:
        """Yield the documents of a column from a row on; None for a row without text. Raises `OperationError`."""
        chosen = self.chosen(column)
        if chosen.plain is not None:
            return self.texts(start, chosen.plain)
        return (chosen.text(row) for row in self.rows(start, chosen.tops))

    def file_of(self, index: int) -> str | None:
        """Return the file that a row comes from, relative to the source; None if the source has only one."""
        return None

    def expected(self, seen: int = 0) -> int | None:
        """Return the probable number of rows: the stated one, until more have been seen."""
        if self.total is None and self.stated is not None and self.stated < max(seen, self.known):
            return None
        return self.stated if self.total is None else self.total

    def choose(self, column: str | None) -> str:
        """Return the requested column, or the default one. Raises `OperationError` if there is no such column."""
        if column is None:
            return self.column
        self.chosen(column)
        return column

    def chosen(self, column: str) -> Chosen:
        """Return the columns that a name stands for. Raises `OperationError` if there is none such."""
        found = chosen(column, self.by_name)
        if found is None:
            raise OperationError(f"{self.label} has no text column {column}; there {listed(self.columns)}")
        return found

    def remark(self, sentence: str) -> None:
        """Add a remark on the data, once; file names in it need not be valid UTF-8."""
        sentence = without_surrogates(sentence)
        if sentence not in self.remarks:
            self.remarks.append(sentence)

    def leave_out(self, index: int, row: TooLong, file: str) -> None:
        """Add a remark that a row of a file is too long to be read; only for the first such row of each file."""
        if file not in self._left_out:
            self._left_out.add(file)
            self.remark(f"{too_long(index, row, file)}; rows that long are left without text")

    def take_columns(self, samples: Iterable[Mapping[str, Any]], features: Mapping[str, Feature] | None = None) -> None:
        """Find the columns of text by the features, or those of the samples if none are given.

        Samples are the first rows.
        """
        samples = list(samples)
        self.features = dict(of_rows(samples) if features is None else features)
        self.by_name = columns_of(self.features)
        self.examples = {}
        lengths: dict[str, list[int]] = {name: [] for name in self.by_name}
        for row in samples:
            for name, column in self.by_name.items():
                texts = column.texts(row)
                lengths[name] += map(len, texts)
                if texts and not self.examples.get(name):
                    self.examples[name] = (texts[0] if column.is_each else BETWEEN_TEXTS.join(texts))[:EXAMPLE]
        self.mean_lengths = {name: sum(found) / len(found) for name, found in lengths.items() if found}
        self.columns = list(self.by_name)
        self.column = best_column(self.by_name, self.mean_lengths)

    def refuse_without_text(self) -> None:
        """Raise `OperationError` if there is no column of text."""
        if not self.columns:
            names = list(self.features)
            there = f"its columns are {', '.join(names[:8])}" if names else "it has no columns"
            raise OperationError(f"{self.label} has no column of text; {there}")


def too_long(index: int, row: TooLong, file: str) -> str:
    """Return the reason why a row is left out, for people."""
    most = decimal_size(ROW_AT_MOST)
    return f"row {index:,} of {file} has {decimal_size(row.size)}, more than the {most} allowed for a row"


def best_column(columns: Mapping[str, Column], mean_lengths: Mapping[str, float]) -> str:
    """Return the column that most likely holds the documents: by its name, or the first of the long ones.

    A column of the source is preferred to a field inside it, and each text of a list to all of them joined. It is empty
    if there are no columns.
    """
    for is_nested in (False, True):
        for name in PREFERRED:
            for column in columns.values():
                if column.last == name and bool(column.path) == is_nested:
                    return column.name
    longest = max(mean_lengths.values(), default=0)
    outer_first = sorted(columns, key=lambda name: bool(columns[name].path))
    return next((name for name in outer_first if 2 * mean_lengths.get(name, 0) >= longest), "")


def listed(columns: Sequence[str]) -> str:
    """Return the names of the columns, in words."""
    return f"is only {columns[0]}" if len(columns) == 1 else f"are {', '.join(columns)}"


def text_of(value: Any) -> str | None:
    """Return a value of a row as text that can be tokenized and sent; None if it is not text."""
    return without_surrogates(value) if isinstance(value, str) else None
