"""Plots as lines of text, with plotext 6: the only module that uses its interface."""

from __future__ import annotations

import itertools
import math
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Span = tuple[str, int | None]
"""A piece of a line, and the colour of its curve; None for axes and empty cells."""

_FIRST_COLOUR: Final = 160
"""The first palette code for colours: plotext gets these codes and returns them in its escape sequences."""
_ESCAPE: Final = re.compile(r"\x1b\[([0-9;]*)m")
_FIGURE: Final = threading.Lock()
"""plotext has one figure per process."""


@dataclass(frozen=True)
class Curve:
    """Points marked with a letter; `bars` holds a low and a high value for each point, or is empty.

    Values that are not finite, or not above zero on a logarithmic axis, are gaps.
    """

    letter: str
    colour: int
    points: Sequence[tuple[float, float]]
    bars: Sequence[tuple[float, float]] = ()
    joined: bool = True


@dataclass(frozen=True)
class Axes:
    """The axes: logarithmic or not, the ticks of x (all of them visible), and the format of a tick of y."""

    x_ticks: Sequence[float]
    y_text: Callable[[float], str]
    log_x: bool = True
    log_y: bool = False
    x_text: Callable[[float], str] = "{:,.0f}".format


def curves(series: Sequence[Curve], axes: Axes, width: int, height: int) -> list[list[Span]]:
    """Return curves as a plot of this width and height; no lines if there is no room or nothing to draw."""
    drawn = [_scaled(curve, axes) for curve in series]
    values = [y for curve in drawn for _, y in curve.points if math.isfinite(y)]
    values += [y for curve in drawn for bar in curve.bars for y in bar if math.isfinite(y)]
    across = [_on(x, axes.log_x) for x in axes.x_ticks] + [
        x for curve in drawn for x, y in curve.points if math.isfinite(x) and math.isfinite(y)
    ]
    across = [x for x in across if math.isfinite(x)]
    if not values or not across or width < 24 or height < 5:
        return []
    y_ticks = log_ticks(min(values), max(values)) if axes.log_y else linear_ticks(max(values))
    y_places = [_on(tick, axes.log_y) for tick in y_ticks]
    left, right = min(across), max(across)
    if left == right:
        left, right = left - 1, right + 1
    labels = [axes.y_text(tick) for tick in y_ticks]
    # The same width for all numbers, so that the plot does not move when they change.
    margin = max(7, *map(len, labels))
    import plotext  # noqa: PLC0415  # a quarter of a second: after the first paint

    with _FIGURE:
        plotext.terminal.limit(False, False)
        figure = plotext.figure
        figure.clear.all()
        figure.canvas("default")
        figure.plot_size(width, height)
        for axis in (0, 1):
            figure.axes(False, axis=axis, side=1)
        for curve in drawn:
            _draw_lines(plotext, curve)
        figure.ruler("x").lim(left, right)
        shown = _far_enough(axes, left, right, max(width - margin - 1, 1))
        figure.ruler("x").ticks([place for place, _ in shown], [text for _, text in shown])
        figure.ruler("y").lim(y_places[0], y_places[-1])
        figure.ruler("y").ticks(y_places, [label.rjust(margin) for label in labels])
        text = str(figure.build())
        figure.clear.all()
    lines = [_spans(line) for line in text.rstrip("\n").split("\n")]
    # Axis and labels take the last two lines, labels and axis the first columns.
    area = _Area((left, right), (y_places[0], y_places[-1]), margin + 1, width - margin - 1, height - 2)
    return _with_letters(lines, drawn, area)


@dataclass(frozen=True)
class _Area:
    """The area between the axes in cells, and the values at its ends."""

    across: tuple[float, float]
    up: tuple[float, float]
    begin: int
    columns: int
    rows: int

    def cell(self, x: float, y: float) -> tuple[int, int]:
        """Return the line and the column where plotext would draw a point."""
        right = (x - self.across[0]) / (self.across[1] - self.across[0])
        up = (y - self.up[0]) / (self.up[1] - self.up[0])
        # Python rounds a half to the even number, plotext does not.
        return self.rows - 1 - int(up * (self.rows - 1) + 0.5), self.begin + int(right * (self.columns - 1) + 0.5)


def _with_letters(lines: list[list[Span]], drawn: Sequence[Curve], area: _Area) -> list[list[Span]]:
    """Write each point's letter over the lines of all curves; beside another letter if the cell is taken."""
    taken: dict[tuple[int, int], Span] = {}
    for curve in drawn:
        for x, y in curve.points:
            if not (math.isfinite(x) and math.isfinite(y)):
                continue
            line, column = area.cell(x, y)
            places = [column + step for step in (0, 1, -1, 2, -2, 3, -3)]
            if not curve.letter.isalpha():
                places = places[:1]
            there = [
                (line, place)
                for place in places
                if area.begin <= place < area.begin + area.columns and _gives_way(taken.get((line, place)), curve)
            ]
            if there:
                taken[there[0]] = curve.letter, curve.colour
    for line in {line for line, _ in taken}:
        cells: list[Span] = [(character, colour) for text, colour in lines[line] for character in text]
        for (where, column), span in taken.items():
            if where == line and column < len(cells):
                cells[column] = span
        groups = itertools.groupby(cells, key=lambda cell: cell[1])
        lines[line] = [("".join(character for character, _ in group), colour) for colour, group in groups]
    return lines


def _gives_way(there: Span | None, curve: Curve) -> bool:
    """Return whether a cell can be overwritten: a sign by a letter, anything by the same."""
    return there is None or there == (curve.letter, curve.colour) or (curve.letter.isalpha() > there[0].isalpha())


def _scaled(curve: Curve, axes: Axes) -> Curve:
    points = [(_on(x, axes.log_x), _on(y, axes.log_y)) for x, y in curve.points]
    bars = [(_on(low, axes.log_y), _on(high, axes.log_y)) for low, high in curve.bars]
    return Curve(curve.letter, curve.colour, points, bars, curve.joined)


def _on(value: float, is_log: bool) -> float:
    """Return a value's position on an axis; NaN if it has none."""
    if not math.isfinite(value) or (is_log and value <= 0):
        return math.nan
    return math.log2(value) if is_log else value


def _marker(plotext: Any, shape: str, curve: Curve) -> Any:
    return plotext.marker(shape).fill(plotext.pixel(foreground=_FIRST_COLOUR + curve.colour))


def _draw_lines(plotext: Any, curve: Curve) -> None:
    """Draw quartile bars and the line over them, interrupted at gaps."""
    figure = plotext.figure
    for (x, y), (low, high) in itertools.zip_longest(curve.points, curve.bars, fillvalue=(math.nan, math.nan)):
        if all(map(math.isfinite, (x, y, low, high))) and low < high:
            figure.draw(figure.segment((x, x), (low, high), marker=_marker(plotext, "│", curve)))
    for is_there, group in itertools.groupby(curve.points, key=lambda point: all(map(math.isfinite, point))):
        piece = list(group)
        if not is_there:
            continue
        xs, ys = [x for x, _ in piece], [y for _, y in piece]
        if curve.joined and len(piece) > 1:
            figure.draw(figure.signal(xs, ys, marker=_marker(plotext, "braille", curve)).lines(True))


def _far_enough(axes: Axes, left: float, right: float, columns: int) -> list[tuple[float, str]]:
    """Return the ticks of x whose labels do not overlap; always the last one, which shows the end of the axis."""
    places = sorted({_on(tick, axes.log_x): axes.x_text(tick) for tick in axes.x_ticks}.items(), reverse=True)
    kept: list[tuple[float, str]] = []
    before = math.inf, 0
    for place, text in places:
        # plotext moves a label at the right edge to the left until it fits.
        column = min((place - left) / (right - left) * columns, columns - len(text) / 2)
        room = (len(text) + before[1]) / 2 + 1
        if before[0] - column >= room:
            kept.append((place, text))
            before = column, len(text)
    return kept[::-1]


def linear_ticks(highest: float, most: int = 5) -> list[float]:
    """Return round numbers from zero to the first at or above the highest value."""
    if not math.isfinite(highest) or highest <= 0:
        return [0.0, 1.0]
    exponent = math.floor(math.log10(highest / (most - 1)))
    for factor in (1, 2, 2.5, 5, 10):
        step = factor * 10.0**exponent
        if step * (most - 1) >= highest * (1 - 1e-9):
            break
    return [step * number for number in range(math.ceil(highest / step * (1 - 1e-9)) + 1)]


def log_ticks(lowest: float, highest: float) -> list[float]:
    """Return powers of ten around values, which are binary logarithms; with twos and fives if there are few."""
    first = math.floor(lowest * math.log10(2) + 1e-9)
    last = max(math.ceil(highest * math.log10(2) - 1e-9), first + 1)
    between = (1, 2, 5) if last - first <= 2 else (1,)
    ticks = [factor * 10.0**power for power in range(first, last) for factor in between] + [10.0**last]
    # A value that differs from a power of ten only by rounding may lie outside all of them.
    below = [tick for tick in ticks if math.log2(tick) <= lowest] or ticks[:1]
    above = [tick for tick in ticks if math.log2(tick) >= highest] or ticks[-1:]
    found = [tick for tick in ticks if below[-1] <= tick <= above[0]]
    return found if len(found) > 1 else ticks


def _spans(line: str) -> list[Span]:
    """Return a line with escape sequences as coloured pieces without them."""
    spans: list[Span] = []
    colour: int | None = None
    at = 0

    def add(text: str) -> None:
        if text:
            spans.append((text, colour))

    for found in _ESCAPE.finditer(line):
        add(line[at : found.start()])
        at = found.end()
        codes = found[1].split(";")
        if codes[:2] == ["38", "5"] and len(codes) > 2:
            code = int(codes[2]) - _FIRST_COLOUR
            colour = code if 0 <= code < 8 else None
        elif codes[0] in {"", "0"}:
            colour = None
    add(line[at:])
    return spans


def histogram(counts: Mapping[int, int], limits: Sequence[int], width: int, height: int) -> list[str]:
    """Return a histogram of lengths on a logarithmic axis, with a line at each limit.

    The axis has powers of two and contains every length and limit; a bar counts the lengths of one column of cells.
    Returns `height` lines of `width` cells, or fewer if nothing was counted.
    """
    limits = [limit for limit in limits if limit > 0]
    lengths = [length for length, number in counts.items() if length > 0 and number]
    if not lengths or width < 20 or height < 4:
        return []
    import plotext  # noqa: PLC0415  # 0.3 s: after the first paint

    first = math.floor(math.log2(min(*lengths, *limits, lengths[0])))
    last = max(math.ceil(math.log2(max(*lengths, *limits, lengths[0]))), first + 1)
    columns = max(width - 10, 8)
    heights = [0] * columns
    for length in lengths:
        place = int((math.log2(length) - first) / (last - first) * columns)
        heights[min(place, columns - 1)] += counts[length]
    middles = [first + (column + 0.5) * (last - first) / columns for column in range(columns)]
    with _FIGURE:
        plotext.terminal.limit(False, False)  # the size of the terminal is not that of the widget
        figure = plotext.figure
        figure.clear.all()
        figure.plot_size(width, height)
        for axis in (0, 1):
            figure.axes(False, axis=axis, side=1)
        for limit in limits:
            figure.line(math.log2(limit), "vertical", relative=True)
        filled = [(middle, number) for middle, number in zip(middles, heights, strict=True) if number]
        xs, ys = [middle for middle, _ in filled], [number for _, number in filled]
        figure.draw(figure.bar(xs, ys, lines=False, width=0.1, marker="█"))
        step = max(1, math.ceil((last - first) * 8 / columns))
        powers = list(range(first, last + 1, step))
        figure.ruler("x").lim(first, last)
        figure.ruler("x").ticks(powers, [f"{2**power:,}" for power in powers])
        most = max(heights)
        figure.ruler("y").lim(0, most)
        figure.ruler("y").ticks([0, most], ["0", f"{most:,}"])
        text: str = plotext.uncolorize(str(figure.build()))
    return [line.rstrip() for line in text.splitlines()]


def bars(positions: Sequence[float], heights: Sequence[float], width: int, height: int) -> list[str]:
    """Return a bar chart of this width and height, axes included, with one bar at each position.

    plotext has one figure per process, which is cleared before and after.
    """
    import plotext  # noqa: PLC0415  # a quarter of a second: after the first paint

    with _FIGURE:
        plotext.terminal.limit(False, False)
        figure = plotext.figure
        figure.clear()
        try:
            figure.plot_size(max(width, 20), max(height, 5))
            figure.draw(figure.bar(list(positions), list(heights), width=1))
            drawn: str = plotext.uncolorize(str(figure.build()))
        finally:
            figure.clear()
    return [line.rstrip() for line in drawn.rstrip("\n").split("\n")]
