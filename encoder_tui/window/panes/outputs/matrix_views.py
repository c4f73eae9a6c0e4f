"""One output as a matrix, in colours or in numbers."""

from __future__ import annotations

import asyncio
from typing import Literal

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from encoder_tui.core.defaults import BESIDE
from encoder_tui.core.outputs.slices import Window, dimension_names
from encoder_tui.core.text.numbers import count, statistic
from encoder_tui.core.text.safe import visible_piece
from encoder_tui.window.panes.outputs.tensor_view import Look
from encoder_tui.window.panes.outputs.view import ChosenOutput, OutputView
from encoder_tui.window.theme import QUIET
from encoder_tui.window.widgets.heat_colours import NEGATIVE, POSITIVE
from encoder_tui.window.widgets.matrix import Matrix

CLIPPED = 3
"""A colour is full at this many standard deviations from zero: a few dimensions of most encoders have extreme values,
which would otherwise leave all others without colour."""
HIGH = 30
"""From this height in lines, there is room for two matrices."""


class MatrixLook(Look):
    """An output as a matrix."""

    DEFAULT_CSS = """
    MatrixLook Matrix { height: 1fr; }
    """
    kind: Literal["colours", "numbers"] = "colours"

    def compose(self) -> ComposeResult:
        yield Static(classes="title", markup=False)
        yield Matrix(self.kind)
        yield Static(classes="legend", markup=False)

    def show(self) -> None:
        chosen = self.chosen()
        matrix = self.query_one(Matrix)
        if chosen is None:
            self._shown = ()
            matrix.open(0, 0, str, 1.0)
            self.query_one(".title", Static).update(self.nothing())
            self.query_one(".legend", Static).update("")
            return
        self.query_one(".title", Static).update(self.title(chosen))
        # Values can be requested only after the run: the engine works on one request at a time.
        if chosen.run.answer is None or self.key(chosen) == self._shown:
            return
        self._shown = self.key(chosen)
        self._stop()
        self.open(chosen, matrix)

    def open(self, chosen: ChosenOutput, matrix: Matrix) -> None:
        """Give the matrix its size and its colours."""
        output = chosen.output
        far = max(abs(output.min or 0.0), abs(output.max or 0.0)) or 1.0
        limit = min(far, CLIPPED * output.std) if output.std else far
        matrix.open(output.shape[-2], output.shape[-1], lambda row: self.row_label(chosen, row), limit)

    @property
    def why_not_copied(self) -> str:
        """Say why nothing is copied: the engine has the values, and the window requests only those in sight."""
        there = 'tensor values are not copied; w saves them all, and the view "list" copies their statistics'
        return super().why_not_copied if self.chosen() is None else there

    @on(Matrix.Wanted)
    def _wanted(self, event: Matrix.Wanted) -> None:
        """Request the newest window, and cancel the request for an earlier one."""
        event.stop()
        chosen = self.chosen()
        if chosen is not None and chosen.run.answer is not None:
            self._stop()
            self._asking = asyncio.create_task(self._bring(chosen, event.window))

    async def _bring(self, chosen: ChosenOutput, window: Window) -> None:
        cells = await self.look(chosen, window)
        if cells is not None and self.key(chosen) == self._shown:
            self.query_one(Matrix).take(window, *cells.shape, cells.values())
        self._explain()

    @on(Matrix.Moved)
    def _moved(self, event: Matrix.Moved) -> None:
        event.stop()
        self._explain()

    def _explain(self) -> None:
        chosen = self.chosen()
        if chosen is None:
            return
        legend = self.query_one(".legend", Static)
        if self._complaint:
            legend.update(Content.styled(f" {self._complaint}", "$text-error").truncate(self.size.width))
            return
        legend.update(self.legend(chosen, self.query_one(Matrix)).truncate(self.size.width, ellipsis=True))

    def legend(self, chosen: ChosenOutput, matrix: Matrix) -> Content:
        """Return the value under the cursor and the meaning of the colours."""
        rows, columns = matrix.span()
        value = matrix.value
        is_one = len(rows) == len(columns) == 1
        spelled = "…" if value is None else repr(float(f"{value:.9g}")) if is_one else f"mean {statistic(value)}"
        return Content.assemble(
            " ",
            self.where(chosen, rows, columns),
            (f"  {spelled}", "bold"),
            *([] if self.kind == "numbers" else self.colours(matrix)),
            (f"   {self.hint(matrix)}", QUIET),
        )

    def where(self, chosen: ChosenOutput, rows: range, columns: range) -> Content:
        """Return the cell under the cursor in words."""
        names = dimension_names(chosen.output)
        row = f"token {span_words(rows)} {visible_piece(self.row_label(chosen, rows.start))}"
        if len(names) == 2:
            row = "whole text"
        return Content(f"{row}  {'key' if names[-1] == 'keys' else 'hidden'} {span_words(columns)}")

    def colours(self, matrix: Matrix) -> list[Content | tuple[str, str]]:
        """Return the ends of the colour scale."""
        limit = statistic(matrix.full_colour, 2)
        return [
            (f"   -{limit} ", QUIET),
            ("██", NEGATIVE.hex),
            (" 0 ", QUIET),
            ("██", POSITIVE.hex),
            (f" {limit}", QUIET),
        ]

    def hint(self, matrix: Matrix) -> str:
        """Return what a cell holds, and the keys that change it."""
        if self.kind == "numbers":
            return "arrows, page up and down, b and f move"
        if matrix.row_step == matrix.column_step == 1:
            return "" if matrix.is_whole else "- zooms out"
        if self.is_wide:
            return f"a cell: {count(matrix.row_step, 'row')} × {count(matrix.column_step, 'column')}, + zooms in"
        return f"{matrix.row_step:,} × {matrix.column_step:,} per cell"


class NumbersView(MatrixLook):
    """Tokens × hidden dimensions in numbers."""

    kind = "numbers"


class Magnified(NumbersView):
    """The numbers around the cursor of a heatmap."""

    def __init__(self, heatmap: HeatmapView) -> None:
        super().__init__(heatmap.state)
        self._heatmap = heatmap

    def choices(self) -> list[int]:
        return self._heatmap.choices()


class HeatmapView(MatrixLook):
    """Tokens × hidden dimensions in colours; in a large window, with numbers below."""

    DEFAULT_CSS = """
    HeatmapView > Magnified { display: none; height: 1fr; }
    HeatmapView > Magnified > .title { display: none; }
    HeatmapView.-large > Magnified { display: block; }
    """
    _magnified: Magnified | None = None

    def choices(self) -> list[int]:
        return [place for place, chosen in enumerate(self.state.rows()) if len(chosen.output.shape) in {2, 3}]

    def on_resize(self, event: Resize) -> None:
        is_large = event.size.width >= BESIDE and event.size.height >= HIGH
        self.set_class(is_large, "-large")
        if is_large and self._magnified is None:
            self._magnified = Magnified(self)
            self.mount(self._magnified)
        if is_large:
            self.call_after_refresh(self._magnify)

    def show(self) -> None:
        super().show()
        self._magnify()

    def _explain(self) -> None:
        super()._explain()
        self._magnify()

    def _magnify(self) -> None:
        """Show the numbers around the cursor."""
        if self._magnified is not None and self._magnified.display and self._magnified.is_mounted:
            matrix = self.query_one(Matrix)
            self._magnified.show()
            self._magnified.query_one(Matrix).go(matrix.row, matrix.column)

    @on(OutputView.SummaryChanged)
    def _other_chosen(self) -> None:
        """Follow the choice of another output, which the numbers have keys for too."""
        self.show()


def span_words(span: range) -> str:
    """`7`, or `7–12`."""
    return f"{span.start:,}" if len(span) == 1 else f"{span.start:,}–{span.stop - 1:,}"
