"""What the views of the pane have in common."""

from __future__ import annotations

from typing import Any, Final

from textual.containers import Vertical
from textual.message import Message

from encoder_tui.window.panes.registry import PANES
from encoder_tui.window.panes.tasks.asker import Asker
from encoder_tui.window.session.session import Session

NO_DOCUMENT: Final = f"no document is open; {PANES['documents'].shown_key} opens one"


class TaskView(Vertical):
    """A view of the pane: puts its question to every model and shows the answers."""

    class SummaryChanged(Message):
        """The summary of the view has changed."""

    about = ""
    """What the view asks about."""
    asker: Asker[Any]
    """Puts the view's question to the models when `r` is pressed."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    def on_unmount(self) -> None:
        self.cancel()

    def show(self) -> None:
        """Show the answers so far; cancel the question if its models have changed."""
        self.asker.models_changed()
        self.draw()

    def draw(self) -> None:
        """Show the answers so far."""

    def summary(self) -> str:
        """Return what is in front of the reader, in numbers."""
        return ""

    def ask(self) -> None:
        """Put the current question to every model."""
        self.asker.ask()

    def cancel(self) -> bool:
        """Cancel the question; return whether it was being asked."""
        return self.asker.cancel()

    def tell_summary_changed(self) -> None:
        """Have the pane write the summary anew."""
        if self.is_mounted:
            self.post_message(self.SummaryChanged())

    def take_document(self) -> bool:
        """Switch the view between its own texts and the open document; return whether it can."""
        return False

    def copied(self) -> str:
        """Return what `y` copies."""
        return ""

    @property
    def why_not_copied(self) -> str:
        """Say why `y` copies nothing."""
        return "there is nothing to copy yet"
