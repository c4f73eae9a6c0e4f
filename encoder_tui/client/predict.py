"""What a model's head says of texts: prepared here, run by the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from encoder_tui.client.client import EngineClient
from encoder_tui.client.deployed import pairs_request
from encoder_tui.core.models.placement import placement_of
from encoder_tui.core.models.ready import ReadyModel
from encoder_tui.core.outputs.runs import Batch
from encoder_tui.core.settings import Settings
from encoder_tui.core.tasks.masked import BEST, MASK, MaskedAnswer
from encoder_tui.core.tasks.occlusion import Occlusion, hidden, occlusion, words_of
from encoder_tui.core.tasks.predictions import (
    HEAD_OF,
    Predicted,
    Reading,
    Task,
    TaskError,
    TextPrediction,
    TokenScore,
    Wish,
    labels_for,
    least_read,
    masked_reading,
    pad_of,
    predictions,
    readings,
    remarks_on,
    scored_prediction,
    task_of,
)
from encoder_tui.core.tokens.tokenizer import Encoding, TokenizationError
from encoder_tui.protocol import operations
from encoder_tui.protocol.frames import Progress
from encoder_tui.protocol.tasks import HeadRequest, HeadRow, MaskedRequest


async def predict(
    engine: EngineClient,
    model: ReadyModel,
    settings: Settings,
    wish: Wish,
    on_progress: Callable[[Progress], None] | None = None,
    *,
    best: int = BEST,
    allow_random: bool = False,
) -> Predicted:
    """Return the predictions of a model for texts; `best` is the number of tokens for a mask.

    Raises `TaskError` if the model has no head for it, `TokenizationError` if its tokenizer refuses a text, and
    `OperationFailed` or `EngineError` if the engine cannot run it.
    """
    task = task_of(model.name, model.card, wish)
    if task == "masked-lm":
        return await _masked(engine, model, settings, wish, on_progress, best)
    if task == "cross-encoder":
        return await _scored(engine, model, settings, wish, on_progress)
    read = readings(model, task, wish)
    windows = [window for reading in read for window in reading.windows]
    choices = len(wish.pairs) if task == "multiple-choice" else 1
    request = _head_request(model, settings, task, windows, choices, allow_random=allow_random)
    answer = await engine.run(operations.HEAD, request, on_progress)
    found = predictions(model, task, wish, read, answer)
    width = answer.outputs["logits"][0].shape[-1] if task == "token-classification" else 0
    labels = labels_for(model.card, width)
    remarks = remarks_on(model.name, model.card, answer)
    return Predicted(task, answer.in_force, least_read(read, len(found)), found, remarks, labels)


async def occlude(
    engine: EngineClient,
    model: ReadyModel,
    settings: Settings,
    text: str,
    label: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    *,
    allow_random: bool = False,
) -> Occlusion:
    """Return how much the score of a label falls if each word of a text is hidden; see `occlusion`.

    It takes one pass for each word that the model reads. Raises what `predict` raises.
    """
    wish = Wish(texts=[text])
    if task_of(model.name, model.card, wish) != "sequence-classification":
        raise TaskError(f"{model.name} gives no label to a whole text, so there is no score to follow")
    (reading,) = readings(model, "sequence-classification", wish)
    words = words_of(text, reading.cut)
    rows = hidden(model, text, words)
    request = _head_request(model, settings, "sequence-classification", rows, allow_random=allow_random)
    answer = await engine.run(operations.HEAD, request, on_progress)
    return occlusion(model.card, text, words, answer, label)


def _head_request(
    model: ReadyModel,
    settings: Settings,
    task: Task,
    rows: Sequence[Encoding],
    choices: int = 1,
    *,
    allow_random: bool,
) -> HeadRequest:
    return HeadRequest(
        model.source(settings),
        placement_of(settings),
        HEAD_OF[task],
        [HeadRow(row.ids, row.token_type_ids) for row in rows],
        choices=choices,
        allow_random=allow_random,
        **pad_of(model.tokenizer),
    )


async def _scored(
    engine: EngineClient,
    model: ReadyModel,
    settings: Settings,
    wish: Wish,
    on_progress: Callable[[Progress], None] | None,
) -> Predicted:
    """Return the scores of pairs, as sentence-transformers computes them."""
    pairs = [(text, pair or "") for text, pair in wish.inputs()]
    answer = await engine.run(operations.PAIRS, pairs_request(model, settings, pairs), on_progress)
    read = [
        Reading(text, [], scored.tokens, *scored.cuts) for (text, _), scored in zip(pairs, answer.pairs, strict=True)
    ]
    return Predicted(
        "cross-encoder",
        answer.pipeline.in_force,
        read,
        [scored_prediction(answer.labels, scored.scores) for scored in answer.pairs],
        answer.pipeline.remarks,
    )


async def masked_tokens(
    engine: EngineClient,
    model: ReadyModel,
    settings: Settings,
    reading: Reading,
    positions: list[int],
    on_progress: Callable[[Progress], None] | None = None,
    *,
    best: int = BEST,
) -> MaskedAnswer:
    """Return the `best` tokens for each mask; the arguments are those of `masked_reading`."""
    (window,) = reading.windows
    types = None if window.token_type_ids is None else [window.token_type_ids]
    batch = Batch([window.ids], [window.attention_mask], types)
    request = MaskedRequest(model.source(settings), placement_of(settings), batch, positions, best)
    return await engine.run(operations.MASKED, request, on_progress)


async def _masked(
    engine: EngineClient,
    model: ReadyModel,
    settings: Settings,
    wish: Wish,
    on_progress: Callable[[Progress], None] | None,
    best: int,
) -> Predicted:
    read, found = [], []
    for text in wish.texts:
        reading, positions = masked_reading(model, text)
        if len(positions) < text.count(MASK):
            seen = len(reading.windows[0])
            raise TokenizationError(f"the model reads {seen:,} tokens, and a mask lies behind them")
        read.append(reading)
        answer = await masked_tokens(engine, model, settings, reading, positions, on_progress, best=best)
        masks = [
            [
                TokenScore(token, one.probability)
                for one, token in zip(mask, model.tokenizer.tokens_of([one.token_id for one in mask]), strict=True)
            ]
            for mask in answer.predictions
        ]
        found.append(TextPrediction(masks=masks))
    return Predicted("masked-lm", answer.in_force, read, found)
