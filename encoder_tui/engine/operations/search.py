"""Search the Hub by a part of a name."""

from __future__ import annotations

from encoder_tui.core.hub.search import search
from encoder_tui.engine.job import Job
from encoder_tui.protocol.models import SearchAnswer, SearchRequest


def run(request: SearchRequest, job: Job) -> SearchAnswer:
    """Search from the engine's machine, where a model or a data set that is found will be fetched."""
    return SearchAnswer(search(request.kind, request.query, offline=request.offline, progress=job.progress))
