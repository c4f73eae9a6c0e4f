"""Choosing other documents: typed, recent, or one of the defaults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from encoder_tui.core.text.safe import visible
from encoder_tui.window.dialogs.dialog import Dialog
from encoder_tui.window.widgets.field import Field
from encoder_tui.window.widgets.option_list import Options

ALWAYS: Final = ("sentence-transformers/mldr:en-triplet:train", "builtin")


class SourceChooser(Dialog[str | None]):
    """Asks for a source."""

    CSS = """
    SourceChooser > Vertical { max-height: 90%; }
    SourceChooser OptionList { max-height: 10; }
    SourceChooser Static { color: $text-muted; }
    """

    def __init__(self, current: str | None, recent: Sequence[str] = ()) -> None:
        super().__init__()
        self._current = current
        self._sources = list(dict.fromkeys([*recent, *ALWAYS]))

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Documents"
            yield Static(
                "A file (text, JSON lines, CSV, parquet), a directory of them, or a data set of the Hub as"
                " NAME[:CONFIG[:SPLIT]]",
                markup=False,
            )
            yield Field(self._current or "", placeholder="file, directory or data set", compact=True)
            yield Options(*(Option(Content(visible(source))) for source in self._sources), markup=False)

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.dismiss(event.value.strip())

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._sources[event.option_index])
