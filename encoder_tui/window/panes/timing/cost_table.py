"""The cost of the current text, and of an average document of the collection, under each model."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.text.numbers import about_seconds, count, seconds
from encoder_tui.core.text.safe import shorten, visible
from encoder_tui.core.timing.cost import TOO_FAR, Cost, collection_costs, costs
from encoder_tui.core.timing.run import Run
from encoder_tui.core.tokens.tokenizer import ModelTokenizer, TokenizationError
from encoder_tui.window.panes.registry import PANES
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.table import Column, Row, Table

MAXIMUM: Final = 20
GUESS: Final = "≈"
"""Shown before seconds at lengths that were not measured."""
UNKNOWN: Final = "–"
"""Shown in place of unknown seconds."""
COLUMNS: Final = (
    Column("", 3),
    Column("how", 0),
    Column("passes", 7, "right"),
    Column("a document", 11, "right"),
    Column("an hour", 11, "right"),
)
TAKEN: Final = 9
"""Cells of the first column, gaps, the margin and a scroll bar, which a sentence cannot use."""
Found = list[Cost] | str
"""The cost of each way to run a document, or the reason why there is none."""


class CostTable(Table):
    """A line for each way to run a document: cut, in windows, or whole."""

    def __init__(self) -> None:
        super().__init__(COLUMNS, id="timing-cost")
        self._kept: dict[object, tuple[object, Found]] = {}

    def look(self, session: Session, run: Run | None, text: str) -> None:
        """Show the costs of the current text and of the collection, from the curves of a run."""
        rows = list(self._rows_of(session, run, text))
        if any(UNKNOWN in row[3:] for row in rows):
            rows.append(_sentence(f"{UNKNOWN} {TOO_FAR}"))
        self.show_rows(len(rows), rows.__getitem__, lambda row: not rows[row][0])
        self.refresh()

    def _rows_of(self, session: Session, run: Run | None, text: str) -> Iterator[Row]:
        if run is None or not run.has_results:
            yield _sentence("Document costs appear here after a sweep; press s to start one.")
            return
        if run.plan.text or run.plan.rows != "full" or all(row.batch != 1 for row in run.rows):
            yield _sentence("Document costs need a sweep with batch size 1 and no padding.")
            return
        yield from self._of_text(session, run, text)
        yield _sentence("")
        yield from self._of_collection(session, run)
        yield _sentence("")
        yield _sentence(f"{GUESS} at lengths that were not measured")

    def _of_text(self, session: Session, run: Run, text: str) -> Iterator[Row]:
        yield _sentence("the current text" if session.document is None else "the current document")
        refused: set[int] = set()
        for index, column in enumerate(run.columns):
            slot = session.slot_of(column.slot)
            ready = None if slot is None else slot.ready
            if ready is None or ready.name != column.name:
                continue
            key = (index, column.name, text, tuple(run.curve(index, 1)))
            if key not in self._kept:
                self._keep(key, _of_one(ready.tokenizer, text, ready.limit, run.curve(index, 1)))
            found = self._kept[key][1]
            if isinstance(found, str):
                # Once per model, whatever settings it was measured with.
                found = "" if column.slot in refused else found
                refused.add(column.slot)
            yield from self._lines(run, index, found)

    def _of_collection(self, session: Session, run: Run) -> Iterator[Row]:
        counts = session.counts
        if counts is None or not counts.documents:
            yield _sentence(f"a collection: Documents ({PANES['documents'].shown_key}) counts its lengths")
            return
        so_far = "" if counts.is_complete and counts.sample is None else ", so far"
        end = f", the mean of {count(counts.documents, 'document')}{so_far}"
        yield _sentence(f"{shorten(visible(counts.source), max(self._room - len(end), 8))}{end}")
        for index, column in enumerate(run.columns):
            counted = next((one for one in counts.models if one.model == column.name), None)
            if counted is None:
                continue
            key = (index, id(counted), counted.total, tuple(run.curve(index, 1)))
            if key not in self._kept:
                found = collection_costs(counted.documents, counted.special, counted.limit, run.curve(index, 1))
                self._keep(key, found, counted)
            yield from self._lines(run, index, self._kept[key][1])

    def _keep(self, key: object, found: Found, of: object = None) -> None:
        """Cache the costs: there may be tens of thousands of lengths.

        The object whose id is in the key is kept too, because another one could get that id later.
        """
        if len(self._kept) >= MAXIMUM:
            self._kept.clear()
        self._kept[key] = of, found

    @property
    def _room(self) -> int:
        """Return the lines of the costs as cells."""
        return max(self.app.size.width - TAKEN, 20)

    def _lines(self, run: Run, index: int, found: Found) -> Iterator[Row]:
        column = run.columns[index]
        letter = f" {LETTERS[column.slot]}"
        if isinstance(found, str):
            for place, line in enumerate(textwrap.wrap(visible(found), self._room)):
                yield [" " if place else letter, line]
            return
        for cost in found:
            how = f"{column.apart}  {cost.how}" if column.apart else cost.how
            passes = f"{cost.passes:,.1f}" if cost.passes % 1 else f"{cost.passes:,.0f}"
            yield [letter, how, passes, *_figures(cost)]


def _sentence(text: str) -> Row:
    return ["", text]


def _of_one(tokenizer: ModelTokenizer, text: str, bound: int | None, curve: Sequence[tuple[float, float]]) -> Found:
    """Return the costs of a text, or why it cannot be tokenized."""
    try:
        encoding = tokenizer.encode([text])[0]
    except TokenizationError as error:
        return str(error)
    return costs(len(encoding), sum(encoding.special_tokens_mask), bound, curve)


def _figures(cost: Cost) -> tuple[str, str]:
    """Return the time of a document and documents per hour; estimates in two digits."""
    if cost.seconds is None:
        return UNKNOWN, UNKNOWN
    hour = 3600 / cost.seconds
    if cost.beyond:
        return f"{GUESS} {about_seconds(cost.seconds)}", f"{GUESS} {_hours(float(f'{hour:.2g}'), 10)}"
    return seconds(cost.seconds), _hours(hour, 100)


def _hours(number: float, whole: float) -> str:
    """Format a number of documents per hour, from `whole` on without a fraction."""
    return f"{number:,.0f}" if number >= whole else f"{number:,.1f}"
