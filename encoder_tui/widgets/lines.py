"""A scrolling view of any number of lines, each made when it comes into sight."""

from __future__ import annotations

from rich.segment import Segment
from textual.binding import Binding
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip


class Lines(ScrollView, can_focus=True):
    """Draws line by line: a subclass says how many lines there are (`set_size`) and what each is (`line`)."""

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

    def line(self, index: int) -> Strip:
        """Line `index`, of any width."""
        raise NotImplementedError

    def set_size(self, lines: int, width: int = 0) -> None:
        """Say how many lines there are, and the width of the widest where lines may be wider than the widget."""
        size = Size(width, lines)
        if size != self.virtual_size:
            self.virtual_size = size
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen, for Textual."""
        index = y + self.scroll_offset.y
        width = self.size.width
        if index >= self.virtual_size.height:
            return Strip.blank(width, self.rich_style)
        left = self.scroll_offset.x
        strip = self.line(index)
        if not self.virtual_size.width and strip.cell_length > width:
            # Where nobody can scroll sideways, what is cut leaves a sign.
            strip = Strip([*strip.crop(0, width - 1), Segment("…")])
        elif self.virtual_size.width:
            strip = self._signed(strip, left)
        return strip.crop_extend(left, left + width, self.rich_style).apply_style(self.rich_style)

    def _signed(self, strip: Strip, left: int) -> Strip:
        """A line that goes on beyond the right edge, with a sign there: a scrollbar alone says it of no line."""
        right = left + self.scrollable_content_region.width
        if strip.cell_length <= right or not strip.crop(right).text.strip():
            return strip
        return Strip([*strip.crop(0, right - 1), Segment("…")])

    def show_line(self, index: int, margin: int = 0) -> None:
        """Scroll no more than it takes to bring a line, and `margin` lines around it, into sight."""
        top, height = self.scroll_offset.y, self.size.height
        if index - margin < top:
            self.scroll_to(y=max(index - margin, 0), animate=False)
        elif index + margin >= top + height:
            self.scroll_to(y=index + margin - height + 1, animate=False)
