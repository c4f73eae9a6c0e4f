"""Text to read, which scrolls with the keys of a list."""

from __future__ import annotations

from textual.binding import Binding
from textual.containers import VerticalScroll


class ScrollingText(VerticalScroll, can_focus=True):
    """A column of widgets that scrolls with j, k, g and G, half pages with ctrl+d and ctrl+u."""

    DEFAULT_CSS = """
    ScrollingText:focus { background-tint: $foreground 0%; }
    """
    BINDINGS = [
        Binding("j", "scroll_down", "Down", show=False, id="move.down"),
        Binding("k", "scroll_up", "Up", show=False, id="move.up"),
        Binding("g", "scroll_home", "Top", show=False, id="move.first"),
        Binding("G", "scroll_end", "Bottom", show=False, id="move.last"),
        Binding("ctrl+d", "page_down", "Page down", show=False, id="move.page-down"),
        Binding("ctrl+u", "page_up", "Page up", show=False, id="move.page-up"),
    ]
