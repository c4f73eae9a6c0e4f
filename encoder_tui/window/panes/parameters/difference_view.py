"""Two checkpoints of one architecture: which tensors changed, and by how much."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from encoder_tui.client.client import EngineError, OperationFailed
from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.models.files import ModelFiles
from encoder_tui.core.parameters.correspondence import shared_names
from encoder_tui.core.parameters.description import shape_text
from encoder_tui.core.parameters.statistics import Change, Differences, sentence
from encoder_tui.core.text.numbers import relative_percent
from encoder_tui.core.text.safe import visible
from encoder_tui.protocol.frames import Progress
from encoder_tui.protocol.operations import DIFFERENCE
from encoder_tui.protocol.parameters import DifferenceRequest
from encoder_tui.window.panes.parameters.descriptions import Described
from encoder_tui.window.panes.parameters.role_and_config_views import tab_separated
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.table import Column, Table

COLUMNS = (
    Column("tensor", 0),
    Column("shape", 16, "right"),
    Column("relative", 10, "right"),
    Column("‖difference‖", 12, "right"),
    Column("largest", 9, "right"),
)
"""Relative is the norm of the difference divided by that of the first model's tensor."""


class DifferenceView(Vertical):
    """The first two models that have names in common, compared tensor by tensor, largest change first."""

    DEFAULT_CSS = """
    DifferenceView { height: 1fr; }
    DifferenceView > #difference-words { height: auto; max-height: 3; padding: 0 1; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.changes: list[Change] = []
        self._asked: tuple[str, ...] = ()
        self._comparing: asyncio.Task[None] | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="difference-words", markup=False)
        yield Table(COLUMNS, id="difference-table")

    def on_unmount(self) -> None:
        self._asked = ()
        self.cancel()

    @property
    def is_reading(self) -> bool:
        return self._comparing is not None and not self._comparing.done()

    def cancel(self) -> None:
        """Stop the comparison; the results so far stay."""
        if self._comparing is not None:
            self._comparing.cancel()

    def show(self, entries: Sequence[Described]) -> None:
        """Compare, unless this was done already or is being done."""
        pair = comparable(entries)
        if isinstance(pair, str):
            self._asked = ()
            self.cancel()
            self._take([])
            self._say(pair)
            return
        (one, first), (other, second) = pair
        asked = (LETTERS[one], first.path, first.weights, LETTERS[other], second.path, second.weights)
        if asked == self._asked:
            return
        self._asked = asked
        self.cancel()
        self._take([])
        self._comparing = asyncio.create_task(self._compare(one, first, other, second))
        self._comparing.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Say that the comparison was stopped, even before its first step, and repeat it when it is shown again."""
        if task.cancelled() and task is self._comparing and self._asked:
            self._asked = ()
            self._say(f"stopped after {len(self.changes):,} tensors")

    async def _compare(self, one: int, first: ModelFiles, other: int, second: ModelFiles) -> None:
        letters = LETTERS[one] + LETTERS[other]

        def progressed(progress: Progress) -> None:
            share = f" {100 * progress.done / progress.total:.0f} %" if progress.total else ""
            self._say(f"{progress.text}{share}; escape stops")

        def came(part: Differences) -> None:
            self._take([*self.changes, *part.changes])

        request = DifferenceRequest(first.name, first.path, second.name, second.path)
        try:
            found = await self.session.engine.run(DIFFERENCE, request, progressed, came)
        except (OperationFailed, EngineError) as error:
            self._say(str(error))
        else:
            self._take(found.changes)
            self._say(sentence(found, letters))

    def _take(self, changes: list[Change]) -> None:
        self.changes = sorted(changes, key=lambda change: -change.relative)
        self.query_one(Table).show_rows(
            len(self.changes), lambda row: _cells(self.changes[row]), lambda row: not self.changes[row].difference
        )

    def tsv(self) -> str:
        """The table, tab-separated."""
        return tab_separated([[column.label for column in COLUMNS], *map(_cells, self.changes)]) if self.changes else ""

    def _say(self, words: str) -> None:
        self.query_one("#difference-words", Static).update(Content(visible(words)))


def _cells(change: Change) -> list[str]:
    numbers = (f"{change.difference:.4g}", f"{change.largest:.3g}") if change.difference else ("0", "0")
    return [
        change.name,
        shape_text(change.shape),
        relative_percent(change.relative) if change.difference else "equal",
        *numbers,
    ]


def comparable(entries: Sequence[Described]) -> tuple[tuple[int, ModelFiles], tuple[int, ModelFiles]] | str:
    """Return the first two models whose tensors can be compared, or why there are none."""
    known = [(e.number, e.description, e.files) for e in entries if e.description is not None and e.files]
    if len(known) < 2:
        return "Two models are needed: give a checkpoint and its fine-tuned version with -m, or press m."
    same = [
        ((i, files), (j, others))
        for i, one, files in known
        for j, other, others in known
        if i < j and files is not None and others is not None and one and other and shared_names([one, other])
    ]
    if not same:
        return "No two of these models share a parameter name, so there are no tensors to compare."
    with_weights = [pair for pair in same if pair[0][1].has_weights and pair[1][1].has_weights]
    if not with_weights:
        return "These models share parameter names, but weights of at least one of them are missing here."
    return with_weights[0]
