"""Receive exact tokenizers, so that this process can count tokens without importing transformers."""

from __future__ import annotations

from encoder_tui.core.tokens.tokenizer import ModelTokenizer
from encoder_tui.engine.documents import opened
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.protocol.documents import FormsAnswer, FormsRequest


def run(request: FormsRequest, job: Job) -> FormsAnswer:
    """Read each form once. Raises `OperationError` if this version of `tokenizers` cannot."""
    for key, form in request.forms.items():
        job.checkpoint()
        try:
            opened.tokenizers[key] = ModelTokenizer(form)
        except ValueError as error:
            raise OperationError(str(error)) from error
    return FormsAnswer(list(opened.tokenizers))
