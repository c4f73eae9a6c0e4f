"""A list of options with the same movement keys as every other list."""

from __future__ import annotations

from textual.binding import Binding
from textual.widgets import OptionList


class Options(OptionList):
    """An `OptionList` with vim's movement keys besides the arrows."""

    BINDINGS = [
        Binding("j", "cursor_down", "Down", show=False, id="move.down"),
        Binding("k", "cursor_up", "Up", show=False, id="move.up"),
        Binding("g", "first", "First", show=False, id="move.first"),
        Binding("G", "last", "Last", show=False, id="move.last"),
        Binding("ctrl+d", "page_down", "Page down", show=False, id="move.page-down"),
        Binding("ctrl+u", "page_up", "Page up", show=False, id="move.page-up"),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Ignore page keys while the list has no visible rows; Textual fails on it."""
        if action in {"page_up", "page_down"} and not self.scrollable_content_region:
            return False
        return super().check_action(action, parameters)
