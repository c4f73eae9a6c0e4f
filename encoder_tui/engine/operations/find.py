"""Search for a text in a slice of a collection."""

from __future__ import annotations

import time

from encoder_tui.core.documents.document import packed
from encoder_tui.engine.documents import opened
from encoder_tui.engine.job import Job
from encoder_tui.protocol.documents import HURRY, FindAnswer, FindRequest


def run(request: FindRequest, job: Job) -> FindAnswer:
    """Search for about the requested time."""
    wanted = request.text.casefold()
    reading = opened.reading_from(request.spec, request.column, request.start, job)
    deadline = time.monotonic() + request.seconds
    found: list[int] = []
    position = request.start
    for text in reading:
        job.checkpoint()
        if text is not None and wanted in text.casefold():
            found.append(position)
        position += 1
        if time.monotonic() >= deadline or job.noted(HURRY).times:
            opened.leave_reading(request.spec, request.column, position, reading)
            return FindAnswer(packed(found), position, False)
    return FindAnswer(packed(found), position, True)
