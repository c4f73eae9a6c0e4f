"""A whole document, and where the tokens of each model lie in it."""

from __future__ import annotations

from encoder_tui.documents import packed
from encoder_tui.engine import opened
from encoder_tui.engine.document_messages import DocumentAnswer, DocumentRequest, Spans
from encoder_tui.engine.job import Job, TaskError


def run(request: DocumentRequest, job: Job) -> DocumentAnswer:
    """The text first, then the tokens of one model after the other."""
    texts = opened.texts_of(request.spec, request.column, job)
    try:
        text = texts.get(request.index, job)
    except IndexError:
        raise TaskError(f"{texts.source.label} has no row {request.index:,}") from None
    missing = opened.missing(request.models)
    if text is None or missing or not request.models:
        return DocumentAnswer(request.index, text, [], missing)
    job.partial(DocumentAnswer(request.index, text))
    spans: list[Spans] = []
    for model in request.models:
        job.progress(f"tokenizing {len(text):,} characters")
        tokens = opened.tokens_of(request.spec, request.column, request.index, model.key, text)
        spans.append(Spans(packed(tokens.starts), packed(tokens.ends), tokens.special, tokens.side))
    # The text has crossed already.
    return DocumentAnswer(request.index, None, spans)
