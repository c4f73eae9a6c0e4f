"""The question that encodes the shared texts; several views show its answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from encoder_tui.client.deployed import encode_request
from encoder_tui.core.models.files import name_of
from encoder_tui.core.models.heads import Kind
from encoder_tui.core.report.reproduce_tasks import PipelineToReproduce, vectors_snippet
from encoder_tui.core.tasks.encoding import EncodeAnswer
from encoder_tui.protocol import operations
from encoder_tui.window.panes.tasks import words
from encoder_tui.window.panes.tasks.asker import Asker
from encoder_tui.window.panes.tasks.texts import Texts, TextsQuestion
from encoder_tui.window.session.session import Session
from encoder_tui.window.session.slot import Slot


def to_reproduce(
    asker: Asker[Any], session: Session, truncate_dim: int | None = None, kinds: Sequence[Kind] = ()
) -> list[PipelineToReproduce]:
    """Return the models that have answered, as Python code loads them; only those of `kinds` if there are any."""
    return [
        PipelineToReproduce(name_of(slot.files), answer.pipeline, truncate_dim, session.loader.trusts(slot.files))
        for slot in asker.compared
        if (answer := asker.answers.get(slot)) is not None
        and slot.files is not None
        and (not kinds or answer.pipeline.kind in kinds)
    ]


def vectors_python(asker: Asker[EncodeAnswer], session: Session, kinds: Sequence[Kind] = ()) -> str:
    """Return Python code for the vectors and similarities; empty if there are none yet."""
    question = asker.asked
    if not isinstance(question, TextsQuestion):
        return ""
    runs = to_reproduce(asker, session, question.truncate_dim, kinds)
    return vectors_snippet(runs, question.texts) if runs else ""


def encoding(
    session: Session, texts: Texts, on_answer: Callable[[], None], on_status: Callable[[], None]
) -> Asker[EncodeAnswer]:
    """Return what encodes the texts with every model that makes vectors."""

    async def ask(slot: Slot) -> None:
        ready, question = slot.ready, asker.asked
        assert ready is not None
        assert isinstance(question, TextsQuestion)
        request = encode_request(
            ready, session.settings, question.texts, question.prompt, question.side, question.truncate_dim
        )
        asker.answers[slot] = await session.engine.run(operations.ENCODE, request, asker.telling(slot))

    asker: Asker[EncodeAnswer] = Asker(session, lambda: texts.question, ask, on_answer, on_status, words.needs_vectors)
    return asker
