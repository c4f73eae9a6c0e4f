"""Several files of one kind as one source (shards)."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from encoder_tui.core.text.numbers import count as counted
from encoder_tui.core.text.safe import without_surrogates
from encoder_tui.engine.documents.sources.columns import columns_of
from encoder_tui.engine.documents.sources.features import NULL, Feature, merged
from encoder_tui.engine.documents.sources.source import NoRows, Source, best_column
from encoder_tui.engine.job import Job

LOOKED_AT: Final = 8
"""How many files determine the columns; more if a column is null in all of these."""

SECONDS: Final = 0.5
"""How long further files are opened to find out what a column holds that is null so far."""


class Joined(Source):
    """Files one after the other; each is opened when its first row is needed, or its columns are.

    A file may lack columns, or hold nothing but nulls in one, or no rows. `names` name the files in rows, and
    `features` say what the columns hold if that is known from elsewhere.
    """

    def __init__(
        self,
        label: str,
        paths: Sequence[Path],
        open_one: Callable[[Path], Source],
        names: Sequence[str] | None = None,
        features: Mapping[str, Feature] | None = None,
    ) -> None:
        super().__init__(label)
        self._paths = paths
        self._names = [without_surrogates(name) for name in names or [path.name for path in paths]]
        self._open = open_one
        self._parts: list[Source | None] = []
        self._ends: list[int] = []
        """The number of rows up to and with each of the first files, as far as they are known to their ends."""
        self._without_rows: list[str] = []
        self._is_described = False
        self._describe(features)
        if not any(self._parts):
            raise NoRows(f"{label} holds no rows; name a folder with documents")
        self._is_described = True
        for index, part in enumerate(self._parts):
            self._compare(index, part)
        self._advance()

    def _describe(self, stated: Mapping[str, Feature] | None) -> None:
        """Find the columns in the first files."""
        features: dict[str, Feature] = {}
        examples: dict[str, str] = {}
        means: dict[str, float] = {}
        deadline = time.monotonic() + SECONDS
        for index in range(len(self._paths)):
            is_enough = index >= LOOKED_AT and any(self._parts)
            if is_enough and (time.monotonic() > deadline or NULL not in features.values()):
                break
            part = self._part(index)
            if part is not None:
                names = dict.fromkeys([*features, *part.features])
                features = {one: merged(features.get(one, NULL), part.features.get(one, NULL)) for one in names}
                examples = {**part.examples, **examples}
                means = {**part.mean_lengths, **means}
        self.features = {**features, **(stated or {})}
        self.by_name = columns_of(self.features)
        self.columns = list(self.by_name)
        self.examples, self.mean_lengths = examples, means
        self.column = best_column(self.by_name, means)

    def _part(self, index: int) -> Source | None:
        """Return a file as a source; None if it has no rows."""
        while index >= len(self._parts):
            place = len(self._parts)
            try:
                part: Source | None = self._open(self._paths[place])
            except NoRows:
                part = None
                self._leave_out(self._names[place])
            if part is not None:
                for sentence in part.remarks:
                    self.remark(sentence)
                part.remarks = self.remarks
            self._parts.append(part)
            if self._is_described:
                self._compare(place, part)
        return self._parts[index]

    def _leave_out(self, name: str) -> None:
        """Remark that files have no rows, in one sentence for all of them."""
        self._without_rows.append(name)
        self.remarks[:] = [one for one in self.remarks if not one.endswith(WITHOUT_ROWS)]
        first, more = self._without_rows[0], "" if len(self._without_rows) == 1 else ", …"
        self.remark(f"{counted(len(self._without_rows), 'file')} of {self.label} ({first}{more}) {WITHOUT_ROWS}")

    def _compare(self, index: int, part: Source | None) -> None:
        """Remark if a file has other columns than the first one, or holds something else in them."""
        first = next(place for place, one in enumerate(self._parts) if one is not None)
        of_first = self._parts[first]
        if part is None or of_first is None or part is of_first:
            return
        name = self._names[index]
        extra = [one for one, feature in part.features.items() if one not in of_first.features and feature != NULL]
        if extra:
            more = ", …" if len(extra) > 1 else ""
            are = "load_dataset refuses such files" if extra[0] in self.features else "they are not shown"
            self.remark(f"{name} has columns that {self._names[first]} lacks ({extra[0]}{more}); {are}")
        for column, feature in part.features.items():
            expected = self.features.get(column, feature)
            if feature.kind != expected.kind and feature != NULL and expected.kind == "text":
                self.remark(f"the column {column} of {name} holds no text; it is read as null")

    def _advance(self) -> None:
        """Count the rows of the files that are known to their ends, and those known of the next one."""
        while len(self._ends) < len(self._parts):
            before = self._ends[-1] if self._ends else 0
            part = self._parts[len(self._ends)]
            self.known = before + (part.known if part is not None else 0)
            if part is not None and part.total is None:
                return
            self._ends.append(before + (part.total or 0 if part is not None else 0))
        self.total = self.known if len(self._ends) == len(self._paths) else None

    def reach(self, count: int, job: Job) -> None:
        while self.known < count and len(self._ends) < len(self._paths):
            place = len(self._ends)
            part = self._part(place)
            if part is not None:
                part.reach(count - (self._ends[-1] if self._ends else 0), job)
            self._advance()
            if place % 64 == 0:
                job.progress(f"reading {self.label}", self.known, None, "rows")

    def rows(self, start: int, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        for part, first in self._from(start):
            yield from part.rows(first, names)

    def texts(self, start: int, name: str) -> Iterator[str | None]:
        for part, first in self._from(start):
            yield from part.texts(first, name)

    def _from(self, start: int) -> Iterator[tuple[Source, int]]:
        """Yield the files from a row on, and the first row to read of each."""
        place = bisect_right(self._ends, start)
        first = start - (self._ends[place - 1] if place else 0)
        for index in range(place, len(self._paths)):
            part = self._part(index)
            if part is not None:
                yield part, first
                first = 0

    def file_of(self, index: int) -> str | None:
        return self._names[bisect_right(self._ends, index)] if len(self._paths) > 1 else None


WITHOUT_ROWS: Final = "left out: no rows"
"""How the remark on files without rows ends."""
