"""Open a source of documents."""

from __future__ import annotations

import time
from typing import Final

from encoder_tui.engine.documents import opened
from encoder_tui.engine.job import Job
from encoder_tui.protocol.documents import Column, SourceAnswer, SourceRequest

LOOK_AHEAD: Final = 0.3
"""Seconds spent on opening a source and on finding out how many rows there are."""


def run(request: SourceRequest, job: Job) -> SourceAnswer:
    """Open the source again and read its first row, so that errors are reported now."""
    began = time.monotonic()
    opened.forget(request.spec)
    source = opened.source_of(request.spec, job)
    column = source.choose(request.column)
    source = opened.documents_of(request.spec, column, job)
    source.reach(1, job)
    if not source.is_remote:
        # Small files are read to the end here, so that the list knows its length from the beginning.
        opened.look_ahead(source, max(LOOK_AHEAD - (time.monotonic() - began), LOOK_AHEAD / 3), job)
    return SourceAnswer(
        source.label,
        source.columns,
        column,
        source.known,
        source.expected(),
        source.is_remote,
        source.stands_in_for,
        source.remarks,
        configs=list(source.configs),
        config=source.config,
        splits=list(source.splits),
        split=source.split,
        has_files=source.file_of(0) is not None,
        choices=[Column(name, source.examples.get(name)) for name in source.columns],
    )
