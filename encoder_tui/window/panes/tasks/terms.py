"""The weighted terms that a sparse encoder makes of two texts, and what each adds to their similarity."""

from __future__ import annotations

from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual import on
from textual.app import ComposeResult

from encoder_tui.core.models.card import Card
from encoder_tui.core.tasks.encoding import EncodeAnswer
from encoder_tui.core.tasks.encoding_words import heading
from encoder_tui.core.tasks.terms import TermPair, term_pairs
from encoder_tui.core.text.numbers import count
from encoder_tui.core.text.safe import visible_piece
from encoder_tui.window.panes.tasks import words
from encoder_tui.window.panes.tasks.encoding import vectors_python
from encoder_tui.window.panes.tasks.two_texts import TwoTexts
from encoder_tui.window.panes.tasks.view import TasksState, TaskView
from encoder_tui.window.session.slot import Slot
from encoder_tui.window.widgets.bars import bar
from encoder_tui.window.widgets.cycle import Cycle
from encoder_tui.window.widgets.model_letters import letter_style
from encoder_tui.window.widgets.table import fitted
from encoder_tui.window.widgets.written_lines import Written

TERM: Final = 18
BAR: Final = 10
MOST: Final = 200
"""Terms of a model that are shown; their number is always said."""
RUNS: Final = "encodes the texts above with every sparse encoder, and shows the terms of two of them"


class TermsView(TaskView):
    """The terms of two texts under each sparse encoder."""

    DEFAULT_CSS = """
    TermsView { height: 1fr; }
    """
    about = "the weighted vocabulary entries that a sparse encoder makes of a text"

    def __init__(self, state: TasksState) -> None:
        super().__init__(state)
        self.asker = state.encoding

    def compose(self) -> ComposeResult:
        yield TwoTexts("text", "and text")
        yield Written()

    def unfit(self, card: Card) -> str:
        if card.kind == "sparse-encoder":
            return ""
        return f"it is {words.article(card.kind)}; this view needs a sparse encoder"

    @on(Cycle.Changed)
    def _chosen(self, event: Cycle.Changed) -> None:
        event.stop()
        self.draw()
        self.tell_summary_changed()

    @property
    def pairs(self) -> list[tuple[Slot, EncodeAnswer, list[TermPair]]]:
        """The terms of the two chosen texts under each model that has them."""
        first, second = self.query_one(TwoTexts).chosen
        return [
            (slot, answer, term_pairs(answer, first, second))
            for slot in self.asker.compared
            if (answer := self.asker.answers.get(slot)) is not None
            and answer.vectors.layout == "sparse"
            and max(first, second) < len(answer.texts)
        ]

    def draw(self) -> None:
        """Show a section for each sparse encoder."""
        if not self.is_mounted:
            return
        asked = self.asker.asked
        self.query_one(TwoTexts).offer(words.labels(self.state.texts.question if asked is None else asked))
        body = self.query_one(Written)
        if asked is None:
            body.write(words.as_lines(words.teaching(self, RUNS), self.size.width))
            return
        lines: list[list[Segment]] = words.as_lines(words.notes(self), self.size.width)
        for slot, answer, pairs in self.pairs:
            lines += self._section(slot, answer, pairs, body)
        body.write(lines)

    def _section(self, slot: Slot, answer: EncodeAnswer, pairs: list[TermPair], body: Written) -> list[list[Segment]]:
        letter = Segment(f" {slot.letter}  ", letter_style(self, slot.number, bold=True))
        lines = [[letter, body.quiet(heading(answer.pipeline, answer.dimension))]]
        if answer.pipeline.is_random:
            lines.append([Segment("    "), body.warning("! random weights, so these terms mean nothing")])
        labels = words.labels(self.asker.asked)
        first, second = (labels[text] for text in self.query_one(TwoTexts).chosen)
        columns = f"    {'term':<{TERM}}{f'in {first}':>8}{'':{BAR + 2}}{f'in {second}':>8}{'':{BAR + 2}}{'adds':>9}"
        lines.append([body.quiet(columns)])
        full = max((max(abs(pair.first), abs(pair.second)) for pair in pairs), default=1.0) or 1.0
        for pair in pairs[:MOST]:
            is_shared = bool(pair.first and pair.second)
            line = [Segment(f"    {fitted(visible_piece(pair.term), TERM)}", Style(bold=is_shared))]
            for weight in (pair.first, pair.second):
                line.append(Segment(f"{weight:>8.3f} " if weight else f"{'–':>8} "))
                line.append(body.quiet(f"{bar(abs(weight) / full, BAR):<{BAR + 1}}"))
            line.append(Segment(f"{pair.adds:>+9.3f}" if is_shared and pair.adds is not None else "", Style(bold=True)))
            lines.append(line)
        if len(pairs) > MOST:
            lines.append([body.quiet(f"    and {len(pairs) - MOST:,} more; y copies all of them")])
        return [*lines, []]

    def summary(self) -> str:
        said = words.summary(self, "encode")
        if said:
            return said
        first, second = self.query_one(TwoTexts).chosen
        found = []
        for slot, answer, pairs in self.pairs:
            shared = [pair for pair in pairs if pair.first and pair.second]
            score = "" if answer.similarity is None else f"{answer.similarity.row(first)[second]:.3f}"
            function = "" if answer.similarity is None else answer.similarity.function
            best = f", the largest part from {visible_piece(shared[0].term)}" if shared and shared[0].adds else ""
            found.append(f"{slot.letter}: {function} {score} from {count(len(shared), 'shared term')}{best}")
        return "; ".join(found) or "None of these models is a sparse encoder"

    def python(self) -> str:
        return vectors_python(self.asker, self.session, ("sparse-encoder",))

    def copied(self) -> str:
        rows = [
            [slot.name, pair.term, repr(pair.first), repr(pair.second), "" if pair.adds is None else repr(pair.adds)]
            for slot, _, pairs in self.pairs
            for pair in pairs
        ]
        head = ["model", "term", "first", "second", "adds"]
        return "\n".join("\t".join(map(words.on_one_line, row)) for row in [head, *rows]) if rows else ""
