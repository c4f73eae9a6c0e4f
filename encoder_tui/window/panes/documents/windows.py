"""The sliding windows over the current document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from encoder_tui.core.defaults import LETTERS, STRIDE
from encoder_tui.core.documents.document import LIMITS, Windows
from encoder_tui.core.text.numbers import count
from encoder_tui.core.text.safe import visible
from encoder_tui.window.panes.documents.reading import Reading
from encoder_tui.window.widgets.cycle import Cycle
from encoder_tui.window.widgets.table import Column, Table

SIZES: Final = tuple((f"{number:,}", number) for number in LIMITS)
STRIDES: Final = tuple((str(number), number) for number in (0, 16, 32, 64, 128, 256))


class WindowsView(Vertical):
    """A table of windows; the one at the reading position is marked."""

    DEFAULT_CSS = """
    WindowsView { height: 1fr; }
    WindowsView > Horizontal { height: 1; }
    WindowsView > Static { height: auto; max-height: 2; padding: 0 1; }
    """

    class GoTo(Message):
        """The user chose a window; `offset` is its first character."""

        def __init__(self, offset: int) -> None:
            super().__init__()
            self.offset = offset

    def __init__(self) -> None:
        super().__init__(id="windows")
        self._text = ""
        self._readings: list[Reading] = []
        self._place = 0
        self._windows: Windows | None = None

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Cycle("model", list(LETTERS[:1]), id="window-model")
            yield Cycle("windows of", SIZES, id="window-size", value=512)
            yield Cycle("stride", STRIDES, id="window-stride", value=STRIDE)
        yield Static(id="window-words", markup=False)
        columns = [
            Column("window", 7, "right"),
            Column("characters", 21, "right"),
            Column("tokens", 7, "right"),
            Column("shared", 8, "right"),
            Column("", 4),
            Column("text", 0),
        ]
        yield Table(columns, id="window-table")

    def show(self, text: str, readings: Sequence[Reading], place: int) -> None:
        """Show the windows of a document; `place` is the offset of the reading position."""
        self._text, self._readings, self._place = text, list(readings), place
        model = self.query_one("#window-model", Cycle)
        letters = [LETTERS[reading.slot] for reading in self._readings]
        if letters and model.values != letters:
            model.take(letters, model.value if model.value in letters else letters[0])
        self._show()

    @on(Cycle.Changed)
    def _setting_changed(self, event: Cycle.Changed) -> None:
        event.stop()
        self._show()

    def _show(self) -> None:
        words = self.query_one("#window-words", Static)
        table = self.query_one("#window-table", Table)
        letter = self.query_one("#window-model", Cycle).value
        reading = next((reading for reading in self._readings if LETTERS[reading.slot] == letter), None)
        if reading is None or not reading.tokens.is_whole:
            words.update(Content("Windows appear here once the document is tokenized."))
            table.show_rows(0, lambda row: ())
            return
        size: int = self.query_one("#window-size", Cycle).value
        stride: int = self.query_one("#window-stride", Cycle).value
        try:
            windows = reading.tokens.windows(size, stride)
        except ValueError as error:
            self._windows = None
            words.update(Content(f"{error}."))
            table.show_rows(0, lambda row: ())
            return
        self._windows = windows
        own = len(reading.tokens.starts)
        share = f", {windows.processed / own:.2f} times as many" if own else ""
        words.update(
            Content(
                f"{letter} needs {count(len(windows), 'window')} of {size:,} with a stride of {stride}: "
                f"{windows.processed:,} tokens processed for the document's own {own:,}{share}."
            )
        )
        holding = set(windows.holding(self._place))
        table.show_rows(len(windows), lambda row: self._row(windows, row, row in holding))

    def copied(self) -> str:
        """Return the windows, tab-separated under a header, with all digits; empty if there are none yet."""
        windows, model = self._windows, self.query_one("#window-model", Cycle).value
        if windows is None or not self.query_one("#window-table", Table).row_count:
            return ""
        lines = ["\t".join(("model", "window", "start", "end", "tokens", "shared", "text"))]
        for row in range(len(windows)):
            start, end = windows[row]
            number, _, tokens, shared, _, text = self._row(windows, row, holds=False)
            bare = (number, str(start), str(end), tokens.replace(",", ""), shared.replace(",", ""), visible(text))
            lines.append("\t".join((model, *bare)))
        return "\n".join(lines)

    def _row(self, windows: Windows, row: int, holds: bool) -> tuple[str, ...]:
        start, end = windows[row]
        first, last = windows.token_range(row)
        shared = "–"
        if row:
            before, after = windows.token_range(row - 1)
            shared = f"{max(min(last, after) - max(first, before), 0):,}"
        text = " ".join(self._text[start : start + 300].split())
        tokens = last - first + windows.tokens.special
        return (str(row + 1), f"{start:,}–{end:,}", f"{tokens:,}", shared, "here" if holds else "", text)

    @on(Table.Moved, "#window-table")
    def _moved(self, event: Table.Moved) -> None:
        event.stop()
        if self._windows is not None and event.table.has_focus and event.row < len(self._windows):
            self.post_message(self.GoTo(self._windows[event.row][0]))
