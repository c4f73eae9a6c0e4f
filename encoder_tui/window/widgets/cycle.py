"""A setting with a few values, in one line."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from encoder_tui.core.text.safe import visible


class Cycle(Static, can_focus=True):
    """A label and a value that space, the arrows or a click change."""

    ALLOW_MAXIMIZE = False
    DEFAULT_CSS = """
    Cycle { width: auto; height: 1; padding: 0 1; }
    Cycle:focus { background: $block-cursor-background; color: $block-cursor-foreground; }
    Cycle:nocolor:focus { text-style: reverse; }
    """
    BINDINGS = [
        Binding("space,enter", "step(1)", "Change", id="choice.change"),
        Binding("right,l", "step(1)", "Change", show=False, id="move.right"),
        Binding("left,h", "step(-1)", "Change back", show=False, id="move.left"),
    ]

    value: reactive[str] = reactive("", init=False)

    class Changed(Message):
        """The value changed."""

        def __init__(self, cycle: Cycle, value: str) -> None:
            super().__init__()
            self.cycle = cycle
            self.value = value

        @property
        def control(self) -> Cycle:
            return self.cycle

    def __init__(self, label: str, values: Sequence[str], id: str | None = None, value: str | None = None) -> None:
        super().__init__("", id=id, markup=False)
        self.label = label
        self.values = list(values)
        self.set_reactive(Cycle.value, self.values[0] if value is None else value)
        self._show()

    def _show(self) -> None:
        self.update(Content.assemble((f"{self.label} ", "dim"), (f"‹{visible(self.value)}›", "bold")))

    def watch_value(self) -> None:
        self._show()
        self.post_message(self.Changed(self, self.value))

    def action_step(self, step: int) -> None:
        self.value = self.values[(self.values.index(self.value) + step) % len(self.values)]

    def on_click(self) -> None:
        self.action_step(1)
