"""The list of documents: only the rows in sight are asked for."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from rich.segment import Segment
from textual.strip import Strip

from encoder_tui.client.client import EngineError, TaskFailed
from encoder_tui.client.collection import Collection, CountedModel
from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.documents.document import lost, percent
from encoder_tui.core.text.safe import count, visible
from encoder_tui.protocol.documents import Row, RowsAnswer
from encoder_tui.protocol.frames import Progress
from encoder_tui.window.panes.documents.arrangement import Arrangement
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.table import Column, Table, fitted

KEPT: Final = 4_000
AHEAD: Final = 16
"""Rows asked for beyond those in sight, where they follow on them."""


class DocumentList(Table):
    """Documents with their characters, tokens and losses, in the order that was asked for."""

    DEFAULT_CSS = """
    DocumentList { height: 30%; min-height: 4; }
    """

    def __init__(self, session: Session, changed: Callable[[str], None]) -> None:
        """`changed` is called with what is being done whenever rows arrived or the number of rows changed."""
        super().__init__(self._columns(0), id="list", gap=1)
        self.session = session
        self.collection: Collection | None = None
        self.models: list[CountedModel] = []
        self.slots: list[int] = []
        self.limits: list[int | None] = []
        self.arranged = Arrangement()
        self.order: Sequence[int] | None = None
        self.lengths: Sequence[Sequence[int]] = ()
        """Each model's tokens of every row that the counting has passed."""
        self.known = 0
        self.total: int | None = None
        self._gone_to = -1
        """The document that the user wants to see, where nobody knows yet whether there is one."""
        self._rows: OrderedDict[int, Row] = OrderedDict()
        self._wanted: set[int] = set()
        self._asking: asyncio.Task[None] | None = None
        self._asked: range = range(0)
        self._changed = changed

    def _columns(self, models: int) -> list[Column]:
        columns = [Column("#", 7, "right"), Column("characters", 10, "right")]
        for index in range(models):
            letter = LETTERS[self.slots[index]]
            columns += [Column(f"{letter} tokens", 9, "right"), Column("lost", 6, "right")]
        return [*columns, Column(" text", 0)]

    def on_unmount(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Know no row any more."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
        self._rows.clear()
        self._wanted.clear()

    def open(self, collection: Collection, sort_wanted: int = 0) -> None:
        """Show another source, or another column of it, in an order that is taken up once it is counted."""
        self.forget()
        self.collection = collection
        self.known, self.total = collection.answer.known, collection.answer.total
        self._gone_to = -1
        self.arranged, self.order = Arrangement(sort_wanted=sort_wanted), None
        self.lengths = ()
        self.cursor = 0
        self.show_again()

    def count_under(self, slots: Sequence[int], models: Sequence[CountedModel], limits: Sequence[int | None]) -> None:
        """Show tokens under these models."""
        if [model.key for model in models] != [model.key for model in self.models] or list(slots) != self.slots:
            self.forget()
        self.slots, self.models, self.limits = list(slots), list(models), list(limits)
        self.columns = self._columns(len(models))
        self.show_again()

    def show_again(self) -> None:
        """Show as many rows as there are now; one more where it is not known how many follow."""
        rows = max(self.known, self._gone_to) + 1 if self.total is None else self.total
        if self.order is not None:
            rows = len(self.order)
        self.show_rows(rows if self.collection is not None else 0, self.cells)
        self.refresh()

    def sentence(self) -> str:
        """How many documents the source has and, unless that is all of them in its order, what is listed of them."""
        rows = f"{self.known:,} rows so far" if self.total is None else count(self.total, "row")
        return rows if self.arranged.is_everything else self.arranged.sentence(self.row_count, rows)

    def render_line(self, y: int) -> Strip:
        """The table; where a filter left nothing of it, what did so."""
        if y != 1 or self.row_count or self.arranged.rows is None:
            return super().render_line(y)
        so_far = " so far" if self.arranged.is_part else ""
        told = f" no document passes the filter{so_far}: {self.arranged.words}; f changes it"
        told = fitted(visible(told), self.size.width)
        return self._cropped(Strip([Segment(told, self.get_component_rich_style("table--quiet"))]))

    def go_to(self, index: int) -> None:
        """Put the cursor on a document, which may be one that nobody has seen yet."""
        self._gone_to = index if self.total is None and index >= self.known else -1
        self.show_again()
        self.cursor = index

    def index_of(self, row: int) -> int:
        """The document that stands in a row of the list."""
        return row if self.order is None else self.order[row]

    def row_of(self, index: int) -> int | None:
        """The row of the list in which a document stands; None where it is not listed."""
        if self.order is None:
            return index if 0 <= index < self.row_count else None
        return self.order.index(index) if index in self.order else None

    def cells(self, row: int) -> Sequence[str]:
        """A row of the list; one that is not here yet is asked for."""
        index = self.index_of(row)
        found = self._rows.get(index)
        if found is None or (self.models and not found.tokens and found.characters is not None):
            self._want(index)
        if found is None:
            words = "…" if self.total is not None or index < self.known else "more rows follow"
            return [f"{index:,}", *["…"] * (1 + 2 * len(self.models)), f" {words}"]
        if found.characters is None:
            return [f"{index:,}", "–", *["–"] * (2 * len(self.models)), " (this row holds no text)"]
        figures: list[str] = []
        for place, (model, limit) in enumerate(zip(self.models, self.limits, strict=True)):
            tokens = found.tokens[place] if place < len(found.tokens) else None
            if tokens is None and place < len(self.lengths) and index < len(self.lengths[place]):
                tokens = self.lengths[place][index]
            share = lost(tokens or 0, limit, model.special)
            figures += ["…", "…"] if tokens is None else [f"{tokens:,}", percent(share) if share else "–"]
        return [f"{index:,}", f"{found.characters:,}", *figures, f" {' '.join(found.beginning.split())}"]

    def _want(self, index: int) -> None:
        self._wanted.add(index)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        elif index not in self._asked and not self._is_in_sight(self._asked):
            # What is being fetched has been scrolled away from.
            self._asking.cancel()
            self._asking = asyncio.create_task(self._ask())

    def _is_in_sight(self, rows: range) -> bool:
        return any(index in rows for index in self._sight())

    def _sight(self) -> list[int]:
        top = self.scroll_offset.y
        return [self.index_of(row) for row in range(top, min(top + self.size.height, self.row_count))]

    async def _ask(self) -> None:
        """Ask for the rows in sight, the nearest first, until none is missing."""
        # The rest of this frame wants rows too.
        await asyncio.sleep(0.01)
        while self.collection is not None and (indices := [i for i in self._sight() if i in self._wanted]):
            start = indices[0]
            stop = start + 1
            while stop in self._wanted and stop - start < 64:
                stop += 1
            if self.order is None:
                stop += AHEAD
            self._asked = range(start, stop)
            try:
                answer = await self.collection.rows(
                    start, stop - start, self.models, on_partial=self._take, on_progress=self._tell
                )
            except (TaskFailed, EngineError) as error:
                self.session.notice(str(error), "error")
                self._changed(str(error))
                self._asked = range(0)
                # Until the user moves: asking again at once would fail again at once.
                await asyncio.sleep(5)
                break
            self._take(answer)
            self._wanted -= set(self._asked)
            for remark in answer.remarks:
                self._remark(remark)
        self._wanted.clear()
        self._asking = None
        self._changed("")

    def _remark(self, remark: str) -> None:
        said: set[str] = getattr(self, "_said", set())
        self._said = said
        if remark not in said:
            said.add(remark)
            self.session.notice(remark, "warning")

    def _tell(self, progress: Progress) -> None:
        of = "" if progress.total is None else f" of {progress.total:,}"
        self._changed(f"{progress.text} {progress.done:,}{of}")

    def _take(self, answer: RowsAnswer) -> None:
        for row in answer.rows:
            self._rows[row.index] = row
            self._rows.move_to_end(row.index)
        while len(self._rows) > KEPT:
            self._rows.popitem(last=False)
        self.learn(answer.known, answer.total)
        self.refresh()

    def counted(self, index: int, tokens: list[int]) -> None:
        """Take the tokens of a document that was tokenized for another purpose."""
        row = self._rows.get(index)
        if row is not None and len(tokens) == len(self.models):
            self._rows[index] = msgspec.structs.replace(row, tokens=list(tokens))
            self.refresh()

    def learn(self, known: int, total: int | None) -> None:
        """More of the source has been seen."""
        known, total = max(known, self.known), self.total if total is None else total
        if total is not None and total < known:
            total = None  # a data set's card said less than there is
        if (known, total) != (self.known, self.total):
            self.known, self.total = known, total
            if total is not None and self._gone_to >= total:
                self.session.notice(f"document {self._gone_to:,} is not in this list of {total:,}", "warning")
            if total is not None or self._gone_to < known:
                self._gone_to = -1
            self.show_again()
