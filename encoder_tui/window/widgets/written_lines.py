"""A scrolling view of finished lines."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip

from encoder_tui.window.widgets.lines import Lines


class Written(Lines):
    """Shows lines of segments; their text must already be safe to show."""

    COMPONENT_CLASSES = {"written--quiet", "written--warning"}
    DEFAULT_CSS = """
    Written .written--quiet { color: $text-muted; }
    Written .written--warning { color: $text-warning; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._written: list[list[Segment]] = []

    def write(self, lines: list[list[Segment]]) -> None:
        """Show these lines."""
        self._written = lines
        self.set_size(len(lines), max((Strip(line).cell_length for line in lines), default=0))

    def line(self, index: int) -> Strip:
        return Strip(self._written[index])

    def quiet(self, words: str) -> Segment:
        """Return less important words as a segment."""
        return Segment(words, self.get_component_rich_style("written--quiet"))

    def warning(self, words: str) -> Segment:
        """Return words that must not be missed as a segment."""
        return Segment(words, self.get_component_rich_style("written--warning"))
