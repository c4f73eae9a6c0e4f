"""A setting with a few values, in one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from encoder_tui.core.text.safe import visible


class Cycle(Static, can_focus=True):
    """A label and a value, changed with space, the arrows or a click.

    A choice is a value and its label, or a text that is both.
    """

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

    value: reactive[Any] = reactive(None, init=False)

    class Changed(Message):
        """The value changed."""

        def __init__(self, cycle: Cycle, value: Any) -> None:
            super().__init__()
            self.cycle = cycle
            self.value = value

        @property
        def control(self) -> Cycle:
            return self.cycle

    def __init__(
        self, label: str, choices: Sequence[str | tuple[str, Any]], id: str | None = None, value: Any = None
    ) -> None:
        """`value` is shown first; by default the first choice."""
        super().__init__("", id=id, markup=False)
        self.label = label
        self.choices = _pairs(choices)
        self.set_reactive(Cycle.value, self.values[0] if value is None else value)
        self._show()

    @property
    def values(self) -> list[Any]:
        """The values to choose from."""
        return [value for _, value in self.choices]

    @property
    def words(self) -> str:
        """The label of the current value."""
        return self.choices[self.values.index(self.value)][0]

    def offer(self, *choices: str | tuple[str, Any]) -> None:
        """Add choices; existing ones keep their labels."""
        for words, value in _pairs(choices):
            if value not in self.values:
                self.choices.append((words, value))

    def take(self, choices: Sequence[str | tuple[str, Any]], value: Any) -> None:
        """Replace the choices, and show one of them."""
        self.choices = _pairs(choices)
        self.value = value
        self._show()

    def _show(self) -> None:
        self.update(Content.assemble((f"{self.label} ", "dim"), (f"‹{visible(self.words)}›", "bold")))

    def watch_value(self) -> None:
        self._show()
        self.post_message(self.Changed(self, self.value))

    def action_step(self, step: int) -> None:
        values = self.values
        self.value = values[(values.index(self.value) + step) % len(values)]

    def on_click(self) -> None:
        self.action_step(1)


def _pairs(choices: Sequence[str | tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [(choice, choice) if isinstance(choice, str) else choice for choice in choices]
