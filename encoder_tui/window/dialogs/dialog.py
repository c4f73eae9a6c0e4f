"""The base of all dialogs: a box in the middle of the window, which escape closes without an answer."""

from __future__ import annotations

from typing import TypeVar

from textual.binding import Binding
from textual.screen import ModalScreen

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer]):
    """A screen with one `Vertical`, the box; its style is in app.tcss."""

    BINDINGS = [Binding("escape", "close", "Close", id="dialog.close")]

    def action_close(self) -> None:
        """Close without an answer."""
        if self.is_active:  # Textual closes whatever is in front
            self.dismiss(None)
