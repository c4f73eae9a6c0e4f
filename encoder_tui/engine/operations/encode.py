"""Encode texts as the deployed model does."""

from __future__ import annotations

from encoder_tui.core.tasks.encoding import MOST_TEXTS, EncodeAnswer
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.protocol.tasks import EncodeRequest


def run(request: EncodeRequest, job: Job) -> EncodeAnswer:
    """Return the vectors of the texts, what is read of each, and how alike they are."""
    name = request.source.name
    if not request.texts:
        raise OperationError(f"{name}: there are no texts to encode")
    if len(request.texts) > MOST_TEXTS:
        raise OperationError(
            f"{name}: {len(request.texts):,} texts are too many at once (at most {MOST_TEXTS:,});"
            " encode them in smaller files, or measure a whole collection with evaluate"
        )
    job.progress(f"{name}: importing torch")
    from encoder_tui.engine.tasks.deployed import deployed  # noqa: PLC0415
    from encoder_tui.engine.tasks.encoding import encode  # noqa: PLC0415

    return encode(deployed(request.source, request.placement, job), request, job)
