"""Rows by columns of numbers with shades, a block of columns for each model, and one cursor for all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.events import Click
from textual.message import Message
from textual.strip import Strip

from encoder_tui.core.text.safe import visible
from encoder_tui.window.widgets import heat_colours
from encoder_tui.window.widgets.lines import Lines
from encoder_tui.window.widgets.model_letters import letter_style
from encoder_tui.window.widgets.table import fitted

NUMBER: Final = 6
"""Cells of a column that shows its numbers."""
SHADE: Final = 2
"""Cells of a column that shows only shades."""
BETWEEN: Final = 3
"""Cells before a block, for its letter."""
NAME: Final = 16
"""Cells that a row's name has at least."""


@dataclass(frozen=True)
class Block:
    """The columns of one model: its place among the models, the columns' labels, and the values of a row.

    `low` has no shade and `high` the full one. `is_marked(row, column)` marks a cell; `is_quiet` leaves it unshaded.
    """

    model: int
    labels: Sequence[str]
    values: Callable[[int], Sequence[float]]
    low: float
    high: float
    is_marked: Callable[[int, int], bool] = lambda row, column: False
    is_quiet: Callable[[int, int], bool] = lambda row, column: False

    def level(self, value: float) -> int:
        """Return how strong a value's shade is, from 0 to `LEVELS`."""
        if not math.isfinite(value) or self.high <= self.low:
            return 0
        return heat_colours.level(max(value - self.low, 0.0), self.high - self.low, 1.0)


def needed(blocks: Sequence[Block], cell: int) -> int:
    """Return the width that blocks need beside names of the least width."""
    return NAME + sum(len(block.labels) * cell + BETWEEN for block in blocks) + 1


class ShadedGrid(Lines):
    """Rows with a name, then a cell for each column of each block; the header stays in sight."""

    COMPONENT_CLASSES = {"grid--quiet", "grid--cursor"}
    DEFAULT_CSS = """
    ShadedGrid .grid--quiet { color: $text-muted; }
    ShadedGrid .grid--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    """
    BINDINGS = [
        Binding("up,k", "move(-1, 0)", "Up", show=False, id="move.up"),
        Binding("down,j", "move(1, 0)", "Down", show=False, id="move.down"),
        Binding("left,h", "move(0, -1)", "Left", show=False, id="move.left"),
        Binding("right,l", "move(0, 1)", "Right", show=False, id="move.right"),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False, id="move.page-up"),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False, id="move.page-down"),
        Binding("home,g", "move_to(0)", "First", show=False, id="move.first"),
        Binding("end,G", "move_to(-1)", "Last", show=False, id="move.last"),
    ]

    class Moved(Message):
        """The cursor has moved."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.names: Sequence[str] = ()
        self.blocks: Sequence[Block] = ()
        self.order: Sequence[int] = ()
        self.place = self.column = 0
        self.cell = NUMBER
        self._styles: list[Style] = []

    @property
    def row(self) -> int:
        """The row under the cursor, by its number before sorting."""
        return self.order[self.place] if self.order else 0

    def open(self, names: Sequence[str], blocks: Sequence[Block], order: Sequence[int] | None = None) -> None:
        """Show rows with these names; `order` lists them from top to bottom. The cursor stays on its row."""
        before = self.row
        self.names, self.blocks = names, blocks
        self.order = list(range(len(names))) if order is None else order
        self.place = self.order.index(before) if before in self.order else 0
        self.column = min(self.column, max(self._columns - 1, 0))
        self.cell = NUMBER if needed(blocks, NUMBER) <= self.size.width else SHADE
        wide = needed(blocks, self.cell)
        self.set_size(len(names) + 1, wide if wide > self.size.width else 0)
        self.refresh()

    @property
    def _columns(self) -> int:
        return max((len(block.labels) for block in self.blocks), default=0)

    @property
    def _name_width(self) -> int:
        return max(NAME, self.size.width - needed(self.blocks, self.cell) + NAME)

    # Keys

    def go(self, place: int, column: int) -> None:
        """Put the cursor on a cell, or on the nearest one."""
        self.place = min(max(place, 0), max(len(self.names) - 1, 0))
        self.column = min(max(column, 0), max(self._columns - 1, 0))
        top, height = self.scroll_offset.y, self.size.height
        # The header covers the first line, so the row above the cursor must not be there.
        if self.place < top:
            self.scroll_to(y=self.place, animate=False, force=True)
        elif height and self.place + 2 > top + height:
            self.scroll_to(y=self.place + 2 - height, animate=False, force=True)
        if self.virtual_size.width:
            left = self._name_width + BETWEEN + self.column * self.cell
            self.scroll_to(x=max(left + self.cell - self.size.width, 0), animate=False, force=True)
        self.refresh()
        self.post_message(self.Moved())

    def action_move(self, rows: int, columns: int) -> None:
        """Move the cursor by cells."""
        self.go(self.place + rows, self.column + columns)

    def action_page(self, pages: int) -> None:
        """Move the cursor by pages."""
        self.go(self.place + pages * max(self.size.height - 2, 1), self.column)

    def action_move_to(self, place: int) -> None:
        """Move the cursor to the first or the last row."""
        self.go(place if place >= 0 else len(self.names) + place, self.column)

    def on_click(self, event: Click) -> None:
        if event.y > 0:
            x, column = event.x + self.scroll_offset.x - self._name_width, self.column
            for block in self.blocks:
                inside = (x - BETWEEN) // self.cell
                if 0 <= inside < len(block.labels):
                    column = inside
                x -= BETWEEN + len(block.labels) * self.cell
            self.go(event.y + self.scroll_offset.y - 1, column)

    # Drawing

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles = []

    def drop_drawn(self) -> None:
        self._styles = []

    def render_line(self, y: int) -> Strip:
        """Return the header for the first line, rows below it."""
        if y == 0:
            left, width = self.scroll_offset.x, self.size.width
            return self._header().crop_extend(left, left + width, self.rich_style).apply_style(self.rich_style)
        return super().render_line(y)

    def _header(self) -> Strip:
        quiet = self.get_component_rich_style("grid--quiet")
        segments = [Segment(" " * self._name_width)]
        for block in self.blocks:
            segments.append(Segment(f" {'ABCD'[block.model]} ", letter_style(self, block.model, bold=True)))
            for column, label in enumerate(block.labels):
                is_here = column == self.column
                cut = visible(label)
                # One letter of a word says nothing.
                if self.cell == SHADE and len(cut) > SHADE:
                    cut = ""
                # Names that fill their cells would run together; a shade's two cells have numbers.
                gap = " " if self.cell == NUMBER else ""
                words = gap + fitted(cut, self.cell - len(gap), "right")
                segments.append(Segment(words, Style(bold=True) if is_here else quiet))
        return Strip(segments)

    def line(self, index: int) -> Strip:
        place = index - 1
        if not 0 <= place < len(self.order):
            return Strip([])
        row = self.order[place]
        is_here = place == self.place
        cursor = self.get_component_rich_style("grid--cursor", partial=True)
        name = fitted(f" {visible(self.names[row])}", self._name_width - 1) + " "
        style = Style(bold=True) if is_here else Style.null()
        segments = [Segment(name, style + cursor if is_here and self.has_focus else style)]
        for block in self.blocks:
            values = block.values(row)
            segments.append(Segment(" " * BETWEEN))
            for column in range(len(block.labels)):
                at_cursor = is_here and column == self.column
                segments.append(self._cell(block, row, column, values[column], cursor if at_cursor else None))
        return Strip(segments)

    def _cell(self, block: Block, row: int, column: int, value: float, cursor: Style | None) -> Segment:
        level = block.level(value)
        is_quiet = block.is_quiet(row, column)
        is_coarse = self.app.no_color or self.app.current_theme.ansi
        sign = "●" if block.is_marked(row, column) else heat_colours.glyph(level) if is_coarse and not is_quiet else " "
        number = cell_number(value) if self.cell == NUMBER else ""
        words = f"{sign}{number}".rjust(self.cell) if self.cell == SHADE else f"{sign}{number.rjust(self.cell - 1)}"
        if cursor is not None:
            return Segment(words, cursor)
        if is_quiet:
            return Segment(words, self.get_component_rich_style("grid--quiet"))
        return Segment(words, self._shades()[level])

    def _shades(self) -> list[Style]:
        """Return the style of each level from 0 on, with letters that can be read on its colour."""
        if not self._styles:
            every = heat_colours.colours_of(self)[heat_colours.LEVELS :]
            self._styles = [style + Style(color=_legible(style.bgcolor)) for style in every]
            self._styles[0] = Style.null()
        return self._styles


def _legible(ground: Color | None) -> str | None:
    """Return black or white, whichever can be read on a colour."""
    if ground is None or ground.triplet is None:
        return None
    red, green, blue = ground.triplet
    return "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 120 else "#ffffff"


def cell_number(value: float) -> str:
    """Return a number in at most five characters."""
    if not math.isfinite(value):
        return "–"
    if abs(value) >= 10_000:
        return f"{value:.0e}"
    for digits in (2, 1, 0):
        words = f"{value:.{digits}f}"
        if len(words) <= NUMBER - 1:
            return words
    return words
