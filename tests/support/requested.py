"""Models that were requested, as a comparison takes them, from tokenizers alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from encoder_tui.core.models.files import ModelFiles, resolve_here
from encoder_tui.core.models.names import parse_name
from encoder_tui.core.models.ready import ReadyModel, RequestedModel
from encoder_tui.core.tokens.tokenizer import ModelTokenizer


@cache
def _files() -> ModelFiles:
    files = resolve_here(parse_name("builtin:bert"))
    assert files is not None
    return files


def requested(tokenizers: Sequence[ModelTokenizer | None]) -> list[RequestedModel]:
    """Return a model for each tokenizer, with the letters A, B, …; None is one that is still loading."""
    return [
        RequestedModel(number, f"model-{number}", None if one is None else ReadyModel(f"model-{number}", _files(), one))
        for number, one in enumerate(tokenizers)
    ]
