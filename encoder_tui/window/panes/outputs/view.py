"""What the views of the pane have in common."""

from __future__ import annotations

from dataclasses import dataclass

from textual.containers import Vertical
from textual.message import Message

from encoder_tui.core.outputs.runs import OutputFacts
from encoder_tui.window.panes.outputs.runs import ModelRun, Runs
from encoder_tui.window.session.session import Session


@dataclass(frozen=True)
class ChosenOutput:
    """An output of a run."""

    run: ModelRun
    output: OutputFacts

    @property
    def letter(self) -> str:
        """The letter of its model."""
        return self.run.slot.letter


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
            ChosenOutput(run, output)
            for slot in self.session.slots
            if (run := self.runs.of(slot)) is not None
            for output in run.outputs
        ]

    def chosen(self) -> ChosenOutput | None:
        """The output that is looked at."""
        rows = self.rows()
        return rows[min(self.place, len(rows) - 1)] if rows else None


class OutputView(Vertical):
    """A view of the pane: shows the outputs of the runs."""

    class SummaryChanged(Message):
        """What the view says of itself in the pane's line changed."""

    def __init__(self, state: OutputsState) -> None:
        super().__init__()
        self.state = state

    def show(self) -> None:
        """Show the runs as they are now."""

    def summary(self) -> str:
        """What is in front of the reader, in numbers; empty leaves the pane's own sentence."""
        return ""

    def copied(self) -> str:
        """Return what `y` copies."""
        return ""

    @property
    def why_not_copied(self) -> str:
        """Why `y` copies nothing."""
        return "there is nothing to copy yet"
