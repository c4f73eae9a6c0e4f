"""How alike the texts remain if vectors are cut to their first values (Matryoshka)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult

from encoder_tui.core.models.card import Card
from encoder_tui.core.report.reproduce_tasks import matryoshka_snippet
from encoder_tui.core.tasks.encoding import EncodeAnswer
from encoder_tui.core.tasks.matryoshka import Shortened, shortenings
from encoder_tui.core.text.safe import visible
from encoder_tui.window.panes.tasks import words
from encoder_tui.window.panes.tasks.encoding import to_reproduce
from encoder_tui.window.panes.tasks.texts import TextsQuestion
from encoder_tui.window.panes.tasks.view import TasksState, TaskView
from encoder_tui.window.session.slot import Slot
from encoder_tui.window.widgets.bars import bar
from encoder_tui.window.widgets.model_letters import letter_style
from encoder_tui.window.widgets.written_lines import Written

BAR: Final = 12
CELL: Final = 9
MOST: Final = 20
"""Texts that are compared: their cosines are computed here, at every length."""
RUNS: Final = (
    "encodes the texts above, and compares the first with the others by fewer and fewer values of their vectors"
)
EDITS: Final = "the texts, a line each: an anchor, a text that belongs to it, one that does not, …"


class DimensionsView(TaskView):
    """The cosines of the first text with the others, for each length of the vectors."""

    DEFAULT_CSS = """
    DimensionsView { height: 1fr; }
    """
    about = "the cosines that are left if vectors are cut to their first values and made of length 1 again"

    def __init__(self, state: TasksState) -> None:
        super().__init__(state)
        self.asker = state.encoding
        self._known: dict[Slot, tuple[EncodeAnswer, list[Shortened]]] = {}

    def compose(self) -> ComposeResult:
        yield Written()

    def unfit(self, card: Card) -> str:
        if card.kind in {"cross-encoder", "sparse-encoder", "multi-vector-encoder"}:
            return f"it is {words.article(card.kind)}; this view needs one dense vector a text"
        return ""

    @property
    def shortened(self) -> list[tuple[Slot, list[Shortened]]]:
        """What each model's vectors say at each length, from the whole vectors on."""
        found = []
        for slot in self.asker.compared:
            answer = self.asker.answers.get(slot)
            if answer is None or answer.vectors.layout != "dense" or len(answer.texts) < 2:
                continue
            known = self._known.get(slot)
            if known is None or known[0] is not answer:
                texts = range(min(len(answer.texts), MOST))
                known = answer, shortenings([answer.vectors.vector(text) for text in texts])
                self._known[slot] = known
            found.append((slot, known[1]))
        return found

    def draw(self) -> None:
        """Show a table for each model."""
        if not self.is_mounted:
            return
        body = self.query_one(Written)
        if self.asker.asked is None:
            body.write(words.as_lines(words.teaching(self, RUNS, EDITS, takes="from elsewhere"), self.size.width))
            return
        lines: list[list[Segment]] = words.as_lines(words.notes(self), self.size.width)
        if len(words.labels(self.asker.asked)) < 2:
            lines.append([body.quiet(" There is nothing to compare the first text with; e adds lines")])
        for slot, sizes in self.shortened:
            lines += self._section(slot, sizes, body)
        body.write(lines)

    def _section(self, slot: Slot, sizes: Sequence[Shortened], body: Written) -> list[list[Segment]]:
        labels, answer = words.labels(self.asker.asked)[:MOST], self.asker.answers[slot]
        letter = Segment(f" {slot.letter}  ", letter_style(self, slot.number, bold=True))
        lines = [[letter, body.quiet(f"{visible(slot.short)}: cosine of text {visible(labels[0])} with the others")]]
        if answer.pipeline.is_random:
            lines.append([Segment("    "), body.warning("! random weights, so these numbers mean nothing")])
        head = "".join(f"{visible(label):>{CELL}}" for label in labels[1:])
        margin = f"{visible(labels[1])} − {visible(labels[2])}" if len(labels) > 2 else ""
        lines.append([body.quiet(f"    values{head}  {margin:>{CELL}}")])
        for size in sizes:
            row, order = size.cosines[0][1:], order_of(size)
            line = [Segment(f"{size.dimension:>10,}")]
            for place, value in enumerate(row):
                line.append(Segment(f"{value:>{CELL}.4f}", Style(bold=place == order[0])))
            if len(row) > 1:
                difference = row[0] - row[1]
                line += [Segment(f"  {difference:>+{CELL}.4f} "), body.quiet(f"{bar(difference, BAR):<{BAR}}")]
            if order != order_of(sizes[0]):
                listed = ", ".join(visible(labels[place + 1]) for place in order)
                line.append(body.warning(f"  another order: {listed}"))
            lines.append(line)
        if len(answer.texts) > MOST:
            lines.append([body.quiet(f"    the first {MOST} of {len(answer.texts):,} texts")])
        return [*lines, []]

    def summary(self) -> str:
        said = words.summary(self, "compare")
        if said:
            return said
        found = []
        for slot, sizes in self.shortened:
            orders = [order_of(size) for size in sizes]
            same = sizes[: next((n for n, order in enumerate(orders) if order != orders[0]), len(orders))]
            words_of = f"the order of the texts is the same down to {same[-1].dimension:,} values"
            if len(sizes) == 1:
                words_of = f"its vectors have {sizes[0].dimension:,} values, and are not cut further"
            elif len(same) == 1:
                words_of = f"{sizes[1].dimension:,} of {sizes[0].dimension:,} values give the texts another order"
            found.append(f"{slot.letter}: {words_of}")
        return "; ".join(found)

    def python(self) -> str:
        question, there = self.asker.asked, [slot for slot, _ in self.shortened]
        if not isinstance(question, TextsQuestion) or not there:
            return ""
        kinds = list({self.asker.answers[slot].pipeline.kind for slot in there})
        runs = to_reproduce(self.asker, self.session, question.truncate_dim, kinds)
        sizes = sorted({size.dimension for _, sizes in self.shortened for size in sizes}, reverse=True)
        return matryoshka_snippet(runs, question.texts[:MOST], sizes)

    def copied(self) -> str:
        labels = words.labels(self.asker.asked)[:MOST]
        rows = [
            [slot.name, str(size.dimension), *map(repr, size.cosines[0][1:])]
            for slot, sizes in self.shortened
            for size in sizes
        ]
        head = ["model", "values", *labels[1:]]
        return "\n".join("\t".join(map(words.on_one_line, row)) for row in [head, *rows]) if rows else ""


def order_of(size: Shortened) -> list[int]:
    """Return the places of the other texts from the most to the least like the first."""
    row = size.cosines[0][1:]
    return sorted(range(len(row)), key=lambda place: (-row[place] if math.isfinite(row[place]) else math.inf, place))
