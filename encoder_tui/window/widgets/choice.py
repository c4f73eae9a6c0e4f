"""A choice between a few names in one line: panes, views."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget


class Choice(Widget, can_focus=True):
    """One of several names, chosen with the arrow keys or the mouse; a rule fills the rest of the line."""

    ALLOW_MAXIMIZE = False
    COMPONENT_CLASSES = {"choice--chosen", "choice--rule"}
    DEFAULT_CSS = """
    Choice { height: 1; color: $text-muted; }
    Choice .choice--chosen { color: $foreground; text-style: bold underline; }
    Choice:focus .choice--chosen { color: $text; background: $surface-lighten-2; text-style: bold underline; }
    Choice:nocolor:focus .choice--chosen { text-style: bold reverse; }
    Choice .choice--rule { color: $foreground 20%; }
    """
    BINDINGS = [
        Binding("left,h", "move(-1)", "Previous", show=False, id="move.left"),
        Binding("right,l", "move(1)", "Next", show=False, id="move.right"),
    ]

    chosen: reactive[str] = reactive("")

    class Changed(Message):
        """Another name was chosen."""

        def __init__(self, choice: Choice, name: str) -> None:
            super().__init__()
            self.choice = choice
            self.name = name

        @property
        def control(self) -> Choice:
            return self.choice

    def __init__(self, names: Sequence[str], chosen: str | None = None, id: str | None = None) -> None:
        super().__init__(id=id)
        self.names = list(names)
        self.set_reactive(Choice.chosen, chosen or self.names[0])

    def watch_chosen(self) -> None:
        self.post_message(self.Changed(self, self.chosen))

    def action_move(self, step: int) -> None:
        """Choose the next or previous name, wrapping around."""
        self.chosen = self.names[(self.names.index(self.chosen) + step) % len(self.names)]

    def on_click(self, event: Click) -> None:
        self.chosen = self.name_at(event.x) or self.chosen

    def name_at(self, x: int) -> str | None:
        """Return the name in a column of the line; None if there is none."""
        places, _ = self._places()
        return next((name for start, name in places if start - 1 <= x <= start + len(name)), None)

    def _places(self) -> tuple[list[tuple[int, str]], int]:
        """Return the column of each visible name, and the number of hidden names before the first.

        If there is not room for all, names move closer together, then those farthest from the chosen one are hidden.
        """
        width = self.size.width
        for gap in (4, 3):
            if 1 + sum(len(name) + gap for name in self.names) <= width + gap - 2:
                return self._row(self.names, gap, 2), 0
        first = last = self.names.index(self.chosen)
        room = width - 8 - len(self.chosen)
        while True:
            after = last + 1 < len(self.names) and len(self.names[last + 1]) + 3 <= room
            before = first > 0 and len(self.names[first - 1]) + 3 <= room
            if after:
                last += 1
                room -= len(self.names[last]) + 3
            elif before:
                first -= 1
                room -= len(self.names[first]) + 3
            else:
                return self._row(self.names[first : last + 1], 3, 4 if first else 2), first

    @staticmethod
    def _row(names: Sequence[str], gap: int, start: int) -> list[tuple[int, str]]:
        places = []
        for name in names:
            places.append((start, name))
            start += len(name) + gap
        return places

    def render_line(self, y: int) -> Strip:
        """Return the names with a piece of rule between them, and an ellipsis if there are more."""
        rule = self.get_component_rich_style("choice--rule")
        chosen = self.get_component_rich_style("choice--chosen", partial=True)
        places, left_out = self._places()
        segments = [Segment("─ …" if left_out else "─", rule)]
        at = 3 if left_out else 1
        for start, name in places:
            segments.append(Segment("─" * (start - at - 1), rule))
            segments += [Segment(" ", Style.null()), Segment(name, chosen if name == self.chosen else Style.null())]
            segments.append(Segment(" ", Style.null()))
            at = start + len(name) + 1
        if left_out + len(places) < len(self.names):
            segments.append(Segment("…", Style.null()))
            at += 1
        segments.append(Segment("─" * max(self.size.width - at, 0), rule))
        return Strip(segments).crop(0, self.size.width).apply_style(self.rich_style)
