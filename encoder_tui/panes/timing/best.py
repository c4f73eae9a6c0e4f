"""The settings that were tried for each model, and taking those of a line for the session."""

from __future__ import annotations

from typing import Any, Final

from textual.binding import Binding
from textual.message import Message

from encoder_tui.defaults import LETTERS
from encoder_tui.display import seconds, visible
from encoder_tui.panes.timing.results import spread, state
from encoder_tui.timing import Samples
from encoder_tui.timing_best import chosen, standing, verdicts
from encoder_tui.timing_run import Run
from encoder_tui.widgets.key_line import possible_changed
from encoder_tui.widgets.table import Column, Row, Table

COLUMNS: Final = (
    Column("", 3),
    Column("settings", 24),
    Column("median", 9, "right"),
    Column("± IQR", 6, "right"),
    Column("as fast", 7, "right"),
    Column("from float32", 0),
)
NOTHING: Final = (
    "b measures which threads, dtype and attention are the fastest for the text at hand; they will stand here."
)


class BestTable(Table):
    """A line for each model and each of its settings."""

    BINDINGS = [Binding("enter", "take", "Run with these", id="timing.best.take")]

    class Taken(Message):
        """The session is to run with these settings."""

        def __init__(self, settings: dict[str, Any]) -> None:
            super().__init__()
            self.settings = settings

    def __init__(self) -> None:
        super().__init__(COLUMNS, id="timing-best")
        self._run: Run | None = None
        self._is_over = False
        self._lines: list[tuple[int, int]] = []

    def look(self, run: Run | None, is_over: bool) -> None:
        """Show a run that looks for the best settings; the cursor goes to the first model's fastest at its end."""
        had, was_over = self._run, self._is_over
        self._run = run if run is not None and run.plan.best else None
        self._lines = []
        if self._run is not None:
            self._lines = [(row, point.variant) for row, group in enumerate(self._run.groups) for point in group]
        rows = [self._row_of(*line) for line in self._lines] or [["", NOTHING]]
        self.columns = list(COLUMNS) if self._lines else [Column("", 3), Column("", 0)]
        self.show_rows(len(rows), rows.__getitem__, lambda row: not self._lines)
        if had is not self._run:
            self.cursor = 0
            possible_changed(self)
        self._is_over = self._run is not None and is_over
        if self._run is not None and self._is_over and (had is not self._run or not was_over):
            found = verdicts(self._run)
            self.cursor = [column for _, column in self._lines].index(found[0].column) if found else 0
        self.refresh()

    def _row_of(self, row: int, column: int) -> Row:
        run = self._run
        assert run is not None
        about, samples = run.columns[column], run.samples.get((row, column))
        found = run.statistics(row, column)
        cells = [f" {LETTERS[about.slot]}", about.apart]
        if found is None or samples is None:
            reason = "" if samples is None else visible(samples.ended or "")
            return [*cells, "" if reason else state(run, row, column, samples), "", "", reason]
        times = standing(run, row, samples)
        return [
            *cells,
            seconds(found.median),
            spread(found.spread),
            "" if times is None else f"{times:.2f} ×",
            _apart(samples),
        ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key that would do nothing is not offered."""
        return bool(self._lines) if action == "take" else True

    def action_take(self) -> None:
        """Run with the settings of the line under the cursor, in every pane, until the window is closed."""
        if self._run is None or not self._lines:
            return
        settings = chosen(self._run, self._lines[self.cursor][1])
        if settings:
            self.post_message(self.Taken(settings))
        else:
            self.notify("these settings were not tried", severity="warning", markup=False)


def _apart(samples: Samples) -> str:
    if samples.ended is not None:
        return samples.ended
    return "" if samples.distance is None else samples.distance.words()
