"""One vector for a text: pooling, windows of a text that is too long, cosines; never across models."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from operator import mul
from typing import Final

import msgspec

from encoder_tui import builtin
from encoder_tui.looking import floats
from encoder_tui.models import ModelFiles, limit
from encoder_tui.outputs import Batch
from encoder_tui.placement import InForce, ModelSource, Placement
from encoder_tui.tokens import EncodeOptions, Encoding, ModelTokenizer, TokenizationError

POOLINGS: Final = ("mean", "cls", "max", "pooler")
"""Masked mean of the last hidden states, the first token's, the masked maximum, and the model's own pooler."""
STRIDE: Final = 64
"""Tokens that a window has in common with the next."""
NOTEBOOK_LIMIT: Final = 512
"""What a model that takes more is cut to, to be compared with one that takes no more."""


class VectorsRequest(msgspec.Struct, frozen=True):
    """Pool what a model makes of a batch; the rows are windows of one text, and their vectors are averaged."""

    source: ModelSource
    placement: Placement
    batch: Batch


class VectorsAnswer(msgspec.Struct, frozen=True):
    """Each pooling's vector as little-endian float32; without "pooler" where the model has none."""

    in_force: InForce
    vectors: dict[str, bytes]

    def vector(self, pooling: str) -> Sequence[float] | None:
        """A pooling's vector, of the model's hidden size."""
        data = self.vectors.get(pooling)
        return None if data is None else floats(data, "float32")


class Given(msgspec.Struct, frozen=True):
    """What a model is given of a text: `rows` windows that hold `seen` of its `tokens`, special ones included."""

    batch: Batch
    tokens: int
    seen: int

    @property
    def rows(self) -> int:
        return len(self.batch.input_ids)


def cosine(first: Sequence[float], second: Sequence[float]) -> float:
    """The cosine of two vectors of one model; not a number where one of them is zero."""
    lengths = math.sqrt(sum(map(mul, first, first))) * math.sqrt(sum(map(mul, second, second)))
    return sum(map(mul, first, second)) / lengths if lengths else math.nan


def norm(vector: Sequence[float]) -> float:
    """The Euclidean norm."""
    return math.sqrt(sum(map(mul, vector, vector)))


def longest(tokenizer: ModelTokenizer, files: ModelFiles) -> int | None:
    """How many tokens a model takes."""
    return limit(files.config, tokenizer.form.model_max_length)


def cut(tokenizer: ModelTokenizer, text: str, at: int | None) -> Given:
    """The beginning of a text, at most `at` tokens of it. Raises `TokenizationError`."""
    whole = tokenizer.encode([text])[0]
    if at is None or len(whole) <= at:
        return _given([whole], len(whole), len(whole))
    kept = tokenizer.encode([text], options=EncodeOptions(truncation=True, max_length=at))[0]
    return _given([kept], len(whole), len(kept))


def windows(tokenizer: ModelTokenizer, text: str, size: int, stride: int = STRIDE) -> Given:
    """The whole text in windows of `size` tokens, special ones included. Raises `TokenizationError`."""
    whole = tokenizer.encode([text])[0]
    # A stride that leaves a window nothing new would never end.
    stride = min(stride, (size - tokenizer.special_count()) // 2)
    options = EncodeOptions("longest", truncation=True, max_length=size, stride=stride)
    first = tokenizer.encode([text], options=options)[0]
    return _given([first, *first.overflowing], len(whole), len(whole))


def _given(rows: list[Encoding], tokens: int, seen: int) -> Given:
    if not len(rows[0]):
        raise TokenizationError("a text without tokens cannot be run; give one that has some")
    types = [row.token_type_ids for row in rows]
    return Given(
        Batch(
            [row.ids for row in rows],
            [row.attention_mask for row in rows],
            None if None in types else [row for row in types if row is not None],
        ),
        tokens,
        seen,
    )


class Triplet(msgspec.Struct, frozen=True):
    """A question, the document that answers it, and one that does not."""

    anchor: str
    positive: str
    negative: str
    positive_name: str
    negative_name: str


def builtin_triplets() -> list[Triplet]:
    """The triplets that ship with the program."""
    folder = builtin.documents()
    return [
        Triplet(
            one["anchor"],
            (folder / one["positive"]).read_text("utf-8"),
            (folder / one["negative"]).read_text("utf-8"),
            one["positive"],
            one["negative"],
        )
        for one in json.loads((folder / "triplets.json").read_text("utf-8"))
    ]


def ways(tokenizer: ModelTokenizer, files: ModelFiles, texts: Sequence[str]) -> list[tuple[str, list[Given]]]:
    """The ways in which a model can be given documents, each with its name and every text's batch.

    A model that takes them whole is given them whole, and cut where a shorter model would be; one that does not is
    given their beginning, and all of them in windows. The last way is the one that sees everything.
    """
    takes = longest(tokenizer, files)
    lengths = [len(encoding) for encoding in tokenizer.encode(texts)]
    if takes is None or max(lengths) <= takes:
        whole = ("whole", [cut(tokenizer, text, None) for text in texts])
        if max(lengths) <= NOTEBOOK_LIMIT:
            return [whole]
        return [(f"cut at {NOTEBOOK_LIMIT}", [cut(tokenizer, text, NOTEBOOK_LIMIT) for text in texts]), whole]
    return [
        (f"cut at {takes:,}", [cut(tokenizer, text, takes) for text in texts]),
        (f"windows of {takes:,}", [windows(tokenizer, text, takes) for text in texts]),
    ]
