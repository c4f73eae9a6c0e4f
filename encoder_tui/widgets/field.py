"""A text field of one line."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Input

from encoder_tui.display import visible_in_place


class Field(Input):
    """`Input` that draws every character that was pasted, also those that Textual would send to the terminal."""

    @property
    def _value(self) -> Text:
        return Text(visible_in_place(self.value), no_wrap=True, overflow="ignore", end="")
