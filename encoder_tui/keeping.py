"""The part of the window that keeps things: a report of what is on the screen, the texts of earlier sessions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.app import App, SystemCommand

if TYPE_CHECKING:
    from encoder_tui.session import Session


class Keeping(App[int]):
    """Actions of the palette."""

    session: Session

    def keeping_commands(self) -> Iterable[SystemCommand]:
        """What the palette offers."""
        if self.session.memory.state.earlier_texts:
            yield SystemCommand("Earlier texts", "Go on with a text of an earlier session", self.action_earlier_texts)

    def action_earlier_texts(self) -> None:
        """Go on with a text that another session left."""
        from encoder_tui.texts_dialog import TextsDialog  # noqa: PLC0415  # after the first paint

        if not isinstance(self.screen, TextsDialog):
            self.push_screen(TextsDialog(self.session))
