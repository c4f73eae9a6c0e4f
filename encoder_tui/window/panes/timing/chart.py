"""The plot of a run: what is drawn, and the widget that shows it."""

from __future__ import annotations

import math
import textwrap
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from encoder_tui.core.text.numbers import decimal_size
from encoder_tui.core.text.safe import visible
from encoder_tui.core.timing.run import Run
from encoder_tui.window.widgets.model_letters import letter_style
from encoder_tui.window.widgets.plots import Axes, Curve, Span

PLOTS: Final = ("latency", "throughput", "memory", "samples")
SCALES: Final = ("log length", "log both", "linear")


class Chart(Widget, can_focus=True):
    """Draws a finished plot or, if there is nothing to plot, a few sentences."""

    COMPONENT_CLASSES = {"chart--quiet"}
    DEFAULT_CSS = """
    Chart { height: 1fr; width: 1fr; }
    Chart .chart--quiet { color: $text-muted; }
    """

    class Resized(Message):
        """The size changed, so the plot must be built again."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines: list[list[Span]] = []
        self.words: list[str] = []

    def show(self, lines: list[list[Span]], words: list[str]) -> bool:
        """Show a plot, or the words if it has no lines; return False if nothing changes."""
        if lines == self.lines and words == self.words:
            return False
        self.lines, self.words = lines, words
        self.refresh()
        return True

    def _written(self) -> list[str]:
        """Return the words in lines that fit; continued lines are indented."""
        room = max(self.size.width - 3, 20)
        lines: list[str] = []
        for words in self.words:
            indent = " " * (len(words) - len(words[1:].lstrip()) if words[1:2] == " " else 0)
            lines += textwrap.wrap(words, room, subsequent_indent=indent) or [""]
        return lines

    def on_resize(self) -> None:
        self.post_message(self.Resized())

    def render_line(self, y: int) -> Strip:
        quiet = self.get_component_rich_style("chart--quiet")
        segments: list[Segment] = []
        if self.lines:
            for text, colour in self.lines[y] if y < len(self.lines) else []:
                # A cell shared by several curves has one colour; axes are dimmed.
                segments.append(Segment(text, quiet if colour is None else letter_style(self, colour)))
        elif y - 1 in range(len(written := self._written())):
            style = quiet if y > 1 else Style(bold=True)
            goes_on = y == self.size.height - 1 and y < len(written)
            segments = [Segment("  "), Segment("…" if goes_on else visible(written[y - 1]), style)]
        width = self.size.width
        return Strip(segments).crop_extend(0, width, self.rich_style).apply_style(self.rich_style)


def plot_of(run: Run, plot: str, scale: str, row: int, under: Run | None = None) -> tuple[str, list[Curve], Axes]:
    """Return a plot's title, curves (those of the overlay first, with small letters) and axes."""
    if plot == "samples":
        return _samples(run, row)
    batch = run.rows[row].batch if row < len(run.rows) else run.rows[0].batch
    lengths = {float(one.length) for one in run.rows if one.batch == batch}
    columns = range(len(under.columns)) if under is not None else ()
    curves = [_curve(under, column, plot, batch, True) for column in columns if under is not None]
    if not any(curve.points for curve in curves):
        under = None
    curves += [_curve(run, column, plot, batch, False) for column in range(len(run.columns))]
    if under is not None:
        lengths |= {x for curve in curves for x, _ in curve.points}
    rows = f", batch {batch}" if run.plan.batches != [1] else ""
    units = {"latency": tick, "throughput": throughput, "memory": lambda value: decimal_size(round(value))}
    names = {"latency": "latency", "throughput": "real tokens per second", "memory": "peak memory"}
    by = " by sequence length" if under is None else ""
    title = f"{names[plot]}{by}{rows}, {scale}"
    if under is not None:
        when = "another run" if under.environment is None else under.environment.started[:16].replace("T", " ")
        title += f"; small letters: {when}"
    axes = Axes(sorted(lengths), units[plot], log_x=scale != "linear", log_y=scale == "log both")
    return title, curves, axes


def _curve(run: Run, column: int, plot: str, batch: int, is_under: bool) -> Curve:
    slot = run.columns[column].slot
    letter = run.label(column)[0]
    points, bars = [], []
    for row, about in enumerate(run.rows):
        samples = run.samples.get((row, column))
        found = None if samples is None else samples.latency
        if about.batch != batch or samples is None:
            continue
        x, y, bar = float(about.length), math.nan, (math.nan, math.nan)
        if plot == "memory" and samples.peak_memory_bytes is not None:
            y = float(samples.peak_memory_bytes)
        elif plot == "latency" and found is not None:
            y, bar = found.median, (found.first_quartile, found.third_quartile)
        elif plot == "throughput" and found is not None and found.first_quartile > 0:
            tokens = samples.point.real_tokens
            y, bar = tokens / found.median, (tokens / found.third_quartile, tokens / found.first_quartile)
        points.append((x, y))
        bars.append(bar)
    return Curve(letter.lower() if is_under else letter, slot, points, bars, joined=True)


def _samples(run: Run, row: int) -> tuple[str, list[Curve], Axes]:
    """Return the samples of a row in the order in which they were taken, with quartiles at the right edge."""
    curves, most = [], 1
    for column, about in enumerate(run.columns):
        samples = run.samples.get((row, column))
        if samples is None or (found := samples.latency) is None:
            continue
        values = samples.samples_s
        most = max(most, len(values))
        points = [(float(place), value) for place, value in enumerate(values, 1)]
        curves.append(Curve("·", about.slot, points, joined=False))
        middle = (len(values) + 1) / 2
        bars = [(found.first_quartile, found.third_quartile)]
        curves.append(Curve(run.label(column)[0], about.slot, [(middle, found.median)], bars, joined=False))
    step = max(1, most // 6)
    ticks = [1.0, *(float(place) for place in range(step, most + 1, step))]
    words = run.rows[row].words if row < len(run.rows) else "no tokens"
    title = f"samples at {words}, in order"
    return title, curves, Axes(sorted(set(ticks)), tick, log_x=False)


def tick(value: float) -> str:
    """Format a time for an axis: `0`, `2.5 s`, `20 ms`."""
    if value >= 1 or value <= 0:
        return f"{value:g} s"
    return f"{value * 1e3:g} ms" if value >= 1e-3 else f"{value * 1e6:g} µs"


def throughput(value: float) -> str:
    """Format tokens per second for an axis: `2.5k`."""
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"
