"""A list of texts in every row, read as one document a text."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from encoder_tui.engine.documents.sources.source import Source
from encoder_tui.engine.job import Job

AT_ONCE: Final = 1_000
"""Rows whose texts are counted between two checks for cancellation."""


class EachText(Source):
    """The texts of a column of lists, one after the other; a row may hold any number of them, or none."""

    def __init__(self, source: Source, column: str) -> None:
        super().__init__(source.label)
        self._source = source
        self._chosen = source.chosen(column)
        self.features, self.by_name, self.examples = source.features, source.by_name, source.examples
        self.columns, self.column = source.columns, column
        self.configs, self.config, self.splits, self.split = source.configs, source.config, source.splits, source.split
        self.is_remote = source.is_remote
        self.stands_in_for = source.stands_in_for
        self.remarks = source.remarks  # the same list: what is remarked while rows are read belongs to both
        self.remark(f"each text of {column} is a document; {column.replace('[]', '')} joins those of a row")
        self._ends = array("Q")
        """The number of documents up to and with each row."""

    def reach(self, count: int, job: Job) -> None:
        while self.known < count and self.total is None:
            first = len(self._ends)
            self._source.reach(first + AT_ONCE, job)
            for row in islice(self._source.rows(first, self._chosen.tops), self._source.known - first):
                self.known += len(self._chosen.texts(row))
                self._ends.append(self.known)
            if len(self._ends) == self._source.total:
                self.total = self.known
            job.progress(f"reading {self.label}", self.known, None, "documents")

    def rows(self, start: int, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        row, skipped = self._place(start)
        for one in self._source.rows(row, names):
            texts = self._chosen.texts(one)
            yield from (one for _ in texts[skipped:])
            skipped = max(skipped - len(texts), 0)

    def iterate(self, start: int, column: str) -> Iterator[str | None]:
        row, skipped = self._place(start)
        for one in self._source.rows(row, self._chosen.tops):
            texts = self._chosen.texts(one)
            yield from texts[skipped:]
            skipped = max(skipped - len(texts), 0)

    def _place(self, document: int) -> tuple[int, int]:
        """Return the row that holds a document, as far as known, and how many documents come before it from there."""
        row = bisect_right(self._ends, document)
        return row, document - (self._ends[row - 1] if row else 0)

    def file_of(self, index: int) -> str | None:
        return self._source.file_of(self._place(index)[0])
