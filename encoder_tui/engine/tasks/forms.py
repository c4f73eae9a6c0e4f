"""Take in tokenizers, so that this process need not import transformers to count tokens."""

from __future__ import annotations

from encoder_tui.engine import opened
from encoder_tui.engine.document_messages import FormsAnswer, FormsRequest
from encoder_tui.engine.job import Job, TaskError
from encoder_tui.tokens import ModelTokenizer


def run(request: FormsRequest, job: Job) -> FormsAnswer:
    """Read each form once; raises `TaskError` where this engine's version of `tokenizers` cannot."""
    for key, form in request.forms.items():
        job.checkpoint()
        try:
            opened.tokenizers[key] = ModelTokenizer(form)
        except ValueError as error:
            raise TaskError(str(error)) from error
    return FormsAnswer(list(opened.tokenizers))
