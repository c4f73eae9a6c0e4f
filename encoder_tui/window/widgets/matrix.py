"""A matrix of any size, as colours or as numbers; only visible values are requested."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, Literal

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.events import Click
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from encoder_tui.core.outputs.slices import Window
from encoder_tui.core.text.safe import visible, visible_piece
from encoder_tui.window.widgets import heat_colours
from encoder_tui.window.widgets.table import fitted

GUTTER: Final = 18
"""Cells for a row's index and its label."""
NUMBER: Final = 11
REMEMBERED: Final = 200_000
"""Cells that are kept for scrolling back."""


class Matrix(Widget, can_focus=True):
    """Rows by columns with a cursor; `Wanted` requests the visible cells, `take` receives them."""

    COMPONENT_CLASSES = {"matrix--quiet", "matrix--cursor", "matrix--outside"}
    DEFAULT_CSS = """
    Matrix { height: 1fr; }
    Matrix .matrix--quiet { color: $text-muted; }
    Matrix .matrix--outside { color: $text-muted; }
    Matrix .matrix--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    """
    BINDINGS = [
        Binding("up,k", "move(-1, 0)", "Up", show=False, id="move.up"),
        Binding("down,j", "move(1, 0)", "Down", show=False, id="move.down"),
        Binding("left,h", "move(0, -1)", "Left", show=False, id="move.left"),
        Binding("right,l", "move(0, 1)", "Right", show=False, id="move.right"),
        Binding("pageup,ctrl+u", "page(-1, 0)", "Page up", show=False, id="move.page-up"),
        Binding("pagedown,ctrl+d", "page(1, 0)", "Page down", show=False, id="move.page-down"),
        Binding("shift+left,b", "page(0, -1)", "Page left", show=False, id="move.page-left"),
        Binding("shift+right,f", "page(0, 1)", "Page right", show=False, id="move.page-right"),
        Binding("home,g", "edge(-1)", "First row", show=False, id="move.first"),
        Binding("end,G", "edge(1)", "Last row", show=False, id="move.last"),
        Binding("plus,equals_sign", "zoom(1)", "Zoom in", id="outputs.zoom-in", tooltip="Show fewer values per cell"),
        Binding("minus", "zoom(-1)", "Zoom out", id="outputs.zoom-out", tooltip="Show more values per cell"),
        Binding("0", "fit", "Whole", show=False, id="outputs.whole", tooltip="Show the whole matrix"),
    ]

    class Wanted(Message):
        """The cells of a window are needed."""

        def __init__(self, matrix: Matrix, window: Window) -> None:
            super().__init__()
            self.matrix = matrix
            self.window = window

    class Moved(Message):
        """The cursor has moved, or its value has arrived."""

    def __init__(self, kind: Literal["colours", "numbers"], id: str | None = None) -> None:
        super().__init__(id=id)
        self._kind = kind
        self._cell_width = 1 if kind == "colours" else NUMBER
        self.rows = self.columns = 0
        self.row = self.column = 0
        self.row_step = self.column_step = 1
        self.limit = 1.0
        self.exponent = 1.0
        self._shrinks = True
        self._top = self._left = 0
        self._cells: dict[tuple[int, int], float] = {}
        self._wanted: Window | None = None
        self._label: Callable[[int], str] = str
        self._is_outside: Callable[[int, int], bool] = lambda row, column: False
        self._is_fitted = True
        self._styles: list[Style] = []

    def open(
        self,
        rows: int,
        columns: int,
        label: Callable[[int], str],
        limit: float,
        exponent: float = 1.0,
        is_outside: Callable[[int, int], bool] | None = None,
        shrinks: bool = True,
    ) -> None:
        """Show another matrix; the cursor and the zoom stay if the shape is the same.

        Values of `limit` and more have the full colour; `exponent` is the power of the value that sets the colour.
        Means of many columns are nearer to zero, by the square root of their number if the columns are independent;
        with `shrinks` the limit shrinks in the same way.
        `is_outside(row, column)` marks values that do not exist by design.
        """
        if (rows, columns) != (self.rows, self.columns):
            self.row = self.column = self._top = self._left = 0
            self._is_fitted = True
        self.rows, self.columns, self._label, self.limit = rows, columns, label, limit
        self.exponent = exponent
        self._shrinks = shrinks
        self._is_outside = is_outside or (lambda row, column: False)
        self._forget()

    def _forget(self) -> None:
        self._cells.clear()
        self._wanted = None
        self._settle()

    def take(self, window: Window, height: int, width: int, values: Sequence[float]) -> None:
        """Receive requested cells."""
        if (window.row_step, window.column_step) != (self.row_step, self.column_step):
            return
        if len(self._cells) > REMEMBERED:
            self._cells.clear()
        top, left = window.row // self.row_step, window.column // self.column_step
        for y in range(height):
            for x in range(width):
                self._cells[top + y, left + x] = values[y * width + x]
        self.refresh()
        self.post_message(self.Moved())

    @property
    def value(self) -> float | None:
        """The value under the cursor, or the mean of the cell's values; None until it has arrived."""
        return self._cells.get((self.row // self.row_step, self.column // self.column_step))

    @property
    def is_whole(self) -> bool:
        """Whether all of the matrix is in sight."""
        return self.rows <= self._height * self.row_step and self.columns <= self._width * self.column_step

    @property
    def full_colour(self) -> float:
        """The value with the full colour at this zoom."""
        return self.limit / math.sqrt(self.column_step) if self._shrinks else self.limit

    def span(self) -> tuple[range, range]:
        """The rows and the columns of the cell under the cursor."""
        row = self.row // self.row_step * self.row_step
        column = self.column // self.column_step * self.column_step
        return (
            range(row, min(row + self.row_step, self.rows)),
            range(column, min(column + self.column_step, self.columns)),
        )

    # Geometry, in cells

    @property
    def _height(self) -> int:
        return max(self.size.height - 1, 1)

    @property
    def _width(self) -> int:
        return max((self.size.width - GUTTER) // self._cell_width, 1)

    def on_resize(self) -> None:
        self._settle()

    def _fit(self) -> None:
        """The steps that make the whole matrix visible."""
        if self._kind == "colours":
            self.row_step = max(-(-self.rows // self._height), 1)
            self.column_step = max(-(-self.columns // self._width), 1)

    def _settle(self) -> None:
        """Scroll to the cursor, and request visible cells that are not known."""
        if not self.rows or not self.columns or not self.size.width:
            self.refresh()
            return
        before = self.row_step, self.column_step
        if self._is_fitted:
            self._fit()
        if before != (self.row_step, self.column_step):
            self._cells.clear()
            self._wanted = None
        self._top = _follow(self.row // self.row_step, self._top, self._height, -(-self.rows // self.row_step))
        columns = -(-self.columns // self.column_step)
        self._left = _follow(self.column // self.column_step, self._left, self._width, columns)
        row, column = self._top * self.row_step, self._left * self.column_step
        window = Window(row, column, self.row_step, self.column_step, self._height, self._width)
        if window != self._wanted:
            self._wanted = window
            self.post_message(self.Wanted(self, window))
        self.refresh()
        self.post_message(self.Moved())

    # Keys

    def action_move(self, rows: int, columns: int) -> None:
        """Move the cursor by cells."""
        self.go(self.row + rows * self.row_step, self.column + columns * self.column_step)

    def action_page(self, rows: int, columns: int) -> None:
        """Move the cursor by pages."""
        self.action_move(rows * self._height, columns * self._width)

    def action_edge(self, side: int) -> None:
        """Go to the first or the last row."""
        self.go(0 if side < 0 else self.rows - 1, self.column)

    def go(self, row: int, column: int) -> None:
        """Put the cursor on a value, or on the nearest existing one."""
        self.row = min(max(row, 0), max(self.rows - 1, 0))
        self.column = min(max(column, 0), max(self.columns - 1, 0))
        self._settle()

    def action_zoom(self, step: int) -> None:
        """Halve or double the number of values per cell, up to the whole matrix."""
        if self._kind == "numbers":
            return
        row_step, column_step = self.row_step, self.column_step
        self._fit()
        whole = self.row_step, self.column_step
        self.row_step, self.column_step = (
            max(have // 2, 1) if step > 0 else min(have * 2, most)
            for have, most in zip((row_step, column_step), whole, strict=True)
        )
        self._is_fitted = (self.row_step, self.column_step) == whole
        self._forget()

    def action_fit(self) -> None:
        """Show the whole matrix."""
        self._is_fitted = True
        self._forget()

    def on_click(self, event: Click) -> None:
        if event.y and event.x >= GUTTER:
            y, x = event.y - 1 + self._top, (event.x - GUTTER) // self._cell_width + self._left
            self.go(y * self.row_step, x * self.column_step)

    # Drawing

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles = []

    def _colours(self) -> list[Style]:
        if not self._styles:
            self._styles = heat_colours.colours_of(self)
        return self._styles

    def render_line(self, y: int) -> Strip:
        """Return the columns' numbers, or a row of cells for each line below them."""
        if not self.rows or not self.columns:
            return Strip.blank(self.size.width, self.rich_style)
        strip = self._header() if y == 0 else self._row(self._top + y - 1)
        return strip.crop_extend(0, self.size.width, self.rich_style).apply_style(self.rich_style)

    def _header(self) -> Strip:
        quiet = self.get_component_rich_style("matrix--quiet")
        cell = self._cell_width
        room = min(self._width, -(-self.columns // self.column_step) - self._left)
        every = 1 if cell > 1 else 10
        words = " " * GUTTER
        for x in range(0, room, every):
            label = f"{(self._left + x) * self.column_step:,}"
            if cell > 1:
                words += label.rjust(cell)
            else:
                words += f"╷{label}".ljust(every)[: min(every, max(room - x, len(label) + 1))]
        return Strip([Segment(words, quiet)])

    def _row(self, cell_row: int) -> Strip:
        row = cell_row * self.row_step
        if row >= self.rows:
            return Strip([])
        quiet = self.get_component_rich_style("matrix--quiet")
        is_here = cell_row == self.row // self.row_step
        label = fitted(visible_piece(visible(self._label(row))), GUTTER - 8)
        segments = [Segment(f"{row:>5,} ", quiet), Segment(f"{label}  ", Style(bold=True) if is_here else Style.null())]
        columns = min(self._width, -(-self.columns // self.column_step) - self._left)
        for cell_column in range(self._left, self._left + columns):
            at_cursor = is_here and cell_column == self.column // self.column_step
            segments.append(self._cell(cell_row, cell_column, at_cursor))
        return Strip(segments)

    def _cell(self, cell_row: int, cell_column: int, at_cursor: bool) -> Segment:
        value = self._cells.get((cell_row, cell_column))
        outside = self._is_outside(cell_row * self.row_step, cell_column * self.column_step)
        cursor = self.get_component_rich_style("matrix--cursor", partial=True) if at_cursor else None
        if self._kind == "numbers":
            words = ("·" if value is None else heat_colours.spelled(value)).rjust(NUMBER)
            quiet = self.get_component_rich_style("matrix--quiet") if value is None else Style.null()
            return Segment(words, cursor or quiet)
        if value is None or (outside and not value):
            return Segment("╱" if outside else "·", cursor or self.get_component_rich_style("matrix--outside"))
        if not math.isfinite(value):
            return Segment("!", cursor or Style(reverse=True))
        level = heat_colours.level(value, self.full_colour, self.exponent)
        is_coarse = self.app.no_color or self.app.current_theme.ansi
        glyph = "◆" if at_cursor else heat_colours.glyph(level) if is_coarse else " "
        return Segment(glyph, cursor or self._colours()[heat_colours.LEVELS + level])


def _follow(cursor: int, first: int, room: int, total: int) -> int:
    """Return the first visible cell, moved as little as the cursor needs."""
    first = min(first, max(total - room, 0))
    return min(max(first, cursor - room + 1), cursor)
