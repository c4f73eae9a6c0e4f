"""The dialog that reopens a text of an earlier session."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from encoder_tui.core.text.numbers import count
from encoder_tui.core.text.safe import visible
from encoder_tui.window.dialogs.dialog import Dialog
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.option_list import Options

SHOWN = 200


class TextsDialog(Dialog[None]):
    """The texts of earlier sessions; the current text replaces the chosen one in the list."""

    CSS = """
    TextsDialog > Vertical { width: 90; max-height: 90%; }
    TextsDialog OptionList { max-height: 10; }
    TextsDialog Static { color: $text-muted; margin-bottom: 1; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._texts = list(session.memory.state.earlier_texts)

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Earlier texts"
            yield Static("enter opens a text; the current one is kept in this list", markup=False)
            yield Options(*(Option(self._line(text)) for text in self._texts), markup=False)

    def _line(self, text: str) -> Content:
        begun = visible(" ".join(text[:SHOWN].split())) or "white space"
        room = min(90, self.app.size.width * 95 // 100) - 6
        size = f"  {count(len(text), 'character')}"
        return Content.assemble(Content(begun).truncate(max(room - len(size), 8), ellipsis=True), (size, "dim"))

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        self.session.take_earlier_text(self._texts[event.option_index])
        self.dismiss()
