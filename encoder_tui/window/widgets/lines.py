"""A scrolling view of any number of lines, each made when it becomes visible."""

from __future__ import annotations

from typing import Self

from rich.segment import Segment
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip


class Lines(ScrollView, can_focus=True):
    """Draws line by line: a subclass sets the number of lines (`set_size`) and returns each of them (`line`)."""

    DEFAULT_CSS = """
    Lines { height: 1fr; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; }
    """

    BINDINGS = [
        Binding("j", "scroll_down", "Down", show=False, id="move.down"),
        Binding("k", "scroll_up", "Up", show=False, id="move.up"),
        Binding("g", "scroll_home", "Top", show=False, id="move.first"),
        Binding("G", "scroll_end", "Bottom", show=False, id="move.last"),
        Binding("ctrl+d", "page_down", "Page down", show=False, id="move.page-down"),
        Binding("ctrl+u", "page_up", "Page up", show=False, id="move.page-up"),
    ]

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._drawn: dict[int, Strip] = {}
        self._is_redrawing = False

    def line(self, index: int) -> Strip:
        """Return line `index`, of any width; blank unless a subclass overrides it."""
        return Strip([])

    def set_size(self, lines: int, width: int = 0) -> None:
        """Set the number of lines, and the width of the widest if lines may be wider than the widget."""
        size = Size(width, lines)
        if size != self.virtual_size:
            self.virtual_size = size
        self.redraw()

    def redraw(self) -> None:
        """Draw the visible lines that have changed.

        A key in a text changes a line or two of forty: drawing all of them takes ten times as long, and sends ten
        times as many bytes over a connection that may be slow.
        """
        top = self.scroll_offset.y
        in_sight = range(top, min(top + self.size.height, self.virtual_size.height))
        if not self._drawn:
            self.refresh()
            return
        self._is_redrawing = True
        drawn = {}
        for index in in_sight:
            drawn[index] = self.line(index)
            if drawn[index] != self._drawn.get(index):
                self.refresh_line(index)
        gone = [index for index in self._drawn if index >= self.virtual_size.height]
        if gone:
            self.refresh_lines(min(gone), len(gone))
        self._drawn = drawn
        self._is_redrawing = False

    def drop_drawn(self) -> None:
        """Called before everything is redrawn, perhaps in other colours: a subclass clears its cache here."""

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw everything again, and forget the lines that `redraw` compares with."""
        if not self._is_redrawing:
            self._drawn = {}
        if not regions:
            self.drop_drawn()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def render_line(self, y: int) -> Strip:
        """Return one line of the screen, for Textual."""
        index = y + self.scroll_offset.y
        width, base = self.size.width, self.rich_style
        if index >= self.virtual_size.height:
            return Strip.blank(width, base)
        left = self.scroll_offset.x
        strip = self._drawn.get(index) or self._drawn.setdefault(index, self.line(index))
        if not self.virtual_size.width and strip.cell_length > width:
            # If the view cannot scroll sideways, a sign marks a cut line.
            strip = Strip([*strip.crop(0, width - 1), Segment("…")])
        elif self.virtual_size.width:
            strip = self._signed(strip, left)
        return strip.crop_extend(left, left + width, base).apply_style(base).simplify()

    def _signed(self, strip: Strip, left: int) -> Strip:
        """Return a line with a sign at the right edge if it is longer: a scrollbar does not show which lines are."""
        right = left + self.scrollable_content_region.width
        if strip.cell_length <= right or not strip.crop(right).text.strip():
            return strip
        return Strip([*strip.crop(0, right - 1), Segment("…")])

    def show_line(self, index: int, margin: int = 0) -> None:
        """Scroll as little as possible to make a line, and `margin` lines around it, visible."""
        # Forced: a view that has not been laid out yet has no scroll bar, and would not scroll otherwise.
        top, height = self.scroll_offset.y, self.size.height
        if index - margin < top:
            self.scroll_to(y=max(index - margin, 0), animate=False, force=True)
        elif index + margin >= top + height:
            self.scroll_to(y=index + margin - height + 1, animate=False, force=True)
