"""Several texts as vectors: the cosine of any two of them under each model, and the poolings side by side."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence

from rich.segment import Segment
from rich.style import Style
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import TextArea

from encoder_tui.core.tasks.pooling import POOLINGS, Given, VectorsAnswer, cosine, cut, norm
from encoder_tui.core.text.numbers import count
from encoder_tui.core.text.safe import visible
from encoder_tui.window.panes.tasks.asker import Asker
from encoder_tui.window.panes.tasks.view import TaskView
from encoder_tui.window.session.session import Session
from encoder_tui.window.session.slot import Slot
from encoder_tui.window.widgets.cycle import Cycle
from encoder_tui.window.widgets.editor import Editor
from encoder_tui.window.widgets.model_letters import letter_style
from encoder_tui.window.widgets.table import fitted
from encoder_tui.window.widgets.written_lines import Written

OTHERS = "Keepers lit an oil lamp in the tower every night.\nBread rises because yeast makes gas."
FIRST_VALUES = 4
CELL = 8

Answers = list[tuple[Given, VectorsAnswer]]
"""What was given of each text, and its vectors."""


class VectorsView(TaskView):
    """Texts, a line each, and how near to each other each model puts them; never one model's vector to another's."""

    DEFAULT_CSS = """
    VectorsView { height: 1fr; }
    VectorsView > Editor { height: 5; max-height: 30%; }
    VectorsView > Horizontal { height: 1; }
    """

    about = "several texts, a line each, and the cosine of any two"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.asker: Asker[Answers] = Asker(session, self.texts, self._ask_model, self.draw, self.tell_summary_changed)

    def compose(self) -> ComposeResult:
        yield Editor(f"{' '.join(self.session.text.split())[:2000]}\n{OTHERS}", id="vector-texts")
        with Horizontal():
            yield Cycle("pooling", POOLINGS, id="pooling")
            yield Cycle("show", ("cosines", "vectors"), id="vector-show")
        yield Written()

    def texts(self) -> list[str]:
        """The lines that are not empty."""
        return [line for line in self.query_one(Editor).text.split("\n") if line.strip()]

    async def _ask_model(self, slot: Slot) -> None:
        tokenizer, files = slot.tokenizer, slot.files
        assert tokenizer is not None
        assert files is not None
        self.asker.answers[slot] = answers = []
        texts = self.asker.asked
        assert isinstance(texts, list)
        for index, text in enumerate(texts):
            # Each alone: padding would change the last digits, and truncation is each text's own.
            given = await asyncio.to_thread(cut, tokenizer, text, files.card.limit)
            answers.append((given, await self.asker.vectors_of(slot, given, f"text {index + 1} of {len(texts)}")))
            self.draw()

    @on(Cycle.Changed)
    @on(TextArea.Changed)
    def _changed(self) -> None:
        self.draw()
        self.post_message(self.SummaryChanged())

    @property
    def pooling(self) -> str:
        return str(self.query_one("#pooling", Cycle).value)

    def matrix(self, slot: Slot) -> list[list[float]]:
        """The cosine of any two texts under one model; empty where it has no such pooling."""
        vectors = [answer.vector(self.pooling) for _, answer in self.asker.answers.get(slot, [])]
        there = [vector for vector in vectors if vector is not None]
        return [[cosine(first, second) for second in there] for first in there]

    def draw(self) -> None:
        """Show the answers so far."""
        body = self.query_one(Written)
        lines: list[list[Segment]] = [[]]
        if self.asker.asked is None:
            lines += [
                [
                    Segment(" r", Style(bold=True)),
                    Segment("  runs every text above on its own through every model, and"),
                ],
                [Segment("    compares the vectors by cosine, within each model, never across models.")],
                [body.quiet("    e edits the texts, tab goes to the pooling, space changes it")],
            ]
        for slot in self.asker.compared:
            if slot in self.asker.answers or slot in self.asker.errors:
                lines += self._section(slot, body)
        body.write(lines)

    def _section(self, slot: Slot, body: Written) -> list[list[Segment]]:
        heading = [Segment(f" {slot.letter}  ", letter_style(self, slot.number, bold=True))]
        answers = self.asker.answers.get(slot, [])
        if slot in self.asker.errors:
            return [[*heading, body.warning(visible(self.asker.errors[slot]))], []]
        if not answers:
            return [[*heading, body.quiet("…")], []]
        in_force = answers[0][1].in_force
        weights = "random weights say nothing about the texts" if in_force.weights == "random" else ""
        words = [in_force.short, *([weights] if weights else [])]
        lines = [[*heading, body.quiet(" · ".join(words))]]
        rows = self._cosines(slot, body) if self._shows_cosines else self._vectors(answers, body)
        short = [
            [body.quiet(f"    text {number + 1} has {given.tokens:,} tokens; {given.seen:,} of them were read")]
            for number, (given, _) in enumerate(answers)
            if given.seen < given.tokens
        ]
        return [*lines, *rows, *short, []]

    @property
    def _shows_cosines(self) -> bool:
        return bool(self.query_one("#vector-show", Cycle).value == "cosines")

    def _cosines(self, slot: Slot, body: Written) -> list[list[Segment]]:
        matrix = self.matrix(slot)
        if not matrix:
            return [[body.quiet(f"    no {self.pooling}: this architecture has none")]]
        texts = self.asker.asked if isinstance(self.asker.asked, list) else []
        lines = [[body.quiet("      " + "".join(f"{number + 1:>{CELL}}" for number in range(len(matrix))))]]
        room = max(self.size.width - 11 - CELL * len(matrix), 12)
        for number, row in enumerate(matrix):
            others = [value for place, value in enumerate(row) if place != number and math.isfinite(value)]
            line = [body.quiet(f"   {number + 1:>3}")]
            for place, value in enumerate(row):
                words = f"{value:>{CELL}.4f}"
                is_nearest = bool(others) and place != number and value == max(others)
                line.append(body.quiet(words) if place == number else Segment(words, Style(bold=is_nearest)))
            line.append(body.quiet(f"   {fitted(visible(texts[number]), room - 1).rstrip()}"))
            lines.append(line)
        return lines

    def _vectors(self, answers: Sequence[tuple[Given, VectorsAnswer]], body: Written) -> list[list[Segment]]:
        lines = [[body.quiet(f"   text pooling       norm  of {self._hidden(answers[0][1])} values, the first")]]
        for number, (_, answer) in enumerate(answers):
            for pooling in POOLINGS:
                vector = answer.vector(pooling)
                if vector is None:
                    continue
                begin = "".join(f"{value:>10.4f}" for value in vector[:FIRST_VALUES])
                label = f"{number + 1:>5}" if pooling == POOLINGS[0] else " " * 5
                is_chosen = Style(bold=pooling == self.pooling)
                lines.append(
                    [body.quiet(f"  {label} "), Segment(f"{pooling:<8}{norm(vector):>10.3f}{begin} …", is_chosen)]
                )
        return lines

    @staticmethod
    def _hidden(answer: VectorsAnswer) -> str:
        return f"{len(answer.vectors['cls']) // 4:,}"

    def summary(self) -> str:
        if self.asker.status:
            return self.asker.status
        if self.asker.asked is None:
            return f"{count(len(self.texts()), 'text')} to compare"
        if self.asker.is_earlier:
            return "These results are for earlier texts or other models; press r to run again"
        found = []
        for slot in self.asker.compared:
            matrix = self.matrix(slot)
            pairs = [
                (matrix[i][j], i + 1, j + 1)
                for i in range(len(matrix))
                for j in range(i)
                if math.isfinite(matrix[i][j])
            ]
            if pairs:
                value, second, first = max(pairs)
                found.append(f"{slot.letter}: texts {first} and {second} are nearest ({value:.3f})")
        return "; ".join(found) + f"; {self.pooling} pooling" if found else ""

    def copied(self) -> str:
        """What is shown of every model, cosines or vectors, tab-separated under a header, with every digit."""
        labels = ["model", "text"] if self._shows_cosines else ["model", "text", "pooling", "norm"]
        rows = [row for slot in self.asker.slots for row in self._copied_of(slot)]
        values = range(1, max(map(len, rows), default=0) - len(labels) + 1)
        return "\n".join("\t".join(row) for row in ([*labels, *map(str, values)], *rows)) if rows else ""

    def _copied_of(self, slot: Slot) -> Iterator[list[str]]:
        name = visible(slot.name)
        if self._shows_cosines:
            for number, row in enumerate(self.matrix(slot), 1):
                yield [name, str(number), *map(repr, row)]
            return
        for number, (_, answer) in enumerate(self.asker.answers.get(slot, []), 1):
            for pooling in POOLINGS:
                vector = answer.vector(pooling)
                if vector is not None:
                    yield [name, str(number), pooling, repr(norm(vector)), *map(repr, vector)]
