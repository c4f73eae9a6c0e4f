"""What every source of documents is: rows in an order, with columns of text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from encoder_tui.core.tokens.decoding import without_surrogates
from encoder_tui.engine.job import Job, TaskError

PREFERRED: Final = ("text", "document", "positive", "content", "passage", "body", "article", "sentence")
"""Names of columns that hold the documents, best first."""

SAMPLED: Final = 20
"""Rows that columns are looked for in."""


class Source(ABC):
    """Documents in an order.

    `known` rows can be read at once; `total` is None until the last one has been seen, `stated` is what somebody
    says it will be. `remarks` collects what people should know of the data.
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

    @abstractmethod
    def reach(self, count: int, job: Job) -> None:
        """See to it that `count` rows are known, or all there are. Raises `TaskError`."""

    @abstractmethod
    def iterate(self, start: int, column: str) -> Iterator[str | None]:
        """The texts of the rows from `start` on, None where a row has none. Raises `TaskError`.

        `start` is a row that is known, unless the source is remote. It may take many requests until the end is
        reached, so it knows no job: whoever reads looks for cancellation between rows.
        """

    def expected(self, seen: int = 0) -> int | None:
        """How many rows there seem to be; what is stated holds until more have been seen."""
        if self.total is None and self.stated is not None and self.stated < max(seen, self.known):
            return None
        return self.stated if self.total is None else self.total

    def choose(self, column: str | None) -> str:
        """The column that was wished for, or the default one; raises `TaskError` where there is no such column."""
        if column is None:
            return self.column
        if column not in self.columns:
            raise TaskError(f"{self.label} has no text column {column}; there {listed(self.columns)}")
        return column

    def remark(self, sentence: str) -> None:
        """Say something of the data, once; names of files in it may be no UTF-8."""
        sentence = without_surrogates(sentence)
        if sentence not in self.remarks:
            self.remarks.append(sentence)

    def take_columns(self, samples: Sequence[Mapping[str, Any]]) -> None:
        """Find the columns of text in the first rows; raises `TaskError` where there are none."""
        texts: dict[str, list[int]] = {}
        for row in samples:
            for name, value in row.items():
                if isinstance(value, str):
                    texts.setdefault(name, []).append(len(value))
        if not texts:
            names = list(dict.fromkeys(name for row in samples for name in row))
            there = f"its columns are {', '.join(names[:8])}" if names else "it has no columns"
            raise TaskError(f"{self.label} has no column of text; {there}")
        self.columns = list(texts)
        self.column = best_column({name: sum(lengths) / len(lengths) for name, lengths in texts.items()})


def best_column(mean_lengths: Mapping[str, float]) -> str:
    """The column that most likely holds the documents: by its name, or the first of the long ones."""
    for name in PREFERRED:
        if name in mean_lengths:
            return name
    longest = max(mean_lengths.values())
    return next(name for name, length in mean_lengths.items() if 2 * length >= longest)


def listed(columns: Sequence[str]) -> str:
    """The columns that there are, in words."""
    return f"is only {columns[0]}" if len(columns) == 1 else f"are {', '.join(columns)}"


def text_of(value: Any) -> str | None:
    """A value of a row as a text that can be tokenized and sent; None where it is none."""
    return without_surrogates(value) if isinstance(value, str) else None
