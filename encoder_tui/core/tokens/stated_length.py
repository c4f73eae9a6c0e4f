"""The limit that a tokenizer states, `model_max_length`, which may be none at all."""

from __future__ import annotations

from typing import Any, Final

LARGE_INTEGER: Final = int(1e20)
"""A larger `model_max_length` means no limit (`transformers.tokenization_utils_base.LARGE_INTEGER`)."""


def sane_length(length: Any) -> int | None:
    """Return `model_max_length` as a number of tokens, or None if it is not a usable limit."""
    if isinstance(length, bool) or not isinstance(length, int | float) or not 0 < length < min(LARGE_INTEGER, 2**62):
        return None
    return int(length)
