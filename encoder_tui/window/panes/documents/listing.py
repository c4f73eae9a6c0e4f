"""The list of documents, its order and its filter; only visible rows are requested."""

from __future__ import annotations

import asyncio
from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip
from textual.timer import Timer

from encoder_tui.client.client import EngineError, OperationFailed
from encoder_tui.client.collection import Collection, CountedModel
from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.documents.document import lost
from encoder_tui.core.text.numbers import count, share_percent
from encoder_tui.core.text.safe import visible
from encoder_tui.protocol.documents import Row, RowsAnswer
from encoder_tui.protocol.frames import Progress
from encoder_tui.window.panes.documents.arrangement import Arrangement, length_asked
from encoder_tui.window.panes.documents.counting import Counting
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.table import Column, Table, fitted, shortened

KEPT: Final = 4_000
AHEAD: Final = 16
"""Rows to request beyond the visible ones."""
ERROR_SHOWN: Final = 5.0
"""Seconds for which the source's line shows why rows could not be read."""
FILE: Final = 16
"""Cells of a file's name; of a longer one its end is shown."""
DIGITS: Final = 9
"""The most digits of an index: enough for any list."""


class DocumentList(Table):
    """Documents with their characters, tokens and losses, in the requested order."""

    DEFAULT_CSS = """
    DocumentList { height: 30%; min-height: 4; }
    """

    def __init__(self, session: Session, on_progress: Callable[[str], None], on_arranged: Callable[[], None]) -> None:
        """Call `on_progress` with the current work ("" when done), and `on_arranged` when the list changes."""
        self._has_files = False
        super().__init__(self._columns(0), id="list", gap=1)
        self.session = session
        self.collection: Collection | None = None
        self.models: list[CountedModel] = []
        self.slots: list[int] = []
        self.arranged = Arrangement()
        self.order: Sequence[int] | None = None
        self.counting: Counting | None = None
        self.known = 0
        self.total: int | None = None
        self._gone_to = -1
        """The index that the user went to, while it is unknown whether that document exists."""
        self._rows: OrderedDict[int, Row] = OrderedDict()
        self._wanted: set[int] = set()
        self._asking: asyncio.Task[None] | None = None
        self._asked: range = range(0)
        self._error_shown: Timer | None = None
        self._searching: asyncio.Task[None] | None = None
        self.remarks: list[str] = []
        """What the reader of the source remarked on so far."""
        self._on_progress = on_progress
        self._on_arranged = on_arranged

    def _columns(self, models: int) -> list[Column]:
        files = [Column("file", FILE)] if self._has_files else []
        columns = [Column("#", 7, "right"), *files, Column("characters", 10, "right")]
        for index in range(models):
            letter = LETTERS[self.slots[index]]
            columns += [Column(f"{letter} tokens", 9, "right"), Column("lost", 6, "right")]
        return [*columns, Column(" text", 0)]

    def on_unmount(self) -> None:
        self.forget()
        self.stop_searching()

    def forget(self) -> None:
        """Drop all rows."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
        self._end_error()
        self._rows.clear()
        self._wanted.clear()

    def open(self, collection: Collection, sort_wanted: int = 0) -> None:
        """Show another source, or another column of it, in an order that applies once it is counted."""
        self.forget()
        self.collection, self.remarks = collection, []
        self._has_files = collection.answer.has_files
        self.columns = self._columns(len(self.models))
        self.known, self.total = collection.answer.known, collection.answer.total
        self._gone_to = -1
        self.arranged, self.order = Arrangement(sort_wanted=sort_wanted), None
        self.counting = None
        self.cursor = 0
        self.show_again()

    def count_under(self, slots: Sequence[int], models: Sequence[CountedModel]) -> None:
        """Show tokens under these models."""
        if [model.key for model in models] != [model.key for model in self.models] or list(slots) != self.slots:
            self.forget()
        self.slots, self.models = list(slots), list(models)
        self.columns = self._columns(len(models))
        self.show_again()

    def show_again(self) -> None:
        """Show the rows known so far, and one more if it is unknown how many follow."""
        rows = max(self.known, self._gone_to) + 1 if self.total is None else self.total
        if self.order is not None:
            rows = len(self.order)
        self.show_rows(rows if self.collection is not None else 0, self.cells)
        self.refresh()

    def summary(self) -> str:
        """Return the source's number of documents and, if they are filtered or sorted, what is listed."""
        rows = f"{self.known:,} rows so far" if self.total is None else count(self.total, "row")
        return rows if self.arranged.is_everything else self.arranged.summary(self.row_count, rows)

    def render_line(self, y: int) -> Strip:
        """Draw the table; if the filter leaves no document, say so."""
        if y != 1 or self.row_count or self.arranged.rows is None:
            return super().render_line(y)
        so_far = " so far" if self.arranged.is_part else ""
        message = f" no document matches the filter{so_far}: {self.arranged.words}; press f to change it"
        message = fitted(visible(message), self.size.width)
        return self._cropped(Strip([Segment(message, self.get_component_rich_style("table--quiet"))]))

    def go_to_typed(self, typed: str) -> None:
        """Move the cursor to the document whose index was typed; say so if it does not exist."""
        digits = typed.strip().replace(",", "")
        if not digits.isdecimal():
            self.session.notice("an index is a number, 0 for the first document", "warning")
        elif len(digits) > DIGITS:
            self.session.notice(f"an index has {DIGITS} digits at most", "warning")
        elif self.order is None and self.total is None:
            self.go_to(int(digits))
        elif (row := self.row_of(int(digits))) is not None:
            self.cursor = row
        else:
            self.session.notice(f"document {int(digits):,} is not in this list of {self.row_count:,}", "warning")

    def go_to(self, index: int) -> None:
        """Move the cursor to a document, even if its row is not known yet."""
        self._gone_to = index if self.total is None and index >= self.known else -1
        self.show_again()
        self.cursor = index

    def index_of(self, row: int) -> int:
        """Return the index of the document in a row of the list."""
        return row if self.order is None else self.order[row]

    def row_of(self, index: int) -> int | None:
        """Return the row of a document in the list; None if it is not listed."""
        if self.order is None:
            return index if 0 <= index < self.row_count else None
        return self.order.index(index) if index in self.order else None

    def cells(self, row: int) -> Sequence[str]:
        """Return the cells of a row; if they are not here yet, request them."""
        index = self.index_of(row)
        found = self._rows.get(index)
        first = [f"{index:,}", *([_ending("…" if found is None else found.file or "")] if self._has_files else [])]
        if found is None or (self.models and not found.tokens and found.characters is not None):
            self._want(index)
        if found is None:
            words = "…" if self.total is not None or index < self.known else "more rows follow"
            return [*first, *["…"] * (1 + 2 * len(self.models)), f" {words}"]
        if found.characters is None:
            return [*first, "–", *["–"] * (2 * len(self.models)), " (this row holds no text)"]
        figures: list[str] = []
        for place, model in enumerate(self.models):
            tokens = found.tokens[place] if place < len(found.tokens) else None
            counted = () if self.counting is None else self.counting.tokens[place : place + 1]
            if tokens is None and counted and index < len(counted[0]):
                tokens = counted[0][index]
            share = lost(tokens or 0, model.limit, model.special)
            figures += ["…", "…"] if tokens is None else [f"{tokens:,}", share_percent(share) if share else "–"]
        return [*first, f"{found.characters:,}", *figures, f" {' '.join(found.beginning.split())}"]

    def _want(self, index: int) -> None:
        self._wanted.add(index)
        if self._asking is None:
            self._end_error()
            self._asking = asyncio.create_task(self._ask())
        elif index not in self._asked and not self._is_in_sight(self._asked):
            # The rows being fetched are no longer visible.
            self._asking.cancel()
            self._asking = asyncio.create_task(self._ask())

    def _is_in_sight(self, rows: range) -> bool:
        return any(index in rows for index in self._sight())

    def _sight(self) -> list[int]:
        top = self.scroll_offset.y
        return [self.index_of(row) for row in range(top, min(top + self.size.height, self.row_count))]

    async def _ask(self) -> None:
        """Request the visible rows, nearest first, until none is missing."""
        # The rest of this frame needs rows too.
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
            except (OperationFailed, EngineError) as error:
                # Missing rows are requested again when one is drawn, but not at once: that would fail again.
                self.session.notice(str(error), "error")
                self._on_progress(str(error))
                self._error_shown = self.set_timer(ERROR_SHOWN, lambda: self._on_progress(""))
                self._wanted.clear()
                self._asking = None
                return
            self._take(answer)
            self._wanted -= set(self._asked)
            self._take_remarks(answer.remarks)
        self._wanted.clear()
        self._asking = None
        self._on_progress("")

    def _end_error(self) -> None:
        if self._error_shown is not None:
            self._error_shown.stop()
            self._error_shown = None

    def _take_remarks(self, remarks: Sequence[str]) -> None:
        """Notify the user of new remarks: of the first, and of how many more there are, which would hide the texts."""
        new = [remark for remark in dict.fromkeys(remarks) if remark not in self.remarks]
        self.remarks += new
        if new:
            others = f" (and {count(len(new) - 1, 'more remark')}; o shows them)" if len(new) > 1 else ""
            self.session.notice(f"{new[0]}{others}", "warning")

    def _tell(self, progress: Progress) -> None:
        of = "" if progress.total is None else f" of {progress.total:,}"
        self._on_progress(f"{progress.text} {progress.done:,}{of}")

    def _take(self, answer: RowsAnswer) -> None:
        for row in answer.rows:
            self._rows[row.index] = row
            self._rows.move_to_end(row.index)
        while len(self._rows) > KEPT:
            self._rows.popitem(last=False)
        self.learn(answer.known, answer.total)
        self.refresh()

    def counted(self, index: int, tokens: list[int]) -> None:
        """Show the number of tokens of a document that was tokenized for another purpose."""
        row = self._rows.get(index)
        if row is not None and len(tokens) == len(self.models):
            self._rows[index] = msgspec.structs.replace(row, tokens=list(tokens))
            self.refresh()

    def learn(self, known: int, total: int | None) -> None:
        """More rows of the source are known."""
        known, total = max(known, self.known), self.total if total is None else total
        if total is not None and total < known:
            total = None  # the data set's card stated too few rows
        if (known, total) != (self.known, self.total):
            self.known, self.total = known, total
            if total is not None and self._gone_to >= total:
                self.session.notice(f"document {self._gone_to:,} is not in this list of {total:,}", "warning")
            if total is not None or self._gone_to < known:
                self._gone_to = -1
            self.show_again()

    # Order and filter, which depend on the counts as they arrive

    def count_on(self, counting: Counting | None) -> None:
        """Use the lengths that a `Counting` has so far; it keeps adding to them."""
        self.counting = counting
        if counting is not None:
            self.learn(counting.known, counting.counts.total)
            if counting.state == "done":
                self._take_up()

    def sort(self) -> None:
        """Order by index, then by characters, then by tokens under each model; the longest first."""
        if self.counting is None or not self.counting.has_lengths:
            self.session.notice("sorting by length needs counts; press space to count", "warning")
            return
        self.arranged.sort((self.arranged.by + 1) % self._orders)
        self.session.memory.remember(documents_sort=self.arranged.by)
        self._list_from_first()
        self._tell_order()

    def filter(self, typed: str) -> None:
        """List only documents that hold a text, or that are longer or shorter than `> 512` or `< 512`; "" lists all."""
        is_by_length = length_asked(typed) is not None
        if is_by_length and (self.counting is None or not self.counting.has_lengths):
            # A search in progress goes on: nothing replaces it.
            self.session.notice("filtering by length needs counts; press space to count", "warning")
            return
        if self.is_searching:
            self.stop_searching()
            self._on_progress("")
        if not typed.strip():
            self.arranged.filter("", "", None)
            self._list_from_first()
        elif is_by_length and self.counting is not None:
            self._filter_by_length(typed, self.counting)
        elif self.collection is not None:
            self._searching = asyncio.create_task(self._search(self.collection, typed))

    @property
    def is_searching(self) -> bool:
        """Whether documents are being searched for a text."""
        return self._searching is not None and not self._searching.done()

    def stop_searching(self) -> None:
        """Stop searching; what was found stays listed."""
        if self._searching is not None:
            self._searching.cancel()

    async def _search(self, collection: Collection, wanted: str) -> None:
        rows: array[int] = array("I")
        self.arranged.filter(wanted, f'containing "{shortened(visible(wanted), 20)}"', rows, is_part=True)
        self._list_from_first()
        try:
            async for found, reached, is_end in collection.find(wanted):
                rows.extend(found)
                self.arranged.is_part = not is_end
                self._list_again()
                message = f'"{visible(wanted)}" is in {count(len(rows), "document")} of {reached:,}'
                self._on_progress("" if is_end else f"{message}; escape stops")
                if is_end:
                    self.session.notice(message)
        except (OperationFailed, EngineError) as error:
            self._on_progress("")
            self.session.notice(str(error), "error")

    def _filter_by_length(self, typed: str, counting: Counting) -> None:
        letter, lengths = LETTERS[self.slots[0]], counting.tokens[0]
        self.arranged.filter_by_length(typed, lengths, letter, is_part=counting.is_part)
        self._list_from_first()
        sign, than = length_asked(typed) or ("", 0)
        message = f"{count(len(self.arranged.rows or ()), 'document')} of {len(lengths):,} counted have"
        self.session.notice(f"{message} {sign} {than:,} tokens under {letter}")

    def put_off_tokens(self) -> None:
        """The models changed: suspend an order or a filter by their tokens until the new ones have counted."""
        if left := self.arranged.put_off_tokens():
            self._list_again()
            self.session.notice(f"{', '.join(left)}: will be applied again when counting has finished")

    def _take_up(self) -> None:
        """Counting has finished: apply what was suspended, and complete what was partial."""
        arranged, counting, is_waiting = self.arranged, self.counting, self.arranged.is_waiting
        if counting is None or not (is_waiting or arranged.is_done_in_part):
            return
        if arranged.filter_wanted or (arranged.is_by_length and arranged.is_part):
            typed, letter = arranged.filter_wanted or arranged.typed, LETTERS[self.slots[0]]
            arranged.filter_by_length(typed, counting.tokens[0], letter, is_part=counting.is_part)
        arranged.take_up(self._orders)
        self._list_again()
        if is_waiting:
            self._tell_order()

    def _tell_order(self) -> None:
        arranged = self.arranged
        message = []
        if not arranged.is_everything:
            so_far = arranged.is_part if arranged.rows is not None else arranged.is_sorted_in_part
            message.append(count(self.row_count, "document") + (" so far" if so_far else ""))
        if arranged.rows is not None:
            message.append(arranged.words)
        message.append(arranged.first if arranged.by else "in the order of the source")
        self.session.notice(", ".join(message))

    def _list_from_first(self) -> None:
        """List the documents with the current filter and order, and go to the first."""
        self._arrange()
        self.cursor = 0
        self.post_message(self.Moved(self, 0))

    def _list_again(self) -> None:
        """List the documents with the current filter and order; the cursor stays on its document.

        If there was none, or it is no longer listed, the cursor goes to the first.
        """
        held = self.index_of(self.cursor) if self.row_count else -1
        self._arrange()
        self.cursor = self.row_of(held) or 0
        self.post_message(self.Moved(self, self.cursor))

    def _arrange(self) -> None:
        arranged = self.arranged
        lengths = self._lengths(arranged.by)
        if not len(lengths):
            arranged.put_off_order()
        elif arranged.by and self.counting is not None:
            arranged.is_sorted_in_part = self.counting.is_part
            name = "characters" if arranged.by == 1 else f"{LETTERS[self.slots[arranged.by - 2]]} tokens"
            arranged.first = f"most {name} first"
        self.order = arranged.order(lengths)
        self.show_again()
        self._on_arranged()

    @property
    def _orders(self) -> int:
        """The number of orders: of the source, by characters, by the tokens of each model."""
        return 2 + (0 if self.counting is None else len(self.counting.tokens))

    def _lengths(self, by: int) -> Sequence[int]:
        """Return the lengths for an order; empty if they have not been counted."""
        if self.counting is None or not 0 < by < self._orders:
            return ()
        lengths: Sequence[int] = self.counting.characters if by == 1 else self.counting.tokens[by - 2]
        return lengths


def _ending(file: str) -> str:
    """Return a file's name, or the end of a long one."""
    name = visible(file)
    while cell_len(name) > FILE:
        name = f"…{name[max(len(name) - FILE + 1, 2) :]}"
    return name
