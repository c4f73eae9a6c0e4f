"""Choosing the column of text, with a value of each; or another configuration or split."""

from __future__ import annotations

from typing import Final

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from encoder_tui.core.text.safe import visible
from encoder_tui.protocol.documents import Column, SourceAnswer
from encoder_tui.window.dialogs.dialog import Dialog
from encoder_tui.window.panes.documents.source_dialog import choices_of
from encoder_tui.window.widgets.option_list import Options
from encoder_tui.window.widgets.table import fitted

SHOWN: Final = 66
"""Cells of a name and a value."""


class ColumnChooser(Dialog[tuple[str, str] | None]):
    """Asks for a column, a configuration or a split; the answer is which of them, and its name."""

    CSS = """
    ColumnChooser > Vertical { max-height: 90%; }
    ColumnChooser OptionList { max-height: 20; }
    """

    def __init__(self, answer: SourceAnswer, current: str) -> None:
        super().__init__()
        columns = answer.choices or [Column(name) for name in answer.columns]
        self._current = current
        self._examples = {column.name: column.example or "" for column in columns}
        self._choices = [*(("column", column.name) for column in columns), *choices_of(answer)]

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Columns of text"
            options = Options(*map(self._option, self._choices), markup=False)
            options.highlighted = next(
                (place for place, (_, name) in enumerate(self._choices) if name == self._current), 0
            )
            yield options

    def _option(self, choice: tuple[str, str]) -> Option:
        kind, name = choice
        if kind != "column":
            return Option(Content(visible(f"{kind} {name}")))
        room = max(SHOWN - cell_len(visible(name)), 12)
        example = fitted(visible(" ".join(self._examples[name].split())), room).rstrip()
        return Option(Content.assemble((visible(name), "bold"), "  ", (example, "dim")))

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index])
