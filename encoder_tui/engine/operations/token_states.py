"""Compare the tokens of two texts."""

from __future__ import annotations

from encoder_tui.core.tasks.encoding import TokenStatesAnswer
from encoder_tui.engine.job import Job
from encoder_tui.protocol.tasks import TokenStatesRequest


def run(request: TokenStatesRequest, job: Job) -> TokenStatesAnswer:
    """Return how alike each token of the query is to each token of the document."""
    job.progress(f"{request.source.name}: importing torch")
    from encoder_tui.engine.tasks.deployed import deployed  # noqa: PLC0415
    from encoder_tui.engine.tasks.token_states import compare  # noqa: PLC0415

    return compare(deployed(request.source, request.placement, job), request, job)
