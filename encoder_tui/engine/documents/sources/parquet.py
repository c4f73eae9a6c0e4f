"""Parquet files, read in batches of rows and one column at a time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, islice
from pathlib import Path
from typing import IO, Any, Final

from encoder_tui.core.text.numbers import decimal_size
from encoder_tui.engine.documents.sources.files import opened
from encoder_tui.engine.documents.sources.parquet_pages import largest_page
from encoder_tui.engine.documents.sources.source import (
    ROW_AT_MOST,
    SAMPLED,
    SAMPLED_CHARACTERS,
    Source,
    TooLong,
    text_of,
)
from encoder_tui.engine.documents.sources.unchanged import AsOpened
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.server import one_line

BATCH: Final = 64
"""How many rows are decoded at a time; documents may be long."""

BUFFER: Final = 1 << 20
"""Bytes of a column that are read at a time; pyarrow by itself reads all of a row group's."""

UNFOLDED: Final = 1 << 29
"""Bytes that one page may have once it is decompressed, which it is as a whole. Pages of a thousand books of 400 kB are
smaller."""

FOLDED: Final = 1 << 26
"""Bytes that the rows of a batch may have if each of them can be the whole of a page: repeated from a dictionary, or
with the beginning of the row before."""


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
            raise OperationError(
                f"{path.name} is not a complete parquet file ({one_line(error)}); it may be truncated"
            ) from error
        rows = [self._metadata.row_group(group).num_rows for group in range(self._metadata.num_row_groups)]
        self._ends = list(accumulate(rows))
        self.known = self.total = self._metadata.num_rows
        if not self.known:
            raise OperationError(f"{path.name} holds no rows; name a file with documents")
        texts = [field.name for field in schema if _is_text(pyarrow.types, field.type)]
        if not texts:
            names = ", ".join(schema.names[:8])
            raise OperationError(f"{label} has no column of text; its columns are {names}")
        samples: list[dict[str, str | None]] = [dict.fromkeys(texts, "")]
        for name in texts:
            samples += [{name: text} for text in self._beginning(name)]
        self.take_columns(samples)

    def _beginning(self, column: str) -> Iterator[str]:
        """The texts of a column's first rows, as many as fit into memory and lie in one row group."""
        characters = 0
        rows = next(end for end in self._ends if end)
        for text in islice(self.iterate(0, column), min(rows, SAMPLED)):
            characters += len(text or "")
            if text is not None:
                yield text
            if characters > SAMPLED_CHARACTERS:
                break

    def _texts(self, column: Any, start: int) -> Iterator[str | None]:
        """The texts of a column, from the row of this number on, each made when it is asked for.

        Bytes that are not text, which only damaged writers leave there, become U+FFFD.
        """
        import pyarrow.compute  # noqa: PLC0415

        if pyarrow.types.is_string_view(column.type):
            column = column.cast("large_string")  # whose lengths can be had
        is_dictionary = hasattr(column, "dictionary")
        lengths = pyarrow.compute.binary_length(column.dictionary if is_dictionary else column)
        for index, length in enumerate((lengths.take(column.indices) if is_dictionary else lengths).to_pylist()):
            if length is not None and length > ROW_AT_MOST:
                self.leave_out(start + index, TooLong(length), self.path.name)
                yield None
            else:
                yield self._text(column[index])

    def _text(self, value: Any) -> str | None:
        try:
            return text_of(value.as_py())
        except UnicodeDecodeError:
            self.remark(f"{self.path.name} is not valid UTF-8 everywhere; U+FFFD marks what cannot be read")
            whole: bytes = getattr(value, "value", value).cast("large_binary").as_py()
            return whole.decode("utf-8", "replace")

    def _batches(self, group: int, column: str) -> Iterator[Any]:
        """Yield the batches of a column from a row group on."""
        from pyarrow.parquet import ParquetFile as Reader  # noqa: PLC0415

        try:
            with opened(self.path) as raw, Reader(self.path, metadata=self._metadata, buffer_size=BUFFER) as file:
                for one in range(group, len(self._ends)):
                    rows = self._rows_at_once(raw, one, column)
                    yield from file.iter_batches(rows, row_groups=[one], columns=[column])
        except self._errors as error:
            raise OperationError(f"{self.path.name} is damaged ({one_line(error)})") from error

    def _rows_at_once(self, file: IO[bytes], group: int, column: str) -> int:
        """Return how many rows of a group to decode at a time. Raises `OperationError` if a page becomes too large."""
        metadata = self._metadata.row_group(group)
        everything = [metadata.column(index) for index in range(metadata.num_columns)]
        # pyarrow reads every column whose path begins with this name.
        chunks = [one for one in everything if f"{one.path_in_schema}.".startswith(f"{column}.")]
        if not chunks:
            raise ValueError(f"it has no column {column}, which its schema names")
        largest = folded = 0
        for chunk in chunks:
            page, dictionary = largest_page(file, chunk)
            largest = max(largest, page)
            folded = max(folded, page if "DELTA_BYTE_ARRAY" in chunk.encodings else dictionary)
        if largest > UNFOLDED:
            first = self._ends[group] - metadata.num_rows
            raise OperationError(
                f"rows {first:,} to {self._ends[group] - 1:,} of {self.path.name} unpack to"
                f" {decimal_size(largest)} at once, more than the {decimal_size(UNFOLDED)} allowed;"
                " write the file with smaller pages"
            )
        return max(1, min(BATCH, FOLDED // folded)) if folded else BATCH

    def reach(self, count: int, job: Job) -> None:
        """All rows are known from the footer."""

    def iterate(self, start: int, column: str) -> Iterator[str | None]:
        group = bisect_right(self._ends, start)
        if group == len(self._ends):
            return
        with opened(self.path) as file:
            self._as_opened.refuse_another(file, self.path.name)
        position = self._ends[group - 1] if group else 0
        for batch in self._batches(group, column):
            skip = max(start - position, 0)
            if skip < batch.num_rows:
                yield from self._texts(batch.column(0).slice(skip), position + skip)
            position += batch.num_rows


def _is_text(types: Any, kind: Any) -> bool:
    if types.is_dictionary(kind):
        kind = kind.value_type
    return any(test(kind) for test in (types.is_string, types.is_large_string, types.is_string_view))
