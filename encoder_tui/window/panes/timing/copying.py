"""What the Timing pane copies."""

from __future__ import annotations

from encoder_tui.core.text.safe import visible
from encoder_tui.core.timing.run import Run
from encoder_tui.window.panes.timing import results
from encoder_tui.window.widgets.table import Table


def table(run: Run | None, of_view: Table | None) -> str:
    """Return the current view as tab-separated text under a header: its own table, or the table of the plots.

    Return an empty string if there is no table yet, only a sentence, whose row has no first cell.
    """
    if of_view is None:
        return "" if run is None or run.plan.best else results.tsv(run, results.columns(run))
    labels, *rows = of_view.rows()
    has_rows = any(row[0] for row in rows)
    return "".join("\t".join(map(visible, row)) + "\n" for row in (labels, *rows)) if has_rows else ""
