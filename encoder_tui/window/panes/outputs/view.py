"""What the views of the pane have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textual.containers import Vertical
from textual.message import Message

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.outputs.runs import OutputFacts
from encoder_tui.window.panes.outputs.asker import Asker
from encoder_tui.window.panes.outputs.runs import ModelRun, Runs
from encoder_tui.window.session.session import Session


@dataclass(frozen=True)
class ChosenOutput:
    """An output of a run, with the place of its model."""

    index: int
    run: ModelRun
    output: OutputFacts

    @property
    def letter(self) -> str:
        return LETTERS[self.index]


class OutputsState:
    """What the views share: the runs, and which output is looked at."""

    def __init__(self, session: Session, runs: Runs) -> None:
        self.session = session
        self.runs = runs
        self.place = 0
        self.head = 0

    def rows(self) -> list[ChosenOutput]:
        """Every output of every model, in the order of the models."""
        return [
            ChosenOutput(index, run, output)
            for index, slot in enumerate(self.session.slots)
            if (run := self.runs.of(slot)) is not None
            for output in run.outputs
        ]

    def chosen(self) -> ChosenOutput | None:
        """The output that is looked at."""
        rows = self.rows()
        return rows[min(self.place, len(rows) - 1)] if rows else None


class OutputView(Vertical):
    """A view of the pane: shows what there is, and may have a question of its own."""

    class SummaryChanged(Message):
        """What the view says of itself in the pane's line changed."""

    about = ""
    """What a view with a question of its own asks about."""
    asker: Asker[Any] | None = None
    """What asks the view's own question, which `r` then asks instead of running the models on the pane's text."""

    def __init__(self, state: OutputsState) -> None:
        super().__init__()
        self.state = state

    def on_unmount(self) -> None:
        self.cancel()

    def show(self) -> None:
        """Show the runs as they are now."""

    def summary(self) -> str:
        """What is in front of the reader, in numbers; empty leaves the pane's own sentence."""
        return ""

    def ask(self) -> None:
        """Ask the view's own question."""
        if self.asker is not None:
            self.asker.ask()

    def cancel(self) -> bool:
        """Give up the view's own question; whether there was one under way."""
        return self.asker is not None and self.asker.cancel()

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
        """Why `y` copies nothing."""
        return "there is nothing to copy yet"
