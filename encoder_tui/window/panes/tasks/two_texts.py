"""The choice of two of the shared texts."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal

from encoder_tui.window.widgets.cycle import Cycle


class TwoTexts(Horizontal):
    """Two settings, each with the label of a text."""

    DEFAULT_CSS = """
    TwoTexts { height: 1; }
    """

    def __init__(self, first: str, second: str) -> None:
        super().__init__()
        self._names = first, second

    def compose(self) -> ComposeResult:
        yield Cycle(self._names[0], [("1", 0)], id="first-text")
        yield Cycle(self._names[1], [("2", 1)], id="second-text")

    def offer(self, labels: Sequence[str]) -> None:
        """Offer these texts."""
        choices = [(label, place) for place, label in enumerate(labels)] or [("–", 0)]
        for place, cycle in enumerate(self.query(Cycle)):
            if cycle.choices != choices:
                last = len(choices) - 1
                cycle.take(choices, cycle.value if cycle.value <= last else min(place, last))

    @property
    def chosen(self) -> tuple[int, int]:
        """The places of the two texts."""
        first, second = (cycle.value for cycle in self.query(Cycle))
        return first, second
