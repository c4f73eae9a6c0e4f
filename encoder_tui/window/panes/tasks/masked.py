"""Masked tokens: what each model with a masked-language head predicts for them."""

from __future__ import annotations

import asyncio

from rich.segment import Segment
from rich.style import Style
from textual import on
from textual.app import ComposeResult
from textual.widgets import TextArea

from encoder_tui.client.predict import masked_tokens
from encoder_tui.core.models.files import name_of
from encoder_tui.core.report.reproduce_predictions import HeadToReproduce, predictions_snippet
from encoder_tui.core.tasks.masked import MASK, MaskedAnswer, why_no_predictions
from encoder_tui.core.tasks.predictions import Wish, masked_reading
from encoder_tui.core.text.numbers import count
from encoder_tui.core.text.safe import visible, visible_piece
from encoder_tui.core.tokens.tokenizer import TokenizationError
from encoder_tui.window.panes.tasks.asker import Asker
from encoder_tui.window.panes.tasks.view import TasksState, TaskView
from encoder_tui.window.session.slot import Slot
from encoder_tui.window.widgets.bars import bar
from encoder_tui.window.widgets.editor import Editor
from encoder_tui.window.widgets.model_letters import letter_style
from encoder_tui.window.widgets.written_lines import Written

EXAMPLE = f"The ancients did dig a {MASK}, but it followed another line."
BAR = 24
TEACHING = (
    f"  predicts {MASK} with every model that has a masked-language head.",
    "    e edits the text; every model receives its own mask token.",
)
LABELS = ("model", "mask", "token", "id", "probability")


class MaskedView(TaskView):
    """A text with masks, and the most probable tokens for each of them under each model."""

    DEFAULT_CSS = """
    MaskedView { height: 1fr; }
    MaskedView > Editor { height: 3; max-height: 30%; }
    """

    takes_texts = False
    about = f"predictions for {MASK}"

    def __init__(self, state: TasksState) -> None:
        super().__init__(state)
        self.asker: Asker[MaskedAnswer] = Asker(
            self.session, self._question, self._ask_model, self.draw, self.tell_summary_changed
        )

    def compose(self) -> ComposeResult:
        yield Editor(EXAMPLE, id="masked-text")
        yield Written()

    def _question(self) -> str:
        return self.query_one(Editor).text

    async def _ask_model(self, slot: Slot) -> None:
        ready, text = slot.ready, self.asker.asked
        assert ready is not None
        assert isinstance(text, str)
        if why := why_no_predictions(ready.files, ready.tokenizer):
            raise TokenizationError(why)
        reading, positions = await asyncio.to_thread(masked_reading, ready, text)
        if not positions:
            is_cut = reading.tokens > len(reading.windows[0])
            beyond = " in the part of the text that the model reads" if is_cut else " in the text"
            raise TokenizationError(f"there is no {MASK}{beyond}; add one")

        session = self.session
        self.asker.answers[slot] = await masked_tokens(
            session.engine, ready, session.settings, reading, positions, self.asker.telling(slot)
        )

    @on(TextArea.Changed)
    def _changed(self) -> None:
        self.post_message(self.SummaryChanged())

    def draw(self) -> None:
        """Show the answers so far."""
        body = self.query_one(Written)
        lines: list[list[Segment]] = [[]]
        if self.asker.asked is None:
            lines += [[Segment(" r", Style(bold=True)), Segment(TEACHING[0])], [Segment(TEACHING[1])], []]
            for slot in self.session.slots:
                lines += self._reason(slot, body)
        for slot in self.asker.compared if self.asker.asked is not None else []:
            heading = self._heading(slot)
            if slot in self.asker.errors:
                lines += [[heading, body.warning(visible(self.asker.errors[slot]))], []]
            elif slot in self.asker.answers:
                lines += self._predictions(slot, heading, body)
            else:
                lines += [[heading, body.quiet("…")], []]
        body.write(lines)

    def _reason(self, slot: Slot, body: Written) -> list[list[Segment]]:
        """A model that will not answer says so before it is asked."""
        if slot.files is None or slot.tokenizer is None:
            return []
        why = why_no_predictions(slot.files, slot.tokenizer)
        return [[self._heading(slot), body.warning(f"off: {visible(why)}")]] if why else []

    def _heading(self, slot: Slot) -> Segment:
        return Segment(f" {slot.letter}  ", letter_style(self, slot.number, bold=True))

    def _predictions(self, slot: Slot, heading: Segment, body: Written) -> list[list[Segment]]:
        answer, tokenizer = self.asker.answers[slot], slot.tokenizer
        lines = [[heading, body.quiet(answer.in_force.short)]]
        for number, predictions in enumerate(answer.predictions):
            for place, one in enumerate(predictions):
                token = tokenizer.tokens_of([one.token_id])[0] if tokenizer else ""
                label = f"{MASK} {number + 1}" if place == 0 else ""
                lines.append(
                    [
                        body.quiet(f"    {label:<10}"),
                        Segment(f"{one.probability:>8.2%} ".replace("%", " %"), Style(bold=place == 0)),
                        Segment(f" {visible_piece(token):<18}", Style(bold=place == 0)),
                        body.quiet(bar(one.probability, BAR)),
                    ]
                )
        return [*lines, []]

    def summary(self) -> str:
        if self.asker.status:
            return self.asker.status
        if self.asker.asked is None:
            return f"{count(self.query_one(Editor).text.count(MASK), 'mask')} in the text"
        if self.asker.is_earlier:
            return "These results are for an earlier text or other models; press r to predict again"
        found = []
        for slot, answer in self.asker.answers.items():
            tokenizer = slot.tokenizer
            if slot not in self.asker.compared or tokenizer is None:
                continue
            best = [one[0] for one in answer.predictions]
            words = ", ".join(
                f"{visible_piece(tokenizer.tokens_of([one.token_id])[0])} ({one.probability:.1%})" for one in best[:4]
            )
            found.append(f"{slot.letter} predicts {words}".replace("%", " %"))
        return "; ".join(found) or "None of these models predicts masked tokens"

    def python(self) -> str:
        text, runs = self.asker.asked, []
        for slot, answer in self.asker.answers.items():
            if slot.ready is not None and isinstance(text, str):
                trusted = slot.ready.source(self.session.settings).trust_remote_code
                wish = Wish(texts=[text])
                runs.append(
                    HeadToReproduce(name_of(slot.ready.files), "masked-lm", answer.in_force, wish, runs_code=trusted)
                )
        return predictions_snippet(runs) if runs else ""

    def copied(self) -> str:
        rows = []
        for slot, answer in self.asker.answers.items():
            for number, predictions in enumerate(answer.predictions, 1):
                for one in predictions:
                    token = slot.tokenizer.tokens_of([one.token_id])[0] if slot.tokenizer else ""
                    rows.append((slot.name, str(number), token, str(one.token_id), repr(one.probability)))
        return "\n".join("\t".join(map(visible, row)) for row in [LABELS, *rows]) if rows else ""
