"""The table of a run; in a large window with more columns, and with every sample of the point under its cursor."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from encoder_tui.core.timing.run import Run
from encoder_tui.window.panes.timing import results
from encoder_tui.window.panes.timing.chart import Chart
from encoder_tui.window.widgets.table import Table


class Figures(Vertical):
    """The table, and the samples of a point, beside the plot of a run."""

    def compose(self) -> ComposeResult:
        yield Table([], id="timing-table")
        yield Chart(id="timing-point")

    @property
    def table(self) -> Table:
        """A row for each length and batch."""
        return self.query_one(Table)

    @property
    def point(self) -> Chart:
        """The samples of the row under the cursor."""
        return self.query_one(Chart)

    def show(self, is_shown: bool, with_point: bool = False) -> None:
        """Show or hide the table, with or without the samples of a point."""
        self.display = self.table.display = is_shown
        self.point.display = with_point
        self.set_class(with_point, "-with-point")

    def take(self, run: Run, width: int | None, is_large: bool) -> None:
        """Show the figures of a run; `width` is that of the plot and the figures, None where they share no line."""
        table = self.table
        room = 0 if width is None else width * 2 // 3 if is_large else width * 6 // 10
        table.columns = results.columns(run, is_large)
        is_detailed = is_large and table.needed <= room
        if not is_detailed:
            table.columns = results.columns(run)
        self.styles.width = "1fr" if width is None else min(table.needed, room)
        rows = [results.table_row(run, row, is_detailed) for row in range(len(run.rows))]
        table.show_rows(len(rows), rows.__getitem__)
