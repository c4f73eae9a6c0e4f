"""How alike the texts are under each model, never across models."""

from __future__ import annotations

from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Static

from encoder_tui.core.models.card import Card
from encoder_tui.core.tasks.encoding import Similarity
from encoder_tui.core.tasks.encoding_words import bounds
from encoder_tui.core.text.safe import visible
from encoder_tui.window.panes.tasks import words
from encoder_tui.window.panes.tasks.encoding import vectors_python
from encoder_tui.window.panes.tasks.view import TasksState, TaskView
from encoder_tui.window.session.slot import Slot
from encoder_tui.window.theme import QUIET
from encoder_tui.window.widgets.model_letters import letter_markup
from encoder_tui.window.widgets.shaded_grid import SHADE, Block, ShadedGrid, needed

RUNS: Final = (
    "encodes the texts above with every model as it is deployed, and compares them by the model's own function"
)


class SimilarityView(TaskView):
    """A shaded matrix of texts by texts under each model."""

    DEFAULT_CSS = """
    SimilarityView { height: 1fr; }
    SimilarityView > Static { height: auto; }
    SimilarityView > ShadedGrid { height: 1fr; }
    SimilarityView > #similarity-notes { padding: 0 1; max-height: 60%; }
    SimilarityView > #similarity-legend { padding: 0 1; max-height: 3; }
    """
    BINDINGS = [
        Binding(
            "s",
            "sort",
            "Sort",
            id="tasks.sort",
            tooltip="Sort the rows by likeness to the text under the cursor: under each model in turn, then not at all",
        ),
        Binding("right_square_bracket", "other(1)", "Next model", show=False, id="tasks.next-model"),
        Binding("left_square_bracket", "other(-1)", "Previous model", show=False, id="tasks.previous-model"),
    ]
    about = "how alike the texts are under each model"

    def __init__(self, state: TasksState) -> None:
        super().__init__(state)
        self.asker = state.encoding
        self.sorted_by: tuple[Slot, int] | None = None
        self._model = 0

    def compose(self) -> ComposeResult:
        yield Static(id="similarity-notes", markup=False)
        yield ShadedGrid()
        yield Static(id="similarity-legend", markup=False)

    def unfit(self, card: Card) -> str:
        return words.needs_vectors(card)

    # What there is

    @property
    def similarities(self) -> list[tuple[Slot, Similarity]]:
        """The models that have compared the texts, each with its place."""
        return [
            (slot, answer.similarity)
            for slot in self.asker.compared
            if (answer := self.asker.answers.get(slot)) is not None and answer.similarity is not None
        ]

    def draw(self) -> None:
        """Show the matrices, and the models that have none."""
        if not self.is_mounted:
            return
        grid, there = self.query_one(ShadedGrid), self.similarities
        notes = words.notes(self) if self.asker.asked is not None else words.teaching(self, RUNS)
        if there and (random := words.randomness(self)) is not None:
            notes.append(random)
        box = self.query_one("#similarity-notes", Static)
        box.display = bool(notes)
        box.update(Content("\n").join(notes))
        if there:
            grid.open(words.names(self.asker.asked), self._shown(there), self._order(there))
        else:
            grid.open([], [])
        self._explain()

    def _shown(self, there: list[tuple[Slot, Similarity]]) -> list[Block]:
        """Return the matrices that have room side by side; else one of them."""
        labels = words.labels(self.asker.asked)
        blocks = []
        for slot, similarity in there:
            low, high = bounds([similarity.row(text) for text in range(similarity.size)])
            blocks.append(
                Block(slot.number, labels, similarity.row, low, high, is_quiet=lambda row, column: row == column)
            )
        if needed(blocks, SHADE) <= self.size.width:
            return blocks
        return [blocks[self._model % len(blocks)]]

    def _order(self, there: list[tuple[Slot, Similarity]]) -> list[int] | None:
        """Return the texts in the order of the rows; None for their own."""
        if self.sorted_by is None:
            return None
        slot, text = self.sorted_by
        row = next((one.row(text) for other, one in there if other is slot and text < one.size), None)
        if row is None:
            self.sorted_by = None
            return None
        return sorted(range(len(row)), key=lambda other: (other != text, -row[other]))

    @on(ShadedGrid.Moved)
    def _explain(self) -> None:
        """Say which texts are compared under the cursor, and their similarity under each model."""
        grid, legend = self.query_one(ShadedGrid), self.query_one("#similarity-legend", Static)
        there = self.similarities
        names = words.names(self.asker.asked)
        legend.display = bool(there) and bool(names)
        if not legend.display:
            return
        row, column = min(grid.row, len(names) - 1), min(grid.column, len(names) - 1)
        pairs: list[Content | str | tuple[str, str]] = []
        for slot, similarity in there:
            value = similarity.row(row)[column]
            pairs += [(f"  {slot.letter} ", letter_markup(slot.number)), (f"{value:.4f}", "bold")]
            pairs.append((f" {similarity.function}", QUIET))
        both = dict.fromkeys(visible(" ".join(names[place].split())) for place in (row, column))
        room = max((self.size.width - 8) // len(both), 12)
        first = Content(" · ").join([Content(text if len(text) <= room else f"{text[: room - 1]}…") for text in both])
        if self.sorted_by is not None:
            slot, text = self.sorted_by
            pairs.append((f"   rows by likeness to {words.labels(self.asker.asked)[text]} under {slot.letter}", QUIET))
        legend.update(Content("\n").join([first, Content.assemble(*pairs)]))

    # Keys

    def action_sort(self) -> None:
        """Sort the rows by likeness to the one under the cursor: under each model in turn, then not at all."""
        grid, slots = self.query_one(ShadedGrid), [slot for slot, _ in self.similarities]
        if not slots:
            self.session.notice("there is nothing to sort yet; press r to compare the texts", "warning")
            return
        before, row = self.sorted_by, grid.row
        if before is None or before[1] != row or before[0] not in slots:
            self.sorted_by = slots[0], row
        elif before[0] is slots[-1]:
            self.sorted_by = None
        else:
            self.sorted_by = slots[slots.index(before[0]) + 1], row
        self.draw()

    def action_other(self, step: int) -> None:
        """Show another model, if they have no room side by side."""
        self._model += step
        self.draw()

    # Words

    def summary(self) -> str:
        return words.summary(self, "compare") or "; ".join(
            f"{slot.letter}: {nearest}"
            for slot, similarity in self.similarities
            if (nearest := words.nearest(similarity, words.labels(self.asker.asked)))
        )

    def python(self) -> str:
        return vectors_python(self.asker, self.session)

    def copied(self) -> str:
        labels = words.labels(self.asker.asked)
        rows = [
            [visible(slot.name), labels[text], *map(repr, similarity.row(text))]
            for slot, similarity in self.similarities
            for text in range(similarity.size)
        ]
        return "\n".join("\t".join(row) for row in [["model", "text", *labels], *rows]) if rows else ""
