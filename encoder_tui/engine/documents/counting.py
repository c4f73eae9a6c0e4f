"""Count the tokens of texts, doing no more work than the question needs."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

from encoder_tui.core.documents.document import DocumentTokens
from encoder_tui.core.tokens.rust_errors import refusals, silence
from encoder_tui.core.tokens.tokenizer import ModelTokenizer
from encoder_tui.engine.job import OperationError


def count_batch(tokenizer: ModelTokenizer, texts: Sequence[str]) -> list[int]:
    """Return how many tokens each text has, including special ones. Offsets, which take longest, are left out."""
    if not texts:
        return []
    with silence(), refusals(OperationError, "the tokenizer refuses a text"):
        return [len(raw) for raw in tokenizer.encode_plainly(texts, with_offsets=False)]


def cut_batch(tokenizer: ModelTokenizer, texts: Sequence[str], limit: int | None) -> list[tuple[int, int | None]]:
    """Return each text's number of tokens, and the character at which truncation to `limit` cuts it (None if it does
    not).
    """
    if not texts:
        return []
    special = tokenizer.special_count()
    is_left = tokenizer.form.truncation_side == "left"
    with silence(), refusals(OperationError, "the tokenizer refuses a text"):
        return [(len(raw), _cut(raw, limit, special, is_left)) for raw in tokenizer.encode_plainly(texts)]


def _cut(raw: Any, limit: int | None, special: int, is_left: bool) -> int | None:
    """Do what `DocumentTokens.cut` does for a text, but ask the Rust object for one token's span only."""
    if limit is None or len(raw) <= limit:
        return None
    kept = limit - special
    if is_left or kept <= 0:
        return 0
    span = raw.token_to_chars(before_text(raw) + kept - 1)
    return 0 if span is None else int(span[1])


def before_text(raw: Any) -> int:
    """Return how many special tokens come before the first token of the text."""
    index = 0
    while index < len(raw) and raw.token_to_sequence(index) is None:
        index += 1
    return index


def document_tokens(tokenizer: ModelTokenizer, text: str) -> DocumentTokens:
    """Return all tokens of a document, without special ones."""
    with silence(), refusals(OperationError, "the tokenizer refuses this text"):
        raw = tokenizer.encode_plainly([text])[0]
    offsets = raw.offsets
    special = tokenizer.special_count()
    before = before_text(raw) if special else 0
    # The Rust object of a document of 10 MB takes some hundred megabytes.
    del raw
    own = slice(before, len(offsets) - (special - before))
    starts, ends = (array("I", (span[end] for span in offsets[own])) for end in (0, 1))
    return DocumentTokens(starts, ends, special, tokenizer.form.truncation_side)
