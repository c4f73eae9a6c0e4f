"""What the views of the pane have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textual.containers import Vertical
from textual.message import Message

from encoder_tui.core.models.card import Card
from encoder_tui.core.tasks.encoding import EncodeAnswer
from encoder_tui.window.panes.tasks.asker import Asker
from encoder_tui.window.panes.tasks.texts import Texts
from encoder_tui.window.session.session import Session
from encoder_tui.window.session.slot import Slot


@dataclass
class TasksState:
    """What the views share: the texts, and the question that encodes them with its answers."""

    session: Session
    texts: Texts
    encoding: Asker[EncodeAnswer]


class TaskView(Vertical):
    """A view of the pane: puts its question to every model and shows the answers."""

    class SummaryChanged(Message):
        """The summary of the view has changed."""

    about = ""
    """What the view asks about."""
    takes_texts = True
    """Whether the view is about the texts that the pane shares."""
    asker: Asker[Any]
    """Puts the view's question to the models when `r` is pressed."""

    def __init__(self, state: TasksState) -> None:
        super().__init__()
        self.state = state
        self.session = state.session

    def on_resize(self) -> None:
        self.draw()

    def on_unmount(self) -> None:
        self.cancel()

    def unfit(self, card: Card) -> str:
        """Say what the view needs that a model is not; empty if it fits the model."""
        return ""

    def why_not(self, slot: Slot) -> str:
        """Say why a model gives no answer here: it does not fit the view, or the question failed; else empty."""
        unfit = "" if slot.files is None else self.unfit(slot.files.card)
        return unfit or self.asker.errors.get(slot, "")

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
        if self.takes_texts and not self.state.texts.question.texts:
            self.session.notice(
                self.state.texts.why_none or "there is no text; press e and write one a line", "warning"
            )
            return
        self.asker.ask()

    def cancel(self) -> bool:
        """Cancel the question; return whether it was being asked."""
        return self.asker.cancel()

    def tell_summary_changed(self) -> None:
        """Have the pane write the summary anew."""
        if self.is_mounted:
            self.post_message(self.SummaryChanged())

    def take_document(self) -> bool:
        """Take the texts from the next source; return whether the view takes texts from elsewhere."""
        if self.takes_texts:
            self.state.texts.next_source()
        return self.takes_texts

    def python(self) -> str:
        """Return Python code that gives what the view shows; empty if there is nothing yet."""
        return ""

    def copied(self) -> str:
        """Return what `y` copies."""
        return ""

    @property
    def why_not_copied(self) -> str:
        """Say why `y` copies nothing."""
        return "there is nothing to copy yet"
