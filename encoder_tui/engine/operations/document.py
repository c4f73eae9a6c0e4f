"""A whole document, and where the tokens of each model are in it."""

from __future__ import annotations

import time

from encoder_tui.core.documents.document import LIMITS, DocumentTokens, packed
from encoder_tui.engine.documents import opened
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.protocol.documents import Counted, DocumentAnswer, DocumentRequest, Spans


def run(request: DocumentRequest, job: Job) -> DocumentAnswer:
    """Send the text first, then the tokens of one model after the other."""
    texts = opened.texts_of(request.spec, request.column, job)
    try:
        text = texts.get(request.index, job)
    except IndexError:
        raise OperationError(f"{texts.source.label} has no row {request.index:,}") from None
    missing = opened.missing(request.models)
    file = texts.source.file_of(request.index)
    if text is None or missing or not request.models:
        return DocumentAnswer(request.index, text, [], missing, file=file)
    of_models = [opened.Tokens(request.spec, request.column, request.index, m.key, text) for m in request.models]
    if not request.goes_on:
        job.partial(DocumentAnswer(request.index, text, file=file))
        found = [_first(tokens, model, job) for tokens, model in zip(of_models, request.models, strict=True)]
        # The text has already been sent.
        return _answer(request, found)
    deadline = time.monotonic() + request.seconds
    found = []
    for tokens in of_models:
        found.append(tokens.go_on(job))
        while not found[-1].is_whole:
            if time.monotonic() >= deadline:
                return DocumentAnswer(request.index, None, is_whole=False)
            found[-1] = tokens.go_on(job)
    return _answer(request, found)


def _first(tokens: opened.Tokens, model: Counted, job: Job) -> DocumentTokens:
    """Find enough tokens for every limit. If truncation is on the left, that takes all: it keeps the last ones."""
    enough = max(model.limit or 0, *LIMITS)
    found = tokens.found or tokens.go_on(job)
    while not found.is_whole and (found.side == "left" or found.total <= enough):
        found = tokens.go_on(job)
    return found


def _answer(request: DocumentRequest, found: list[DocumentTokens]) -> DocumentAnswer:
    spans = [
        Spans(packed(tokens.starts), packed(tokens.ends), tokens.special, tokens.side, tokens.is_whole)
        for tokens in found
    ]
    return DocumentAnswer(request.index, None, spans, is_whole=all(tokens.is_whole for tokens in found))
