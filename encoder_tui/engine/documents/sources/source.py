"""The interface of all sources of documents: ordered rows with columns of text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from encoder_tui.core.text.numbers import decimal_size
from encoder_tui.core.text.safe import without_surrogates
from encoder_tui.engine.job import Job, OperationError

PREFERRED: Final = ("text", "document", "positive", "content", "passage", "body", "article", "sentence")
"""Names of columns that hold documents, best first."""

SAMPLED: Final = 20
"""How many rows are searched for columns."""

SAMPLED_CHARACTERS: Final = 1 << 24
"""Characters after which no more rows are looked at."""

ROW_AT_MOST: Final = 64_000_000
"""Bytes of a row that is read; a longer one is left out. A row is in memory several times over."""


class TooLong(NamedTuple):
    """Takes the place of a row that is longer than `ROW_AT_MOST`: how many bytes it has."""

    size: int


class Source(ABC):
    """Documents in an order.

    `known` rows can be read at once; `total` is None until the last row has been seen, `stated` is the number that
    somebody else states. `remarks` collects what people should know about the data.
    """

    label: str
    columns: list[str]
    column: str
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
    def iterate(self, start: int, column: str) -> Iterator[str | None]:
        """Yield the texts of the rows from `start` on; None for a row without text. Raises `OperationError`.

        `start` is a known row, unless the source is remote. It may take many requests to reach the end, so this takes
        no job: the caller checks for cancellation between rows.
        """

    def expected(self, seen: int = 0) -> int | None:
        """Return the probable number of rows: the stated one, until more have been seen."""
        if self.total is None and self.stated is not None and self.stated < max(seen, self.known):
            return None
        return self.stated if self.total is None else self.total

    def choose(self, column: str | None) -> str:
        """Return the requested column, or the default one. Raises `OperationError` if there is no such column."""
        if column is None:
            return self.column
        if column not in self.columns:
            raise OperationError(f"{self.label} has no text column {column}; there {listed(self.columns)}")
        return column

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

    def take_columns(self, samples: Sequence[Mapping[str, Any]]) -> None:
        """Find the columns of text in the first rows. Raises `OperationError` if there are none."""
        texts: dict[str, list[int]] = {}
        for row in samples:
            for name, value in row.items():
                if isinstance(value, str):
                    texts.setdefault(name, []).append(len(value))
        if not texts:
            names = list(dict.fromkeys(name for row in samples for name in row))
            there = f"its columns are {', '.join(names[:8])}" if names else "it has no columns"
            raise OperationError(f"{self.label} has no column of text; {there}")
        self.columns = list(texts)
        self.column = best_column({name: sum(lengths) / len(lengths) for name, lengths in texts.items()})


def too_long(index: int, row: TooLong, file: str) -> str:
    """Return the reason why a row is left out, for people."""
    most = decimal_size(ROW_AT_MOST)
    return f"row {index:,} of {file} has {decimal_size(row.size)}, more than the {most} allowed for a row"


def best_column(mean_lengths: Mapping[str, float]) -> str:
    """Return the column that most likely holds the documents: by its name, or the first of the long ones."""
    for name in PREFERRED:
        if name in mean_lengths:
            return name
    longest = max(mean_lengths.values())
    return next(name for name, length in mean_lengths.items() if 2 * length >= longest)


def listed(columns: Sequence[str]) -> str:
    """Return the names of the columns, in words."""
    return f"is only {columns[0]}" if len(columns) == 1 else f"are {', '.join(columns)}"


def text_of(value: Any) -> str | None:
    """Return a value of a row as text that can be tokenized and sent; None if it is not text."""
    return without_surrogates(value) if isinstance(value, str) else None
