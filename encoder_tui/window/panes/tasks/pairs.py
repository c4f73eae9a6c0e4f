"""The score of a query against several texts under each cross-encoder, ranked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal

from encoder_tui.client.deployed import pairs_request
from encoder_tui.core.models.card import Card
from encoder_tui.core.report.reproduce_tasks import pairs_snippet
from encoder_tui.core.tasks.encoding import PairsAnswer, ScoredPair
from encoder_tui.core.text.numbers import count
from encoder_tui.core.text.safe import visible
from encoder_tui.protocol import operations
from encoder_tui.window.panes.tasks import words
from encoder_tui.window.panes.tasks.asker import Asker
from encoder_tui.window.panes.tasks.encoding import to_reproduce
from encoder_tui.window.panes.tasks.view import TasksState, TaskView
from encoder_tui.window.session.slot import Slot
from encoder_tui.window.widgets.bars import bar
from encoder_tui.window.widgets.cycle import Cycle
from encoder_tui.window.widgets.model_letters import letter_style
from encoder_tui.window.widgets.written_lines import Written

BAR: Final = 20
RUNS: Final = "scores one text, the query, with each of the others under every cross-encoder"


@dataclass(frozen=True)
class PairsQuestion:
    """A query and the texts that it is scored with, each with its label."""

    query: str
    texts: tuple[str, ...]
    labels: tuple[str, ...]
    prompt: str | None


class PairsView(TaskView):
    """The texts by their score with the query, under each cross-encoder."""

    DEFAULT_CSS = """
    PairsView { height: 1fr; }
    PairsView > Horizontal { height: 1; }
    """
    about = "the scores of a query with the other texts, by cross-encoders"

    def __init__(self, state: TasksState) -> None:
        super().__init__(state)
        self.asker: Asker[PairsAnswer] = Asker(
            self.session, self._question, self._ask_model, self.draw, self.tell_summary_changed, self.unfit
        )

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Cycle("query", [("1", 0)], id="query")
        yield Written()

    def unfit(self, card: Card) -> str:
        if card.kind == "cross-encoder":
            return ""
        return f"it is {words.article(card.kind)}; this view needs a cross-encoder"

    def _question(self) -> PairsQuestion:
        shared, query = self.state.texts.question, self.query_one("#query", Cycle).value
        query = min(query, max(len(shared.texts) - 1, 0))
        others = [place for place in range(len(shared.texts)) if place != query]
        return PairsQuestion(
            shared.texts[query] if shared.texts else "",
            tuple(shared.texts[place] for place in others),
            tuple(shared.labels[place] for place in others),
            shared.prompt,
        )

    def ask(self) -> None:
        if not self._question().texts:
            self.session.notice("there is nothing to score the query with; press e and write another line", "warning")
        else:
            super().ask()

    async def _ask_model(self, slot: Slot) -> None:
        ready, question, session = slot.ready, self.asker.asked, self.session
        assert ready is not None
        assert isinstance(question, PairsQuestion)
        pairs = [(question.query, text) for text in question.texts]
        request = pairs_request(ready, session.settings, pairs, question.prompt)
        self.asker.answers[slot] = await session.engine.run(operations.PAIRS, request, self.asker.telling(slot))

    @on(Cycle.Changed)
    def _chosen(self, event: Cycle.Changed) -> None:
        event.stop()
        self.tell_summary_changed()

    @property
    def ranked(self) -> list[tuple[Slot, PairsAnswer, list[int]]]:
        """Each model's answer, and the places of the texts from the highest score to the lowest.

        A model of several labels ranks nothing: its texts stay in their order.
        """
        found = []
        for slot in self.asker.compared:
            answer = self.asker.answers.get(slot)
            if answer is not None:
                values = [_rank(pair) for pair in answer.pairs]
                found.append((slot, answer, sorted(range(len(values)), key=lambda place: -values[place])))
        return found

    def draw(self) -> None:
        """Show a ranking for each cross-encoder."""
        if not self.is_mounted:
            return
        cycle, labels = self.query_one("#query", Cycle), self.state.texts.question.labels
        choices = [(label, place) for place, label in enumerate(labels)] or [("–", 0)]
        if cycle.choices != choices:
            cycle.take(choices, min(cycle.value, len(choices) - 1))
        body = self.query_one(Written)
        if self.asker.asked is None:
            body.write(words.as_lines(words.teaching(self, RUNS), self.size.width))
            return
        lines: list[list[Segment]] = words.as_lines(words.notes(self), self.size.width)
        for slot, answer, order in self.ranked:
            lines += self._section(slot, answer, order, body)
        body.write(lines)

    def _section(self, slot: Slot, answer: PairsAnswer, order: list[int], body: Written) -> list[list[Segment]]:
        question = self.asker.asked
        assert isinstance(question, PairsQuestion)
        letter = Segment(f" {slot.letter}  ", letter_style(self, slot.number, bold=True))
        activation = "" if answer.activation == "Identity" else f"{answer.activation} of "
        what = f"probabilities of {', '.join(answer.labels)}" if answer.labels else f"{activation}its score"
        lines = [[letter, body.quiet(f"{visible(what)}; {answer.pipeline.in_force.words()}")]]
        if answer.pipeline.is_random:
            lines.append([Segment("    "), body.warning("! random weights, so these scores mean nothing")])
        scores = [_rank(pair) for pair in answer.pairs]
        low, high = min(scores), max(scores)
        for place in order:
            pair = answer.pairs[place]
            share = (scores[place] - low) / (high - low) if high > low else 1.0
            values = " ".join(f"{score:>8.4f}" for score in pair.scores)
            is_cut = any(cut is not None for cut in pair.cuts)
            text = " ".join(question.texts[place][:400].split())
            lines.append(
                [
                    Segment(f"   {visible(question.labels[place]):>4} "),
                    Segment(values, Style(bold=place == order[0] and not answer.labels)),
                    body.quiet("" if answer.labels else f"  {bar(share, BAR):<{BAR}}"),
                    body.quiet(f"  {pair.tokens:>6,} tokens "),
                    body.warning("cut " if is_cut else "    "),
                    Segment(visible(text)),
                ]
            )
        return [*lines, []]

    def summary(self) -> str:
        if self.asker.asked is None:
            others = len(self._question().texts)
            return f"{count(others, 'text')} to score with the query" if others else "Nothing to score"
        said = words.summary(self, "score")
        if said:
            return said
        question = self.asker.asked
        assert isinstance(question, PairsQuestion)
        found = []
        for slot, answer, order in self.ranked:
            first = f"text {question.labels[order[0]]} fits the query best ({_rank(answer.pairs[order[0]]):.3f})"
            several = f"{len(answer.labels):,} labels a pair, so nothing is ranked"
            found.append(f"{slot.letter}: {several if answer.labels else first}")
        return "; ".join(found) or "None of these models is a cross-encoder"

    def python(self) -> str:
        question, runs = self.asker.asked, to_reproduce(self.asker, self.session)
        if not isinstance(question, PairsQuestion) or not runs:
            return ""
        return pairs_snippet(runs, [(question.query, text) for text in question.texts])

    def copied(self) -> str:
        question = self.asker.asked
        if not isinstance(question, PairsQuestion) or not self.ranked:
            return ""
        rows = [
            [slot.name, question.labels[place], *map(repr, answer.pairs[place].scores)]
            for slot, answer, order in self.ranked
            for place in order
        ]
        return "\n".join("\t".join(map(words.on_one_line, row)) for row in [["model", "text", "score"], *rows])


def _rank(pair: ScoredPair) -> float:
    """Return what a pair is ranked by: its score; the same for all pairs if they have a score for each label."""
    return pair.scores[0] if len(pair.scores) == 1 else 0.0
