"""The prompt of the pane: for a text to find, a filter, an index, or a file."""

from __future__ import annotations

from typing import Final, Literal

from textual.message import Message

from encoder_tui.window.widgets.field import Field

Mode = Literal["search", "filter", "index", "reopen"]
PROMPTS: Final[dict[Mode, str]] = {
    "search": "search this document: n and N go to the next and the previous match",
    "filter": "list only documents that contain a text, or > 512 or < 512 tokens; empty lists all",
    "index": "go to the document with this index",
    "reopen": "reopen counts from (a JSON file)",
}


class PromptLine(Field):
    """A field that is shown only while input is requested."""

    class Answered(Message):
        """Enter was pressed: `mode` is what was requested, `value` what was typed."""

        def __init__(self, mode: Mode, value: str) -> None:
            super().__init__()
            self.mode = mode
            self.value = value

    def __init__(self) -> None:
        super().__init__(id="prompt", compact=True)
        self.display = False
        self._mode: Mode = "search"

    def ask(self, mode: Mode, value: str = "") -> None:
        """Show the field for a mode, with an initial value."""
        self._mode = mode
        self.placeholder = PROMPTS[mode]
        self.value = value
        self.display = True
        self.focus()

    async def action_submit(self) -> None:
        self.post_message(self.Answered(self._mode, self.value))
