"""The run of one text under every model."""

from __future__ import annotations

from collections.abc import Sequence

from encoder_tui.core.outputs.runs import Batch
from encoder_tui.core.timing.plan import Plan, RunColumn, RunRow, TimedModel, columns_of
from encoder_tui.core.timing.run import Run
from encoder_tui.core.timing.samples import Point
from encoder_tui.core.tokens.tokenizer import EncodeOptions, ModelTokenizer, TokenizationError

CUT = 512
"""The most tokens that a model is given: the limit of the shortest of the usual models."""


def text_run(
    models: Sequence[TimedModel],
    tokenizers: Sequence[ModelTokenizer],
    text: str,
    devices: Sequence[str | None] = (None,),
    plan: Plan | None = None,
) -> Run:
    """Return a run with one row: the text, cut to 512 tokens, under every model on every device.

    `plan` gives dtypes, attentions, time, threads, compilation and TF32. Raises `TokenizationError`.
    """
    asked = plan or Plan()
    chosen = Plan(
        [CUT],
        [1],
        asked.min_time,
        list(devices),
        asked.dtypes,
        asked.attentions,
        asked.threads,
        text=True,
        compiled=asked.compiled,
        tf32=asked.tf32,
    )
    batches = {
        model.slot: encoded(tokenizer, text, CUT if model.limit is None else min(CUT, model.limit))
        for model, tokenizer in zip(models, tokenizers, strict=True)
    }
    columns: list[RunColumn] = columns_of(models, chosen)
    points = []
    for index, column in enumerate(columns):
        batch = batches[column.slot]
        points.append(Point(index, len(batch.input_ids[0]), given=batch))
    lengths = sorted({point.length for point in points})
    label = f"{lengths[0]:,}" if len(lengths) == 1 else f"{lengths[0]:,}–{lengths[-1]:,}"
    return Run(chosen, columns, [RunRow(label, lengths[-1], 1)], [points], "text")


def encoded(tokenizer: ModelTokenizer, text: str, most: int) -> Batch:
    """Return a text as a batch of one row of at most `most` tokens. Raises `TokenizationError` if it has no tokens."""
    encoding = tokenizer.encode([text], options=EncodeOptions(truncation=True, max_length=most))[0]
    if not len(encoding):
        raise TokenizationError("a text without tokens cannot be measured; enter some text")
    types = encoding.token_type_ids
    return Batch([encoding.ids], [encoding.attention_mask], None if types is None else [types])
