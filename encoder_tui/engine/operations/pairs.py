"""Score pairs of texts with a cross-encoder."""

from __future__ import annotations

from encoder_tui.core.tasks.encoding import MOST_TEXTS, PairsAnswer
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.protocol.tasks import PairsRequest


def run(request: PairsRequest, job: Job) -> PairsAnswer:
    """Return the scores of the pairs, and what is read of each."""
    name = request.source.name
    if not request.pairs:
        raise OperationError(f"{name}: there are no pairs to score")
    if len(request.pairs) > MOST_TEXTS:
        raise OperationError(f"{name}: {len(request.pairs):,} pairs are too many at once (at most {MOST_TEXTS:,})")
    job.progress(f"{name}: importing torch")
    from encoder_tui.engine.tasks.deployed import deployed  # noqa: PLC0415
    from encoder_tui.engine.tasks.pairs import score  # noqa: PLC0415

    return score(deployed(request.source, request.placement, job), request, job)
