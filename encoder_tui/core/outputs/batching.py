"""Texts as a batch for a model, cut to its limit, with a record of what was cut."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from encoder_tui.core.models.files import ModelFiles
from encoder_tui.core.outputs.runs import Batch
from encoder_tui.core.text.numbers import count
from encoder_tui.core.tokens.tokenizer import EncodeOptions, Encoding, ModelTokenizer, TokenizationError


class Truncation(msgspec.Struct, frozen=True):
    """How much of a text a model reads: `seen` of its `tokens`, including special ones."""

    text: int
    tokens: int
    seen: int

    def sentence(self, name: str, texts: int, what: str = "text") -> str:
        """Describe the cut. If there are several texts (or several of `what`), it is named by its number."""
        which = f"the {what}" if texts == 1 else f"{what} {self.text + 1}"
        return (
            f"{name}: {which} has {count(self.tokens, 'token')}, the model reads {self.seen:,}; "
            f"the last {self.tokens - self.seen:,} are not seen"
        )


def batch_of(
    tokenizer: ModelTokenizer, files: ModelFiles, texts: Sequence[str]
) -> tuple[Batch, list[Encoding], list[Truncation]]:
    """Return texts as one batch for a model, cut to its limit and padded to the longest of them.

    Raises `TokenizationError`.
    """
    longest = files.card.limit
    whole = tokenizer.encode(texts)
    cut = whole
    if longest is not None and any(len(encoding) > longest for encoding in whole):
        cut = tokenizer.encode(texts, options=EncodeOptions(truncation=True, max_length=longest))
    lengths = [len(encoding) for encoding in cut]
    if 0 in lengths:
        raise TokenizationError("a text without tokens cannot be run; give another text")
    truncations = [
        Truncation(index, len(before), length)
        for index, (before, length) in enumerate(zip(whole, lengths, strict=True))
        if len(before) > length
    ]
    if len(set(lengths)) > 1:
        options = EncodeOptions("longest", truncation=bool(truncations), max_length=longest)
        cut = tokenizer.encode(texts, options=options)
    types = [encoding.token_type_ids for encoding in cut]
    batch = Batch(
        [encoding.ids for encoding in cut],
        [encoding.attention_mask for encoding in cut],
        None if None in types else [row for row in types if row is not None],
    )
    return batch, cut, truncations
