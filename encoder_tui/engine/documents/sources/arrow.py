"""Arrow files, as `datasets` saves them: a stream of record batches, or a file with an index of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import IO, Any, Final

from encoder_tui.engine.documents.sources.arrow_values import features_of, unique_names, values_of
from encoder_tui.engine.documents.sources.content import Content, opened
from encoder_tui.engine.documents.sources.source import SAMPLED, NoRows, Source, TooLong
from encoder_tui.engine.documents.sources.unchanged import AsOpened
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.server import one_line

MAGIC: Final = b"ARROW1"
"""How a file with an index of its batches begins."""


class ArrowFile(Source):
    """One Arrow file, mapped into memory; a batch is read when one of its rows is.

    One that is packed, or comes from a pipe, is read from a temporary file.
    """

    def __init__(self, label: str, content: Content) -> None:
        super().__init__(label)
        import pyarrow  # noqa: PLC0415  # 0.2 s, for few files

        self.content = content
        self.name = content.name
        self._is_file = content.is_file()
        self._errors: tuple[type[Exception], ...] = (pyarrow.ArrowException, OSError, ValueError)
        self._ends: list[int] = []
        try:
            with self._opened() as file:
                self._as_opened = AsOpened(file) if self._is_file else None
                self._has_index = file.read(len(MAGIC)) == MAGIC
            for batch in self._batches(0):
                self._ends.append(batch.num_rows + (self._ends[-1] if self._ends else 0))
        except self._errors as error:
            raise self._damaged(error) from error
        self.known = self.total = self._ends[-1] if self._ends else 0
        if not self.known:
            raise NoRows(f"{self.name} holds no rows; name a file with documents")
        self._places = {name: place for place, name in enumerate(unique_names(self._schema.names))}
        features = features_of(self._schema, self)
        self.take_columns([], features)
        tops = list(dict.fromkeys(column.top for column in self.by_name.values()))
        self.take_columns(islice(self.rows(0, tops), SAMPLED), features)

    def reach(self, count: int, job: Job) -> None:
        """All rows are known from the beginning."""

    def rows(self, start: int, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        if self._as_opened is not None:
            with self._opened() as file:
                self._as_opened.refuse_another(file, self.name)
        present = [name for name in dict.fromkeys(names) if name in self._places]
        first = bisect_right(self._ends, start)
        position = self._ends[first - 1] if first else 0
        try:
            for batch in self._batches(first):
                skip = max(start - position, 0)
                columns = [self._values(batch, name, skip, position) for name in present]
                if present:
                    yield from (dict(zip(present, values, strict=True)) for values in zip(*columns, strict=True))
                else:
                    yield from ({} for _ in range(batch.num_rows - skip))
                position += batch.num_rows
        except self._errors as error:
            raise self._damaged(error) from error

    def _opened(self) -> IO[bytes]:
        return opened(self.content.path) if self._is_file else self.content.open()

    def _values(self, batch: Any, name: str, skip: int, position: int) -> Iterator[Any]:
        column = batch.column(self._places[name]).slice(skip)
        return values_of(column, self.name, partial(self._too_long, position + skip), self.remark)

    def _too_long(self, start: int, index: int, size: int) -> None:
        self.leave_out(start + index, TooLong(size), self.name)

    def _batches(self, first: int) -> Iterator[Any]:
        """Yield the record batches from one on; those before it are not read."""
        from pyarrow import PythonFile, ipc, memory_map  # noqa: PLC0415

        with memory_map(str(self.content.path)) if self._is_file else PythonFile(self.content.open(), "r") as mapped:
            if self._has_index:
                with ipc.open_file(mapped) as file:
                    self._schema = file.schema
                    yield from map(file.get_batch, range(first, file.num_record_batches))
            else:
                with ipc.open_stream(mapped) as stream:
                    self._schema = stream.schema
                    yield from islice(stream, first, None)

    def _damaged(self, error: Exception) -> OperationError:
        return OperationError(f"{self.name} is not a complete Arrow file ({one_line(error)}); it may be truncated")
