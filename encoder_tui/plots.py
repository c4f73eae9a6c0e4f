"""Plots as plain lines of text, by plotext; nothing else here knows plotext."""

from __future__ import annotations

from collections.abc import Sequence


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
