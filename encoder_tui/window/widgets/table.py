"""A table of any number of rows, each made when it becomes visible."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from encoder_tui.core.text.safe import shorten, visible
from encoder_tui.window.widgets.lines import Lines


@dataclass(frozen=True)
class Column:
    """A column; a width of 0 means the room that the others leave."""

    label: str
    width: int
    align: Literal["left", "right"] = "left"


Row = Sequence[str]
"""The cells of a row; they may hold text from outside, which the table makes safe to show.

If there are fewer cells than columns, the last one gets the room of the missing ones.
"""


class Table(Lines):
    """Rows with a cursor under a fixed header."""

    COMPONENT_CLASSES = {"table--header", "table--cursor", "table--quiet"}
    DEFAULT_CSS = """
    Table .table--header { color: $text-muted; text-style: bold; }
    Table .table--cursor { text-style: none; background: $surface-lighten-1; }
    Table:focus .table--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    Table:ansi .table--quiet { text-style: dim; }
    Table:ansi .table--cursor { text-style: not dim; }
    Table:nocolor .table--cursor { text-style: underline; }
    Table:nocolor:focus .table--cursor { text-style: reverse; }
    Table .table--quiet { color: $text-muted; }
    """
    BINDINGS = [
        Binding("up,k", "move(-1)", "Up", show=False, id="move.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="move.down"),
        Binding("pageup,ctrl+u", "move_page(-1)", "Page up", show=False, id="move.page-up"),
        Binding("pagedown,ctrl+d", "move_page(1)", "Page down", show=False, id="move.page-down"),
        Binding("home,g", "move_to(0)", "First", show=False, id="move.first"),
        Binding("end,G", "move_to(-1)", "Last", show=False, id="move.last"),
    ]

    cursor: reactive[int] = reactive(0)

    class Moved(Message):
        """The cursor has moved to another row."""

        def __init__(self, table: Table, row: int) -> None:
            super().__init__()
            self.table = table
            self.row = row

        @property
        def control(self) -> Table:
            return self.table

    def __init__(self, columns: Sequence[Column], id: str | None = None, gap: int = 2) -> None:
        """`gap` is the number of cells between two columns."""
        super().__init__(id=id)
        self._gap = gap
        self.columns = list(columns)
        self.row_count = 0
        self._row: Callable[[int], Row] = lambda index: ()
        self._quiet: Callable[[int], bool] = lambda index: False
        self._header = ""
        self._height = 0

    def redraw(self) -> None:
        header = self._cells([column.label for column in self.columns])
        if header != self._header:
            self._header = header
            self.refresh()
        else:
            super().redraw()

    def show_rows(self, row_count: int, row: Callable[[int], Row], quiet: Callable[[int], bool] | None = None) -> None:
        """Show `row_count` rows; `row(i)` returns the cells of row `i`, `quiet(i)` whether it is dimmed."""
        self.row_count, self._row = row_count, row
        self._quiet = quiet or (lambda index: False)
        self.cursor = min(self.cursor, max(row_count - 1, 0))
        self.set_size(row_count + 1, self._fixed)

    def rows(self) -> list[Row]:
        """Return the labels of the columns, and every row."""
        return [[column.label for column in self.columns], *map(self._row, range(self.row_count))]

    def validate_cursor(self, cursor: int) -> int:
        return min(max(cursor, 0), max(self.row_count - 1, 0))

    def watch_cursor(self, cursor: int) -> None:
        self._show_cursor()
        self.redraw()
        self.post_message(self.Moved(self, cursor))

    def on_resize(self) -> None:
        grown = self.size.height - self._height
        self._height = self.size.height
        if grown > 0 and not self.has_focus and self.scroll_offset.y:
            # Nobody scrolled it: the first heights during the layout of a window must have no effect later.
            self.scroll_to(y=max(self.scroll_offset.y - grown, 0), animate=False, force=True)
        self._show_cursor()

    def _show_cursor(self) -> None:
        # The header covers the first line of the screen, so the row above the cursor must not be there.
        cursor, top, height = self.cursor, self.scroll_offset.y, self.size.height
        # Forced: see `show_line`.
        if cursor < top:
            self.scroll_to(y=cursor, animate=False, force=True)
        elif height and cursor + 2 > top + height:
            self.scroll_to(y=cursor + 2 - height, animate=False, force=True)

    def action_move(self, step: int) -> None:
        self.cursor += step

    def action_move_page(self, step: int) -> None:
        self.cursor += step * max(self.size.height - 2, 1)

    def action_move_to(self, row: int) -> None:
        self.cursor = row if row >= 0 else self.row_count + row

    def on_click(self, event: Click) -> None:
        if event.y > 0:
            self.cursor = event.y + self.scroll_offset.y - 1
            if event.chain == 2:
                # Two clicks do the same as enter.
                self.app.simulate_key("enter")

    @property
    def _fixed(self) -> int:
        """The width in cells of the columns with a fixed width and of every gap."""
        return sum(column.width + self._gap for column in self.columns)

    @property
    def needed(self) -> int:
        """The width in cells that the columns with a fixed width need, with a scroll bar."""
        return self._fixed + 1

    def widths(self) -> list[int]:
        """Return each column's width in cells; the flexible ones share what is left."""
        fixed = self._fixed
        flexible = sum(1 for column in self.columns if not column.width)
        room = (self.size.width - fixed) // flexible if flexible else 0
        if flexible and room < 8:
            # In a narrow window up to the edge, so that a cut cell shows its sign.
            room = max((self.scrollable_content_region.width - fixed + self._gap) // flexible, 2)
        return [column.width or room for column in self.columns]

    def render_line(self, y: int) -> Strip:
        """Return the header for the first line, rows below it."""
        if y == 0:
            header = self._cells([column.label for column in self.columns])
            style = self.get_component_rich_style("table--header")
            return self._cropped(Strip([Segment(header, style)]))
        return super().render_line(y)

    def line(self, index: int) -> Strip:
        """Return row `index - 1`, because the header is line 0."""
        row = index - 1
        if not 0 <= row < self.row_count:
            return Strip([])
        style = Style.null()
        if self._quiet(row):
            style = self.get_component_rich_style("table--quiet")
        if row == self.cursor:
            style += self.get_component_rich_style("table--cursor", partial=True)
        return Strip([Segment(self._cells(self._row(row)), style)])

    def _cropped(self, strip: Strip) -> Strip:
        left, width = self.scroll_offset.x, self.size.width
        return strip.crop_extend(left, left + width, self.rich_style).apply_style(self.rich_style)

    def _cells(self, row: Row) -> str:
        widths = self.widths()
        if 0 < len(row) < len(widths):
            last = len(row) - 1
            widths[last:] = [sum(widths[last:]) + self._gap * (len(widths) - 1 - last)]
        return "".join(
            fitted(visible(cell), width, column.align) + " " * self._gap
            for cell, column, width in zip(row, self.columns, widths, strict=False)
        )


def fitted(text: str, width: int, align: str = "left") -> str:
    """Return text in exactly `width` cells, cut with an ellipsis if it is longer."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…" if width > 0 else ""
    padding = " " * (width - length)
    return padding + text if align == "right" else text + padding


def shortened(text: str, width: int) -> str:
    """Return text in at most `width` cells, with the middle replaced by a sign: `shorten` for wide characters."""
    if cell_len(text) <= width:
        return text
    if text.isascii() or width <= 1:
        return shorten(text, width)
    start = len(text)
    while start and cell_len(text[start - 1 :]) <= (width - 1) // 2:
        start -= 1
    tail = text[start:]
    head = set_cell_size(text, width - 1 - cell_len(tail))
    # Half of a wide character became a space.
    return f"{head if text.startswith(head) else head[:-1]}…{tail}"
