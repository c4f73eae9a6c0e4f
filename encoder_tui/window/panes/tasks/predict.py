"""What the models' heads say of the texts: labels, entities in the text, answers, scores of pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from encoder_tui.client.predict import occlude, predict
from encoder_tui.core.defaults import MAXIMUM
from encoder_tui.core.models.card import Card
from encoder_tui.core.models.files import name_of
from encoder_tui.core.report.reproduce_predictions import HeadToReproduce, predictions_snippet
from encoder_tui.core.tasks.entities import AGGREGATIONS, Aggregation
from encoder_tui.core.tasks.occlusion import Occlusion, words_of
from encoder_tui.core.tasks.predictions import Predicted, TaskError, Wish, task_of
from encoder_tui.core.text.numbers import count
from encoder_tui.core.text.safe import visible
from encoder_tui.core.tokens.tokenizer import TokenizationError
from encoder_tui.window.panes.tasks import predict_words, words
from encoder_tui.window.panes.tasks.asker import Asker
from encoder_tui.window.panes.tasks.view import TasksState, TaskView
from encoder_tui.window.session.slot import Slot
from encoder_tui.window.theme import QUIET
from encoder_tui.window.widgets.cycle import Cycle
from encoder_tui.window.widgets.field import Field
from encoder_tui.window.widgets.model_letters import letter_markup
from encoder_tui.window.widgets.scrolling_text import ScrollingText

RUNS: Final = "runs the head of every model on the texts above: labels, entities, answers, scores of pairs"
COLUMN: Final = 36
"""The width at which models stand side by side."""


@dataclass(frozen=True)
class PredictQuestion:
    """What the heads are asked: texts, a second text or question, candidate labels, and how they are read."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    second: str = ""
    candidates: tuple[str, ...] = ()
    windows: bool = False
    aggregation: Aggregation = "simple"
    occlusion: bool = False

    def wish(self, card: Card) -> Wish:
        """Return what a model of this kind is asked: the second text is a question for one that answers."""
        answers = card.kind == "question-answering"
        reads_pairs = card.kind in {"sequence-classification", "cross-encoder"} and not self.candidates
        return Wish(
            texts=list(self.texts),
            pairs=[self.second] if self.second and reads_pairs else [],
            question=self.second or None if answers else None,
            labels=list(self.candidates) if card.kind in {"sequence-classification", "cross-encoder"} else [],
            windows=self.windows,
            aggregation=self.aggregation,
        )


@dataclass(frozen=True)
class Said:
    """What a model says, and what its score for the first text hangs on, if that was asked."""

    predicted: Predicted
    occlusion: Occlusion | None = None


class PredictView(TaskView):
    """Every model's head on the same texts, in the text where it speaks of places."""

    DEFAULT_CSS = """
    PredictView { height: 1fr; }
    PredictView > ScrollingText { height: 1fr; padding: 0 1; }
    PredictView > ScrollingText > Static { height: auto; }
    PredictView > #predict-settings { dock: top; height: 2; }
    PredictView #predict-models { height: auto; }
    PredictView #predict-models > Static { width: 1fr; height: auto; padding: 0 1 0 0; }
    PredictView #predict-settings Horizontal { height: 1; }
    PredictView #predict-settings Static { width: auto; color: $text-muted; }
    PredictView #predict-settings Cycle { color: $foreground; }
    PredictView Field { width: 1fr; height: 1; border: none; padding: 0 1; }
    """
    BINDINGS = [
        Binding(
            "o",
            "occlude",
            "Occlusion",
            id="tasks.occlude",
            tooltip="Hide each word of the first text in turn, and mark the text by how much the score falls",
        ),
    ]
    about = "what the models' heads say"

    def __init__(self, state: TasksState) -> None:
        super().__init__(state)
        self._occludes = False
        self.asker: Asker[Said] = Asker(
            self.session, lambda: self.question, self._ask_model, self.draw, self.tell_summary_changed, self.unfit
        )

    def compose(self) -> ComposeResult:
        # First, so that it is what the keys move in; the settings are drawn above it.
        with ScrollingText():
            yield Static(id="predict-notes", markup=False)
            with Horizontal(id="predict-models"):
                for _ in range(MAXIMUM):
                    yield Static(markup=False)
            yield Static(id="predict-together", markup=False)
        with Vertical(id="predict-settings"):
            with Horizontal():
                yield Static(" second text or question ", markup=False)
                yield Field(compact=True, id="predict-second")
            with Horizontal():
                yield Static(" labels to choose among ", markup=False)
                yield Field(placeholder="a, b, c", compact=True, id="predict-candidates")
                yield Cycle("reads", [("the beginning", False), ("all, in windows", True)], id="predict-reads")
                yield Cycle("entities", AGGREGATIONS, id="predict-aggregation", value="simple")
                yield Cycle("tokens", ["no", "probabilities", "logits"], id="predict-tokens")

    # What is asked

    @property
    def question(self) -> PredictQuestion:
        """What the models are asked now."""
        texts = self.state.texts.question
        if not self.is_mounted:
            return PredictQuestion(texts.texts, texts.labels)
        listed = self.query_one("#predict-candidates", Input).value.split(",")
        return PredictQuestion(
            texts.texts,
            texts.labels,
            self.query_one("#predict-second", Input).value.strip(),
            tuple(label.strip() for label in listed if label.strip()),
            self.query_one("#predict-reads", Cycle).value,
            self.query_one("#predict-aggregation", Cycle).value,
            self._occludes,
        )

    def unfit(self, card: Card) -> str:
        question = self.question
        try:
            task_of("", card, question.wish(card))
        except TaskError as error:
            return predict_words.in_window(str(error).strip())
        return ""

    async def _ask_model(self, slot: Slot) -> None:
        ready, question = slot.ready, self.asker.asked
        assert ready is not None
        assert isinstance(question, PredictQuestion)
        session = self.session
        try:
            found = await predict(
                session.engine, ready, session.settings, question.wish(ready.card), self.asker.telling(slot)
            )
            self.asker.answers[slot] = Said(found)
            if question.occlusion and found.task == "sequence-classification":
                hidden = await occlude(
                    session.engine,
                    ready,
                    session.settings,
                    question.texts[0],
                    on_progress=self.asker.telling(slot, "hiding words: "),
                )
                self.asker.answers[slot] = Said(found, hidden)
        except TaskError as error:
            raise TokenizationError(str(error)) from error

    @on(Cycle.Changed)
    @on(Input.Changed)
    def _changed(self) -> None:
        self.draw()
        self.tell_summary_changed()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.query_one(ScrollingText).focus()
        self.ask()

    def action_occlude(self) -> None:
        """Say what hiding each word of the first text costs; asked again, do it."""
        texts = self.state.texts.question.texts
        if self._occludes or not texts:
            self._occludes = False
        else:
            try:
                passes = len(words_of(texts[0], None))
            except TaskError as error:
                self.session.notice(str(error), "warning")
                return
            self._occludes = True
            self.session.notice(
                f"r now also hides each word of text 1: up to {count(passes, 'more pass', 'more passes')} a model"
            )
        self.draw()
        self.tell_summary_changed()

    # What is shown

    def draw(self) -> None:
        """Show what the models said so far."""
        if not self.is_mounted or not self.size.width:
            return
        notes = words.teaching(self, RUNS) if self.asker.asked is None else words.notes(self)
        box = self.query_one("#predict-notes", Static)
        box.display = bool(notes)
        box.update(Content("\n").join(notes))
        there = [(slot, said) for slot in self.asker.compared if (said := self.asker.answers.get(slot)) is not None]
        width = self.size.width - 4
        is_wide = bool(there) and width // len(there) >= COLUMN
        together = self.query_one("#predict-together", Static)
        compared = predict_words.of_taggers([(slot, said.predicted) for slot, said in there], self.asker.asked)
        together.display = bool(compared)
        together.update(Content("\n").join(compared))
        columns = self.query_one("#predict-models", Horizontal)
        columns.styles.layout = "horizontal" if is_wide else "vertical"
        for index, column in enumerate(columns.query(Static)):
            column.display = index < len(there)
            if index < len(there):
                lines = self._model(*there[index], width // len(there) if is_wide else width)
                column.update(Content("\n").join(lines))

    def _model(self, slot: Slot, said: Said, width: int) -> list[Content]:
        """Return a model's heading and what it says of each text."""
        found, question = said.predicted, self.asker.asked
        assert isinstance(question, PredictQuestion)
        heading = Content.assemble(
            (f"{slot.letter} ", letter_markup(slot.number)),
            (visible(found.task), "bold"),
            (f"  {visible(found.in_force.short)}", QUIET),
        )
        remarks = [
            Content.styled(f"! {visible(remark)}", "$text-warning")
            for remark in [*found.in_force.remarks, *found.remarks]
        ]
        lines = [heading, *remarks]
        others = self._best_of_others(slot)
        for index, (reading, one) in enumerate(zip(found.read, found.predictions, strict=True)):
            label = question.labels[index] if index < len(question.labels) else str(index + 1)
            differs = index < len(others) and predict_words.best(one) not in {None, *others[index]}
            tokens = str(self.query_one("#predict-tokens", Cycle).value)
            lines += predict_words.of_text(label, reading, one, letter_markup(slot.number), width, differs=differs)
            if tokens != "no" and one.tokens is not None:
                lines += predict_words.of_tokens(found.labels, one.tokens, as_logits=tokens == "logits")
        if said.occlusion is not None:
            lines += predict_words.of_occlusion(question.texts[0], said.occlusion)
        return [*lines, Content("")]

    def _best_of_others(self, slot: Slot) -> list[set[str]]:
        """Return, for each text, the labels that other models of the same task put first, if there are any."""
        mine = self.asker.answers[slot].predicted
        others = [
            said.predicted.predictions
            for other, said in self.asker.answers.items()
            if other is not slot and said.predicted.task == mine.task
        ]
        found: list[set[str]] = []
        for index, _ in enumerate(mine.predictions):
            labels = {predict_words.best(one[index]) for one in others if index < len(one)}
            found.append({label for label in labels if label is not None})
        return found if any(found) else []

    def summary(self) -> str:
        if common := words.summary(self, "run"):
            return common
        found = []
        for slot in self.asker.compared:
            said = self.asker.answers.get(slot)
            if said is not None:
                found.append(f"{slot.letter} {predict_words.sentence(said.predicted)}")
        return "; ".join(found) or "None of these models has a head for this"

    def python(self) -> str:
        question, runs = self.asker.asked, []
        for slot, said in self.asker.answers.items():
            ready, found = slot.ready, said.predicted
            if ready is not None and isinstance(question, PredictQuestion):
                trusted = ready.source(self.session.settings).trust_remote_code
                wish = question.wish(ready.card)
                runs.append(HeadToReproduce(name_of(ready.files), found.task, found.in_force, wish, trusted))
        return predictions_snippet(runs) if runs else ""

    def copied(self) -> str:
        import json  # noqa: PLC0415

        records: list[dict[str, Any]] = [
            {
                "model": slot.name,
                "task": said.predicted.task,
                "predictions": [one.record() for one in said.predicted.predictions],
            }
            for slot, said in self.asker.answers.items()
        ]
        return json.dumps({"models": records}) if records else ""
