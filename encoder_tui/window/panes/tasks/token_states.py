"""How alike the tokens of two texts are, with the token that wins each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widgets import Static

from encoder_tui.client.deployed import token_states_request
from encoder_tui.core.models.card import Card
from encoder_tui.core.report.reproduce_tasks import token_states_snippet
from encoder_tui.core.tasks.encoding import TokenStatesAnswer
from encoder_tui.core.text.safe import visible, visible_piece
from encoder_tui.protocol import operations
from encoder_tui.window.panes.tasks import words
from encoder_tui.window.panes.tasks.asker import Asker
from encoder_tui.window.panes.tasks.encoding import to_reproduce
from encoder_tui.window.panes.tasks.two_texts import TwoTexts
from encoder_tui.window.panes.tasks.view import TasksState, TaskView
from encoder_tui.window.session.slot import Slot
from encoder_tui.window.theme import QUIET
from encoder_tui.window.widgets.cycle import Cycle
from encoder_tui.window.widgets.model_letters import letter_markup
from encoder_tui.window.widgets.shaded_grid import Block, ShadedGrid

RUNS: Final = "compares every token of one text with every token of the other, under each model with vectors of tokens"


@dataclass(frozen=True)
class TokensQuestion:
    """The two texts: the first is encoded as a query, the second as a document."""

    query: str
    document: str


class TokenStatesView(TaskView):
    """Tokens of one text by tokens of another, under one model at a time."""

    DEFAULT_CSS = """
    TokenStatesView { height: 1fr; }
    TokenStatesView > Static { height: auto; padding: 0 1; max-height: 50%; }
    TokenStatesView > ShadedGrid { height: 1fr; }
    """
    BINDINGS = [
        Binding("right_square_bracket", "other(1)", "Next model", id="tasks.next-model"),
        Binding("left_square_bracket", "other(-1)", "Previous model", show=False, id="tasks.previous-model"),
    ]
    about = "how alike the tokens of two texts are, and which token wins each"

    def __init__(self, state: TasksState) -> None:
        super().__init__(state)
        self.asker: Asker[TokenStatesAnswer] = Asker(
            self.session, self._question, self._ask_model, self.draw, self.tell_summary_changed, self.unfit
        )
        self._model = 0

    def compose(self) -> ComposeResult:
        yield TwoTexts("query", "document")
        yield Static(id="token-notes", markup=False)
        yield ShadedGrid()
        yield Static(id="token-legend", markup=False)

    def unfit(self, card: Card) -> str:
        if card.kind not in {"cross-encoder", "sparse-encoder"}:
            return ""
        return f"it is {words.article(card.kind)}, which has no vectors of tokens to compare"

    def _question(self) -> TokensQuestion:
        texts, (first, second) = self.state.texts.question.texts, self.query_one(TwoTexts).chosen
        last = len(texts) - 1
        return TokensQuestion(texts[min(first, last)], texts[min(second, last)]) if texts else TokensQuestion("", "")

    async def _ask_model(self, slot: Slot) -> None:
        ready, question, session = slot.ready, self.asker.asked, self.session
        assert ready is not None
        assert isinstance(question, TokensQuestion)
        request = token_states_request(ready, session.settings, question.query, question.document)
        self.asker.answers[slot] = await session.engine.run(operations.TOKEN_STATES, request, self.asker.telling(slot))

    @on(Cycle.Changed)
    def _chosen(self, event: Cycle.Changed) -> None:
        event.stop()
        self.tell_summary_changed()

    @property
    def compared(self) -> list[tuple[Slot, TokenStatesAnswer]]:
        """The models that have compared the tokens."""
        return [(slot, answer) for slot in self.asker.compared if (answer := self.asker.answers.get(slot)) is not None]

    @property
    def front(self) -> tuple[Slot, TokenStatesAnswer] | None:
        """The model whose tokens are shown."""
        there = self.compared
        return there[self._model % len(there)] if there else None

    def draw(self) -> None:
        """Show the tokens of the model in front."""
        if not self.is_mounted:
            return
        self.query_one(TwoTexts).offer(self.state.texts.question.labels)
        notes = words.teaching(self, RUNS) if self.asker.asked is None else words.notes(self)
        grid, front = self.query_one(ShadedGrid), self.front
        if front is None:
            grid.open([], [])
        else:
            slot, answer = front
            notes += self._heading(slot, answer)
            rows = [answer.row(token) for token in range(len(answer.query.tokens))]
            values = [value for row in rows for value in row]
            winners = [answer.winner(token) for token in range(len(rows))]
            names = []
            for place, token in enumerate(answer.query.tokens):
                name, winner = visible_piece(token), winners[place]
                if winner is not None:
                    name += f" → {visible_piece(answer.document.tokens[winner])} {rows[place][winner]:.2f}"
                names.append(name)
            block = Block(
                slot.number,
                [visible_piece(token) for token in answer.document.tokens],
                rows.__getitem__,
                min(values, default=0.0),
                max(values, default=0.0),
                lambda row, column: winners[row] == column,
            )
            grid.open(names, [block])
        box = self.query_one("#token-notes", Static)
        box.display = bool(notes)
        box.update(Content("\n").join(notes))
        self._explain()

    def _heading(self, slot: Slot, answer: TokenStatesAnswer) -> list[Content]:
        own = "MaxSim, the model's own score" if answer.is_native else "cosines of token states, not its own score"
        others = "" if len(self.compared) == 1 else f"; ] shows the next of {len(self.compared)} models"
        what = (f"{visible(slot.short)}: {own}{others}", QUIET)
        found = [Content.assemble((f"{slot.letter} ", letter_markup(slot.number)), what)]
        if answer.pipeline.is_random:
            found.append(Content.styled("! random weights, so these numbers mean nothing", "$text-warning"))
        return found

    @on(ShadedGrid.Moved)
    def _explain(self) -> None:
        """Say which two tokens are under the cursor, and how alike they are."""
        grid, legend, front = self.query_one(ShadedGrid), self.query_one("#token-legend", Static), self.front
        legend.display = front is not None and bool(grid.names)
        if front is None or not grid.names:
            return
        answer = front[1]
        column = min(grid.column, len(answer.document.tokens) - 1)
        first, second = answer.query.tokens[grid.row], answer.document.tokens[column]
        value = answer.row(grid.row)[column]
        legend.update(
            Content.assemble(
                f"{visible_piece(first)} · {visible_piece(second)}  ",
                (f"{value:.4f}", "bold"),
                (f" {answer.function}   ● wins its row", QUIET),
            )
        )

    def action_other(self, step: int) -> None:
        """Show another model."""
        self._model += step
        self.draw()

    def summary(self) -> str:
        if self.asker.asked is None:
            return "Two texts to compare, token by token"
        return words.summary(self, "compare") or "; ".join(
            f"{slot.letter}: {'MaxSim' if answer.is_native else 'MaxSim of its token states'} {answer.score:.3f}"
            for slot, answer in self.compared
            if answer.score is not None
        )

    def python(self) -> str:
        question, runs = self.asker.asked, to_reproduce(self.asker, self.session)
        if not isinstance(question, TokensQuestion) or not runs:
            return ""
        return token_states_snippet(runs, question.query, question.document)

    def copied(self) -> str:
        front = self.front
        if front is None:
            return ""
        answer = front[1]
        rows = [[token, *map(repr, answer.row(place))] for place, token in enumerate(answer.query.tokens)]
        return "\n".join("\t".join(map(words.on_one_line, row)) for row in [["", *answer.document.tokens], *rows])
