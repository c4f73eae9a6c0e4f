"""Parquet files, read in batches of rows and one column at a time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from encoder_tui.engine.documents.sources.files import opened
from encoder_tui.engine.documents.sources.source import SAMPLED, Source, text_of
from encoder_tui.engine.documents.sources.unchanged import AsOpened
from encoder_tui.engine.job import Job, TaskError
from encoder_tui.engine.server import one_line

BATCH: Final = 64
"""How many rows are decoded at a time; documents may be long."""


class ParquetFile(Source):
    """One parquet file."""

    def __init__(self, label: str, path: Path) -> None:
        super().__init__(label)
        import pyarrow  # noqa: PLC0415  # 0.2 s, for parquet alone
        import pyarrow.parquet  # noqa: PLC0415

        self.path = path
        self._errors: tuple[type[Exception], ...] = (pyarrow.ArrowException, OSError, ValueError)
        with opened(path) as file:
            self._as_opened = AsOpened(file)
        try:
            # A directory may hold more shards than a process may open, so each is open only while it is read.
            with pyarrow.parquet.ParquetFile(path) as file:
                self._metadata, schema = file.metadata, file.schema_arrow
        except self._errors as error:
            raise TaskError(
                f"{path.name} is no whole parquet file ({one_line(error)}); it may have been cut"
            ) from error
        rows = [self._metadata.row_group(group).num_rows for group in range(self._metadata.num_row_groups)]
        self._ends = list(accumulate(rows))
        self.known = self.total = self._metadata.num_rows
        if not self.known:
            raise TaskError(f"{path.name} holds no rows; name a file with documents")
        texts = [field.name for field in schema if _is_text(pyarrow.types, field.type)]
        if not texts:
            names = ", ".join(schema.names[:8])
            raise TaskError(f"{label} has no column of text; its columns are {names}")
        samples: list[dict[str, str | None]] = [dict.fromkeys(texts, "")]
        for batch in self._batches(0, texts):
            columns = [self._texts(column.slice(0, SAMPLED)) for column in batch.columns]
            samples += [dict(zip(texts, row, strict=True)) for row in zip(*columns, strict=True)]
            break
        self.take_columns(samples)

    def _texts(self, column: Any) -> list[str | None]:
        """Return the texts of a column. Bytes that are not valid text, which only broken writers produce, become
        U+FFFD.
        """
        try:
            return [text_of(value) for value in column.to_pylist()]
        except UnicodeDecodeError:
            self.remark(f"{self.path.name} is not valid UTF-8 everywhere; U+FFFD stands for what cannot be read")
            values = column.cast("large_binary").to_pylist()
            return [None if value is None else value.decode("utf-8", "replace") for value in values]

    def _batches(self, group: int, columns: list[str]) -> Iterator[Any]:
        """Yield the batches from a row group on."""
        from pyarrow.parquet import ParquetFile as Reader  # noqa: PLC0415

        groups = list(range(group, len(self._ends)))
        try:
            with Reader(self.path, metadata=self._metadata) as file:
                yield from file.iter_batches(BATCH, row_groups=groups, columns=columns)
        except self._errors as error:
            raise TaskError(f"{self.path.name} is damaged ({one_line(error)})") from error

    def reach(self, count: int, job: Job) -> None:
        """All rows are known from the footer."""

    def iterate(self, start: int, column: str) -> Iterator[str | None]:
        group = bisect_right(self._ends, start)
        if group == len(self._ends):
            return
        with opened(self.path) as file:
            self._as_opened.refuse_another(file, self.path.name)
        skip = start - (self._ends[group - 1] if group else 0)
        for batch in self._batches(group, [column]):
            if skip >= batch.num_rows:
                skip -= batch.num_rows
                continue
            yield from self._texts(batch.column(0).slice(skip))
            skip = 0


def _is_text(types: Any, kind: Any) -> bool:
    if types.is_dictionary(kind):
        kind = kind.value_type
    return any(test(kind) for test in (types.is_string, types.is_large_string, types.is_string_view))
