"""The bar beside a document: the reading position, and what each model sees."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.events import Click
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.tokens.alignment import Span
from encoder_tui.window.panes.documents.reading import Reading
from encoder_tui.window.widgets.model_letters import letter_style


class DocumentBar(Widget):
    """The whole document from top to bottom: the visible part, and what each model sees."""

    DEFAULT_CSS = """
    DocumentBar { width: 8; height: 1fr; color: $text-muted; }
    """

    class Chosen(Message):
        """A place in the document was clicked, as a share of it."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    def __init__(self) -> None:
        super().__init__()
        self._length = 0
        self._sight: Span = (0, 0)
        self._readings: list[Reading] = []

    def show(self, length: int, sight: Span, readings: Sequence[Reading]) -> None:
        """Show the position in a document of `length` characters."""
        self._length, self._sight, self._readings = length, sight, list(readings)
        self.styles.width = 2 + 2 * max(len(self._readings), 1)
        self.refresh()

    def on_click(self, event: Click) -> None:
        self.post_message(self.Chosen(event.y / max(self.size.height - 1, 1)))

    def render_line(self, y: int) -> Strip:
        height = max(self.size.height, 1)
        top, bottom = self._length * y / height, self._length * (y + 1) / height
        in_sight = self._length > 0 and self._sight[0] < max(bottom, 1) and self._sight[1] > top
        segments = [Segment("▐" if in_sight else "│", Style.null() if in_sight else Style(dim=True))]
        for reading in self._readings:
            seen = min(reading.seen[1], bottom) - max(reading.seen[0], top)
            is_first = (y == 0) if reading.seen[0] == 0 else top <= reading.seen[0] < bottom
            if seen > (bottom - top) / 2 or (is_first and reading.seen[1] > reading.seen[0]):
                glyph = LETTERS[reading.slot] if is_first else "▌"
                segments.append(Segment(f" {glyph}", letter_style(self, reading.slot, bold=True)))
            else:
                segments.append(Segment(" ┆", Style(dim=True)))
        return Strip(segments).crop_extend(0, self.size.width, self.rich_style).apply_style(self.rich_style)
