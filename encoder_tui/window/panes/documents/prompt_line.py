"""The prompt of the pane: for a text to find, a filter, an index, or a file."""

from __future__ import annotations

from typing import Final, Literal

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from encoder_tui.window.widgets.field import Field

Mode = Literal["search", "filter", "index", "reopen"]
PROMPTS: Final[dict[Mode, str]] = {
    "search": "a text in this document: n and N go to the next and the previous match",
    "filter": "list only documents that contain a text, or > 512 or < 512 tokens; empty lists all",
    "index": "go to the document with this index",
    "reopen": "counts from a JSON file",
}


LABELS: Final[dict[Mode, str]] = {
    "search": "search",
    "filter": "filter",
    "index": "index",
    "reopen": "reopen",
}


class PromptField(Field):
    """The field of the prompt."""

    async def action_submit(self) -> None:
        line = self.parent
        assert isinstance(line, PromptLine)
        line.answer(self.value)


class PromptLine(Horizontal):
    """A label and a field that are shown only while input is requested."""

    class Answered(Message):
        """Enter was pressed: `mode` is what was requested, `value` what was typed."""

        def __init__(self, mode: Mode, value: str) -> None:
            super().__init__()
            self.mode = mode
            self.value = value

    def __init__(self) -> None:
        super().__init__(id="prompt-line")
        self.display = False
        self._mode: Mode = "search"

    def compose(self) -> ComposeResult:
        yield Static(id="prompt-label", markup=False)
        yield PromptField(id="prompt", compact=True)

    def ask(self, mode: Mode, value: str = "") -> None:
        """Show the field for a mode, with an initial value."""
        self._mode = mode
        field = self.query_one(PromptField)
        self.query_one("#prompt-label", Static).update(Content(f" {LABELS[mode]}: "))
        field.placeholder = PROMPTS[mode]
        field.value = value
        self.display = True
        field.focus()

    def answer(self, value: str) -> None:
        """Send what was typed."""
        self.post_message(self.Answered(self._mode, value))
