"""The words that the views of the Tasks pane share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.content import Content

from encoder_tui.core.models.card import Card
from encoder_tui.core.tasks.encoding import Similarity
from encoder_tui.core.text.numbers import count
from encoder_tui.core.text.safe import visible
from encoder_tui.window.theme import QUIET
from encoder_tui.window.widgets.model_letters import letter_markup

if TYPE_CHECKING:
    from encoder_tui.window.panes.tasks.view import TaskView


def article(kind: str) -> str:
    """Return what a model is: `a cross-encoder`, `a token-classification model`."""
    noun = kind if kind.endswith("er") else f"{kind} model"
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {noun}"


def needs_vectors(card: Card) -> str:
    """Say why a model makes no vectors; empty if it does."""
    if card.kind != "cross-encoder":
        return ""
    return f'it is {article(card.kind)}, which scores pairs of texts (the view "pairs"); this needs vectors'


def labels(question: object) -> Sequence[str]:
    """Return the labels of the texts of a question."""
    found: Sequence[str] = getattr(question, "labels", ())
    return found


def names(question: object) -> list[str]:
    """Return the texts of a question, each behind its label."""
    texts = getattr(question, "texts", ())
    # Not a whole document: a line shows a hundred characters.
    return [f"{label} {' '.join(text[:400].split())}" for label, text in zip(labels(question), texts, strict=True)]


def teaching(
    view: TaskView,
    runs: str,
    edits: str = "the texts, a line each",
    takes: str = "from the Tokens text or the open documents",
) -> list[Content]:
    """Return what `r` runs, what `e` edits and where `d` takes texts from, and the models that will not answer."""
    taught = Content.assemble(
        ("r", "bold"), f"  {runs}.\n", ("e", "bold"), f"  edits {edits}; ", ("d", "bold"), f"  takes them {takes}."
    )
    return [taught, *_unfit(view)]


def _unfit(view: TaskView) -> list[Content]:
    return [
        Content.assemble((f"{slot.letter} ", letter_markup(slot.number)), (visible(why), "$text-warning"))
        for slot in view.session.slots
        if slot.files is not None and (why := view.unfit(slot.files.card))
    ]


def notes(view: TaskView) -> list[Content]:
    """Return a line for each model without an answer: why it has none, or that it is being asked."""
    found = []
    for slot in view.asker.compared:
        why = view.why_not(slot)
        letter = (f"{slot.letter} ", letter_markup(slot.number))
        if why:
            style = "$text-error" if slot in view.asker.errors and not _is_unfit(view, slot) else "$text-warning"
            found.append(Content.assemble(letter, (visible(why), style)))
        elif slot not in view.asker.answers:
            found.append(Content.assemble(letter, ("…" if view.asker.is_asking else "not asked", QUIET)))
    return found


def _is_unfit(view: TaskView, slot: object) -> bool:
    files = getattr(slot, "files", None)
    return files is not None and bool(view.unfit(files.card))


def randomness(view: TaskView) -> Content | None:
    """Return the models whose values are random, so that the view means nothing; None if there are none."""
    letters = [
        slot.letter
        for slot in view.asker.compared
        if (answer := view.asker.answers.get(slot)) is not None and answer.pipeline.is_random
    ]
    if not letters:
        return None
    who = " and ".join(letters)
    words = f"! {who}: random weights, so these numbers mean nothing"
    return Content.styled(words, "$text-warning")


def summary(view: TaskView, verb: str) -> str:
    """Return the status, what will be done, or that the answers are old; empty if the answers are current."""
    if view.asker.status:
        return view.asker.status
    question = view.state.texts.question
    if view.asker.asked is None:
        if not question.texts:
            return view.state.texts.why_none or f"There is no text to {verb}; press e and write one a line"
        return f"{count(len(question.texts), 'text')} to {verb}"
    if view.asker.is_earlier:
        return "These results are for earlier texts, settings or models; press r to run again"
    return ""


def nearest(similarity: Similarity, labelled: Sequence[str]) -> str:
    """Say which two texts are most alike; empty if there is only one."""
    pairs = [
        (value, second, first)
        for first in range(similarity.size)
        for second, value in enumerate(similarity.row(first)[:first])
        if math.isfinite(value)
    ]
    if not pairs:
        return ""
    value, first, second = max(pairs)
    return f"texts {labelled[first]} and {labelled[second]} are most alike ({similarity.function} {value:.3f})"


def as_lines(contents: Sequence[Content], width: int) -> list[list[Segment]]:
    """Return contents as lines of segments, wrapped, with a cell before each."""
    return [[Segment(" "), Segment(line.plain)] for content in contents for line in content.wrap(max(width - 2, 1))]


def on_one_line(cell: str) -> str:
    """Return a cell of a table that is copied, without line ends and tabs of its own."""
    return visible(cell)
