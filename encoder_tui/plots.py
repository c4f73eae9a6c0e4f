"""Plots as lines of text, by plotext 6: the one place that knows its interface."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def histogram(counts: Mapping[int, int], limits: Sequence[int], width: int, height: int) -> list[str]:
    """How often each length occurs, on a logarithmic axis of lengths, with a line at each limit.

    The axis is of powers of two and holds every length and limit; a bar stands for the lengths of one
    column of cells. Returns `height` lines of `width` cells, or fewer where nothing was counted.
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
    """A bar chart in so many columns and lines, axes included; one bar at each position.

    plotext has one figure for the whole process, which is cleared before and after.
    """
    import plotext  # noqa: PLC0415  # a quarter of a second: after the first paint

    plotext.terminal.limit(False, False)  # a terminal's size says nothing about a widget's
    figure = plotext.figure
    figure.clear()
    try:
        figure.plot_size(max(width, 20), max(height, 5))
        figure.draw(figure.bar(list(positions), list(heights), width=1))
        drawn: str = plotext.uncolorize(str(figure.build()))
    finally:
        figure.clear()
    return [line.rstrip() for line in drawn.rstrip("\n").split("\n")]
