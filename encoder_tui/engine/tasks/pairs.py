"""Scores of pairs of texts by a cross-encoder."""

from __future__ import annotations

from encoder_tui.core.tasks.encoding import PairsAnswer, ScoredPair
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.tasks.deployed import Work, kind_words, prompt_of
from encoder_tui.engine.tasks.pipeline import LoadedPipeline
from encoder_tui.engine.tasks.reading import Reading
from encoder_tui.protocol.tasks import PairsRequest


def score(loaded: LoadedPipeline, request: PairsRequest, job: Job) -> PairsAnswer:
    """Score pairs, as `CrossEncoder.predict` does. Raises as `encode` does, also if the model scores no pairs."""
    if loaded.card.kind != "cross-encoder":
        raise OperationError(f"{loaded.source.name}: it is {kind_words(loaded.card)}, which scores no pairs of texts")
    prompt = prompt_of(loaded, request.prompt, None)
    reading, work = Reading(loaded, job, len(request.pairs)), Work(loaded, request.placement, request.limit)
    with work.running("scoring"), reading.heard():
        scores = loaded.model.predict(
            request.pairs, prompt_name=request.prompt, batch_size=request.batch, show_progress_bar=False
        )
    read, remarks = reading.of(request.pairs, prompt[1], None)
    rows = scores.reshape(len(request.pairs), -1).tolist()
    pairs = [ScoredPair(row, one.tokens, (one.cuts[0], one.cuts[1])) for row, one in zip(rows, read, strict=True)]
    labels = list(loaded.card.labels or []) if len(rows[0]) > 1 else []
    activation = type(loaded.model.activation_fn).__name__
    return PairsAnswer(work.pipeline(prompt, remarks), pairs, labels, activation)
