"""A text field of one line."""

from __future__ import annotations

import re

from rich.text import Text
from textual.events import Paste
from textual.widgets import Input

from encoder_tui.core.text.safe import visible_in_place


class Field(Input):
    """An `Input` that draws pasted control characters as symbols instead of sending them to the terminal."""

    @property
    def _value(self) -> Text:
        return Text(visible_in_place(self.value), no_wrap=True, overflow="ignore", end="")

    def _on_paste(self, event: Paste) -> None:
        """Insert the first line of what was pasted; for Textual, lines end at form feeds, U+2028 and more."""
        event.prevent_default()
        event.stop()
        if line := re.split("[\r\n]", event.text, maxsplit=1)[0]:
            self.replace(line, *self.selection)
