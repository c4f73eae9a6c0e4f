"""A run as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from encoder_tui.core.text.numbers import decimal_size, factor, seconds
from encoder_tui.core.text.safe import visible
from encoder_tui.core.timing.run import Run
from encoder_tui.core.timing.samples import SPREAD_LIMIT, Samples
from encoder_tui.core.timing.words import WIDE_SPREAD
from encoder_tui.window.widgets.table import Column, Row

DETAILS: Final = ("p90", "cold", "CPU", "peak")
"""Further columns of every point if the table has room."""


def columns(run: Run, detailed: bool = False) -> list[Column]:
    """Return the columns: the length, each median and spread, details if requested, the ratio of the first two."""
    widest = max((len(row.label) for row in run.rows), default=6)
    found = [Column("tokens" if not run.plan.text else "text", max(widest, 6), "right")]
    for column in range(len(run.columns)):
        label = run.label(column)
        shorts = [len(one.short) for (_, place), one in run.samples.items() if place == column]
        wide = max(9, len(label) + 7, *shorts)
        found += [Column(f"{label} median", wide, "right"), Column("± IQR", 6, "right")]
        found += [Column(name, 7, "right") for name in DETAILS if detailed]
    if len(run.columns) > 1:
        found.append(Column(f"{run.label(1)[0]}/{run.label(0)[0]}", 5, "right"))
    return found


def table_row(run: Run, row: int, detailed: bool = False) -> Row:
    """Return the cells of a row, in the order of `columns`."""
    cells = [run.rows[row].label]
    for column in range(len(run.columns)):
        found = run.statistics(row, column)
        samples = run.samples.get((row, column))
        if found is None:
            cells += [state(run, row, column, samples), ""]
        else:
            cells += [seconds(found.median), spread(found.spread)]
        cells += _details(samples) if detailed else []
    if len(run.columns) > 1:
        found = run.ratio((row, 0), (row, 1))
        cells.append("–" if found is None else factor(found.median))
    return cells


def _details(samples: Samples | None) -> list[str]:
    """Return the cells of `DETAILS`; empty if nothing was measured."""
    if samples is None:
        return [""] * len(DETAILS)
    found, cpu = samples.latency, samples.cpu_time
    return [
        "" if found is None else seconds(found.p90),
        "" if samples.cold_s is None else seconds(samples.cold_s),
        "" if cpu is None else seconds(cpu.median),
        "" if samples.peak_memory_bytes is None else decimal_size(samples.peak_memory_bytes),
    ]


def state(run: Run, row: int, column: int, samples: Samples | None) -> str:
    """Return the word shown in place of a median."""
    if column in run.failures:
        return "failed"
    if samples is not None and samples.ended is not None:
        return samples.short or "ended"
    if (row, column) in run.next:
        return "…"
    return "warm-up" if samples is not None and samples.cold_s is not None else "·"


def spread(share: float) -> str:
    """Format the interquartile range as a share of the median, with a mark if it is wide."""
    return f"{WIDE_SPREAD if share > SPREAD_LIMIT else ''}{100 * share:.0f} %"


def tsv(run: Run, header: Sequence[Column]) -> str:
    """Return the table as tab-separated text."""
    rows = [[column.label for column in header], *(list(table_row(run, row)) for row in range(len(run.rows)))]
    return "\n".join("\t".join(map(visible, row)) for row in rows) + "\n"
