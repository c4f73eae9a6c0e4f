"""Several files of one kind as one source (shards)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from encoder_tui.engine.documents.sources.source import Source
from encoder_tui.engine.job import Job


class Joined(Source):
    """Files one after the other. Each is opened when its first row is needed; the first one determines the columns."""

    def __init__(self, label: str, paths: list[Path], open_one: Callable[[Path], Source]) -> None:
        super().__init__(label)
        self._paths = paths
        self._open = open_one
        self._parts: list[Source] = []
        first = self._part(0)
        self.features, self.by_name, self.examples = first.features, first.by_name, first.examples
        self.columns, self.column = first.columns, first.column
        self._count()

    def _part(self, index: int) -> Source:
        if index == len(self._parts):
            self._parts.append(self._open(self._paths[index]))
        return self._parts[index]

    def _count(self) -> None:
        self.known = sum(part.known for part in self._parts)
        is_whole = len(self._parts) == len(self._paths) and all(part.total is not None for part in self._parts)
        self.total = self.known if is_whole else None
        for part in self._parts:
            for sentence in part.remarks:
                self.remark(sentence)

    def reach(self, count: int, job: Job) -> None:
        before = 0
        for index in range(len(self._paths)):
            part = self._part(index)
            part.reach(count - before, job)
            if part.total is None:
                break
            before += part.total
            if before >= count:
                break
        self._count()

    def rows(self, start: int, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        for index in range(len(self._paths)):
            part = self._part(index)
            if start and part.total is not None and start >= part.total:
                start -= part.total
                continue
            yield from part.rows(start, names)
            start = 0

    def texts(self, start: int, name: str) -> Iterator[str | None]:
        for index in range(len(self._paths)):
            part = self._part(index)
            if start and part.total is not None and start >= part.total:
                start -= part.total
                continue
            yield from part.texts(start, name)
            start = 0
