"""The settings that were tried for each model; those of a line can be used for the session."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from textual.binding import Binding
from textual.message import Message

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.text.numbers import factor, seconds
from encoder_tui.core.text.safe import visible
from encoder_tui.core.timing.best import chosen, standing
from encoder_tui.core.timing.pruning import NOT_TRIED
from encoder_tui.core.timing.run import Run
from encoder_tui.core.timing.samples import Samples
from encoder_tui.core.timing.words import failures
from encoder_tui.window.panes.timing.results import spread, state
from encoder_tui.window.widgets.key_line import possible_changed
from encoder_tui.window.widgets.table import Column, Table

COLUMNS: Final = (
    Column("", 3),
    Column("settings", 24),
    Column("median", 9, "right"),
    Column("± IQR", 6, "right"),
    Column("as fast", 7, "right"),
    Column("from float32", 0),
)
SPREAD: Final = 3
"""The index of the column that is left out in a narrow window."""
FAILED: Final = -1
"""Used in place of a row for settings that failed."""
NARROW: Final = 100
NOTHING: Final = "Press b to find the fastest threads, dtype and attention for the current text."


class BestTable(Table):
    """One line for each setting of each model."""

    BINDINGS = [
        Binding(
            "enter",
            "take",
            "Run with these",
            id="timing.best.take",
            tooltip="Run with these settings, in every pane, until the window is closed",
        )
    ]

    class Taken(Message):
        """The user chose to run with these settings."""

        def __init__(self, settings: dict[str, Any]) -> None:
            super().__init__()
            self.settings = settings

    def __init__(self) -> None:
        super().__init__(COLUMNS, id="timing-best")
        self._run: Run | None = None
        self._is_over = False
        self._lines: list[tuple[int, int, int]] = []

    def look(self, run: Run | None, is_over: bool) -> None:
        """Show a search for the best settings; at its end the cursor goes to the first model's fastest."""
        had, was_over = self._run, self._is_over
        self._run = run if run is not None and run.plan.best else None
        self._is_over = self._run is not None and is_over
        self._lines = [] if self._run is None else [*_lines_of(self._run, self._is_over)]
        rows = [self._row_of(*line) for line in self._lines] or [["", NOTHING]]
        self.columns = list(COLUMNS) if self._lines else [Column("", 3), Column("", 0)]
        if self._lines and self.app.size.width < NARROW:
            del self.columns[SPREAD]
            for row in rows:
                del row[SPREAD : SPREAD + 1]
        self.show_rows(len(rows), rows.__getitem__, lambda row: not self._lines or rows[row][2:3] == [""])
        if had is not self._run:
            possible_changed(self)
        if had is not self._run or was_over != self._is_over:
            self.cursor = next((place for place, line in enumerate(self._lines) if line[0] != FAILED), 0)
        self.refresh()

    def _row_of(self, row: int, column: int, others: int) -> list[str]:
        run = self._run
        assert run is not None
        about, samples = run.columns[column], run.samples.get((row, column))
        found = run.statistics(row, column)
        letter = f" {LETTERS[about.slot]}"
        if row == FAILED:
            # Name the settings if the model ran with others.
            is_whole = others + 1 == sum(1 for one in run.columns if one.slot == about.slot)
            what = "" if is_whole else f"{about.apart} and {others} more: " if others else f"{about.apart}: "
            return [letter, f"{what}{run.failures[column]}"]
        if others:
            return [letter, f"{others} more", "", "", "", "not tried: one of their parts alone is slower"]
        if found is None or samples is None:
            reason = "" if samples is None else visible(samples.ended or "")
            return [letter, about.apart, "" if reason else state(run, row, column, samples), "", "", reason]
        times = standing(run, row, samples)
        how = "" if times is None else f"{factor(times)} ×"
        is_first = column == run.groups[row][0].variant
        return [letter, about.apart, seconds(found.median), spread(found.spread), how, _apart(samples, is_first)]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide a key that would do nothing."""
        return bool(self._lines) if action == "take" else True

    def action_take(self) -> None:
        """Run with the settings of the line under the cursor, in every pane, until the window is closed."""
        if self._run is None or not self._lines:
            return
        row, column, others = self._lines[self.cursor]
        settings = {} if others or row == FAILED else chosen(self._run, column)
        if settings:
            self.post_message(self.Taken(settings))
        else:
            self.notify("these settings were not tried", severity="warning", markup=False)


def _lines_of(run: Run, is_over: bool) -> Iterator[tuple[int, int, int]]:
    """Return row, column, and for the last line of a model the number of settings that were not tried.

    Failures come first, in `FAILED` as its row, with the number of further settings that failed for the same reason.
    The others follow, fastest first once all is measured; until then in the order in which they are tried.
    """
    for columns in failures(run).values():
        yield FAILED, columns[0], len(columns) - 1
    for row, group in enumerate(run.groups):
        columns = [point.variant for point in group if point.variant not in run.failures]
        left = [column for column in columns if _was_not_tried(run, row, column)]
        shown = [column for column in columns if column not in left]
        if is_over:
            medians = {column: run.statistics(row, column) for column in shown}
            shown.sort(key=lambda column: math.inf if (said := medians[column]) is None else said.median)
        yield from ((row, column, 0) for column in shown)
        if left:
            yield row, left[0], len(left)


def _was_not_tried(run: Run, row: int, column: int) -> bool:
    samples = run.samples.get((row, column))
    return samples is not None and (samples.ended or "").startswith(NOT_TRIED)


def _apart(samples: Samples, is_first: bool) -> str:
    far = samples.distance
    if samples.ended is not None or far is None:
        return samples.ended or ("current settings" if is_first else "")
    if far.largest is None or far.cosine is None:
        return far.words()
    return f"≤ {far.largest:.1g}, cosine {far.cosine:.6f}"
