"""Parquet files, read in batches of rows and one column at a time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate, islice
from typing import IO, Any, Final

from encoder_tui.core.text.numbers import decimal_size
from encoder_tui.engine.documents.sources.arrow_values import features_of, unique_names, values_of
from encoder_tui.engine.documents.sources.content import Content, opened
from encoder_tui.engine.documents.sources.parquet_pages import largest_page
from encoder_tui.engine.documents.sources.source import (
    SAMPLED,
    SAMPLED_CHARACTERS,
    NoRows,
    Source,
    TooLong,
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
    """One parquet file; one that is packed, or comes from a pipe, is read from a temporary file."""

    def __init__(self, label: str, content: Content) -> None:
        super().__init__(label)
        import pyarrow  # noqa: PLC0415  # 0.2 s, for parquet alone
        import pyarrow.parquet  # noqa: PLC0415

        self.content = content
        self.name = content.name
        self._is_file = content.is_file()
        self._errors: tuple[type[Exception], ...] = (pyarrow.ArrowException, OSError, ValueError)
        with self._opened() as raw:
            self._as_opened = AsOpened(raw) if self._is_file else None
            try:
                # A directory may hold more shards than a process may open, so each is open only while it is read.
                with pyarrow.parquet.ParquetFile(content.path if self._is_file else raw) as file:
                    self._metadata, schema = file.metadata, file.schema_arrow
            except self._errors as error:
                raise OperationError(
                    f"{self.name} is not a complete parquet file ({one_line(error)}); it may be truncated"
                ) from error
        rows = [self._metadata.row_group(group).num_rows for group in range(self._metadata.num_row_groups)]
        self._ends = list(accumulate(rows))
        self.known = self.total = self._metadata.num_rows
        if not self.known:
            raise NoRows(f"{self.name} holds no rows; name a file with documents")
        self._places = {name: place for place, name in enumerate(unique_names(schema.names))}
        self._leaves = _leaves([field.type for field in schema])
        features = features_of(schema, self)
        self.take_columns([], features)
        tops = dict.fromkeys(column.top for column in self.by_name.values())
        self.take_columns([{name: value} for name in tops for value in self._beginning(name)], features)

    def _opened(self) -> IO[bytes]:
        return opened(self.content.path) if self._is_file else self.content.open()

    def _beginning(self, name: str) -> Iterator[Any]:
        """Yield the values of a column's first rows, as many as fit into memory and lie in one row group."""
        characters = 0
        rows = next(end for end in self._ends if end)
        for row in islice(self.rows(0, [name]), min(rows, SAMPLED)):
            value = row.get(name)
            characters += len(value) if isinstance(value, str) else 0
            yield value
            if characters > SAMPLED_CHARACTERS:
                break

    def _batches(self, group: int, names: Sequence[str]) -> Iterator[Any]:
        """Yield the batches of columns from a row group on, the columns in the order of the file."""
        from pyarrow.parquet import ParquetFile as Reader  # noqa: PLC0415

        # By their numbers, because two columns may have one name, and the name of a field may be that of a column.
        leaves = [leaf for name in names for leaf in self._leaves[self._places[name]]]
        try:
            where = self.content.path if self._is_file else self.content.open()
            with self._opened() as raw, Reader(where, metadata=self._metadata, buffer_size=BUFFER) as file:
                for one in range(group, len(self._ends)):
                    rows = self._rows_at_once(raw, one, leaves)
                    yield from decoded(file, one, leaves, rows)
        except self._errors as error:
            raise OperationError(f"{self.name} is damaged ({one_line(error)})") from error

    def _rows_at_once(self, file: IO[bytes], group: int, leaves: Sequence[int]) -> int:
        """Return how many rows of a group to decode at a time. Raises `OperationError` if a page becomes too large."""
        metadata = self._metadata.row_group(group)
        if max(leaves) >= metadata.num_columns:
            raise ValueError("it lacks a column that its schema names")
        chunks = [metadata.column(leaf) for leaf in leaves]
        largest = folded = 0
        for chunk in chunks:
            page, dictionary = largest_page(file, chunk)
            largest = max(largest, page)
            folded = max(folded, page if "DELTA_BYTE_ARRAY" in chunk.encodings else dictionary)
        if largest > UNFOLDED:
            first = self._ends[group] - metadata.num_rows
            raise OperationError(
                f"rows {first:,} to {self._ends[group] - 1:,} of {self.name} unpack to"
                f" {decimal_size(largest)} at once, more than the {decimal_size(UNFOLDED)} allowed;"
                " write the file with smaller pages"
            )
        return max(1, min(BATCH, FOLDED // folded)) if folded else BATCH

    def reach(self, count: int, job: Job) -> None:
        """All rows are known from the footer."""

    def rows(self, start: int, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        present = sorted({name for name in names if name in self._places}, key=self._places.__getitem__)
        if not present:
            yield from ({} for _ in range(start, self.known))
            return
        for batch, position in self._from(start, present):
            columns = [self._values(batch.column(place), position) for place in range(len(present))]
            yield from (dict(zip(present, values, strict=True)) for values in zip(*columns, strict=True))

    def texts(self, start: int, name: str) -> Iterator[str | None]:
        for row in self.rows(start, [name]):
            value = row.get(name)
            yield value if isinstance(value, str) else None

    def _from(self, start: int, names: Sequence[str]) -> Iterator[tuple[Any, int]]:
        """Yield the batches of columns from a row on, and the number of each one's first row."""
        group = bisect_right(self._ends, start)
        if group == len(self._ends):
            return
        if self._as_opened is not None:
            with self._opened() as file:
                self._as_opened.refuse_another(file, self.name)
        position = self._ends[group - 1] if group else 0
        for batch in self._batches(group, names):
            skip = max(start - position, 0)
            if skip < batch.num_rows:
                yield batch.slice(skip), position + skip
            position += batch.num_rows

    def _values(self, column: Any, start: int) -> Iterator[Any]:
        """Yield the values of a column of a batch, each made when it is needed."""
        return values_of(column, self.name, partial(self._too_long, start), self.remark)

    def _too_long(self, start: int, index: int, size: int) -> None:
        self.leave_out(start + index, TooLong(size), self.name)


def decoded(file: Any, group: int, leaves: Sequence[int], rows: int) -> Iterator[Any]:
    """Yield the columns of a row group, given by their numbers, as record batches of so many rows."""
    found: Iterator[Any] = file.reader.iter_batches(rows, row_groups=[group], column_indices=leaves, use_threads=True)
    return found


def _leaves(types: Sequence[Any]) -> list[list[int]]:
    """Return the numbers of the parquet columns that each column of the schema is stored in."""
    found: list[list[int]] = []
    first = 0
    for one in types:
        count = _leaf_count(one)
        found.append(list(range(first, first + count)))
        first += count
    return found


def _leaf_count(kind: Any) -> int:
    if hasattr(kind, "storage_type"):
        return _leaf_count(kind.storage_type)
    if hasattr(kind, "key_type"):
        return _leaf_count(kind.key_type) + _leaf_count(kind.item_type)
    if hasattr(kind, "index_type"):  # a dictionary
        return 1
    if hasattr(kind, "value_type"):
        return _leaf_count(kind.value_type)
    return sum(_leaf_count(kind.field(place).type) for place in range(kind.num_fields)) if kind.num_fields else 1
