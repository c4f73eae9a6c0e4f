"""A choice of a few words in one line: panes, views."""

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
    """One of several names, chosen by arrow keys or by mouse; drawn in a line that a rule fills up."""

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
        """Choose the neighbour, round the ends."""
        self.chosen = self.names[(self.names.index(self.chosen) + step) % len(self.names)]

    def on_click(self, event: Click) -> None:
        left = 1
        for name in self.names:
            if left - 1 <= event.x <= left + len(name):
                self.chosen = name
                return
            left += len(name) + 4

    def render_line(self, y: int) -> Strip:
        """The names with a piece of rule between them."""
        rule = self.get_component_rich_style("choice--rule")
        chosen = self.get_component_rich_style("choice--chosen", partial=True)
        segments = [Segment("─", rule)]
        for name in self.names:
            segments.append(Segment(f" {name} " if name != self.chosen else " ", Style.null()))
            if name == self.chosen:
                segments += [Segment(name, chosen), Segment(" ", Style.null())]
            segments.append(Segment("──", rule))
        left = self.size.width - sum(len(segment.text) for segment in segments)
        segments.append(Segment("─" * max(left, 0), rule))
        return Strip(segments).crop(0, self.size.width).apply_style(self.rich_style)
