"""Open a source of documents."""

from __future__ import annotations

from encoder_tui.engine import opened
from encoder_tui.engine.document_messages import SourceAnswer, SourceRequest
from encoder_tui.engine.job import Job


def run(request: SourceRequest, job: Job) -> SourceAnswer:
    """Open it anew and read its first row, so that what is wrong with it is said now."""
    opened.forget(request.spec)
    source = opened.source_of(request.spec, job)
    column = source.choose(request.column)
    source.reach(1, job)
    return SourceAnswer(
        source.label,
        source.columns,
        column,
        source.known,
        source.total,
        source.is_remote,
        source.stands_in_for,
        source.remarks,
    )
