"""A bare Textual app with the widgets of the Tokens pane, and nothing behind them."""

import sys

from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.widgets import ContentSwitcher, Footer, Static, TextArea


class Bare(App[None]):
    BINDINGS = [("ctrl+q", "quit", "Quit")]
    CSS = "TextArea { height: auto; max-height: 25%; } Static { height: 1; }"

    def compose(self) -> ComposeResult:
        yield Static("bare")
        with ContentSwitcher(initial="pane"), Vertical(id="pane"):
            yield TextArea(sys.argv[1])
            yield Static("A")
            yield Static("B")
            yield Static("tabs")
            with ContentSwitcher(initial="view"), Vertical(id="view"):
                yield Static("lines")
                yield Static("block")
        yield Footer()

    def on_mount(self) -> None:
        area = self.query_one(TextArea)
        area.cursor_blink = False
        area.move_cursor(area.document.end)
        area.focus()


Bare().run()
