"""One vector for each text: pooling, windows for texts that are too long, and cosines (never across models)."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from operator import mul
from typing import Final

import msgspec

from encoder_tui import builtin
from encoder_tui.core.defaults import STRIDE
from encoder_tui.core.models.card import Card
from encoder_tui.core.models.files import ModelFiles
from encoder_tui.core.models.placement import InForce
from encoder_tui.core.outputs.random_parts import POOLED, STATES, why_random
from encoder_tui.core.outputs.runs import Batch
from encoder_tui.core.outputs.slices import floats
from encoder_tui.core.tokens.tokenizer import EncodeOptions, Encoding, ModelTokenizer, TokenizationError

POOLINGS: Final = ("mean", "cls", "max", "pooler")
"""Masked mean of the last hidden states, the first token's state, the masked maximum, and the model's own pooler."""
NOTEBOOK_LIMIT: Final = 512
"""A model with a larger limit is also cut to this, for comparison with a model that has no larger one."""


def poolings_of(card: Card) -> tuple[list[str], bool]:
    """Return the poolings, the one that a model was trained with first, and whether the model states one of them."""
    trained = next((mode for mode in card.pooling or [] if mode in POOLINGS), None)
    first = POOLINGS[0] if trained is None else trained
    return [first, *(mode for mode in POOLINGS if mode != first)], trained is not None


class VectorsAnswer(msgspec.Struct, frozen=True):
    """The vector of each pooling as little-endian float32; without "pooler" if the model has none.

    Of several windows, `vectors` holds their mean, and `windows` the vector of each, one after the other.
    """

    in_force: InForce
    vectors: dict[str, bytes]
    windows: dict[str, bytes] = {}

    def why_random(self, pooling: str) -> str:
        """Return why the vectors of a pooling are random, as a clause for people; empty if they are not."""
        return why_random(self.in_force, POOLED.get(pooling, STATES))

    def vector(self, pooling: str) -> Sequence[float] | None:
        """Return the vector of a pooling, of the model's hidden size."""
        data = self.vectors.get(pooling)
        return None if data is None else floats(data, "float32")

    def window_vectors(self, pooling: str) -> list[Sequence[float]]:
        """Return the vector of each window under a pooling; of a single window, its vector."""
        mean = self.vectors.get(pooling, b"")
        data = self.windows.get(pooling, mean)
        return [floats(data[start : start + len(mean)], "float32") for start in range(0, len(data), len(mean) or 1)]


class Given(msgspec.Struct, frozen=True):
    """What a model reads of a text: `rows` windows that hold `seen` of its `tokens`, including special ones."""

    batch: Batch
    tokens: int
    seen: int

    @property
    def rows(self) -> int:
        return len(self.batch.input_ids)


def cosine(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the cosine of two vectors of one model; NaN if one of them is zero."""
    lengths = math.sqrt(sum(map(mul, first, first))) * math.sqrt(sum(map(mul, second, second)))
    return sum(map(mul, first, second)) / lengths if lengths else math.nan


def norm(vector: Sequence[float]) -> float:
    """Return the Euclidean norm."""
    return math.sqrt(sum(map(mul, vector, vector)))


def cut(tokenizer: ModelTokenizer, text: str, at: int | None) -> Given:
    """Return the beginning of a text, at most `at` tokens of it. Raises `TokenizationError`."""
    whole = tokenizer.encode([text])[0]
    if at is None or len(whole) <= at:
        return _given([whole], len(whole), len(whole))
    kept = tokenizer.encode([text], options=EncodeOptions(truncation=True, max_length=at))[0]
    return _given([kept], len(whole), len(kept))


def windows(tokenizer: ModelTokenizer, text: str, size: int, stride: int = STRIDE) -> Given:
    """Return the whole text in windows of `size` tokens, including special ones. Raises `TokenizationError`."""
    whole = tokenizer.encode([text])[0]
    options = EncodeOptions("longest", truncation=True, max_length=size, stride=stride_of(tokenizer, size, stride))
    first = tokenizer.encode([text], options=options)[0]
    return _given([first, *first.overflowing], len(whole), len(whole))


def stride_of(tokenizer: ModelTokenizer, size: int, stride: int = STRIDE) -> int:
    """Return how many tokens windows of `size` tokens share: `stride`, or less if that leaves too few new ones."""
    return min(stride, (size - tokenizer.special_count()) // 2)


def _given(rows: list[Encoding], tokens: int, seen: int) -> Given:
    if not len(rows[0]):
        raise TokenizationError("a text without tokens cannot be run; give another text")
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
    """A question, the document that answers it, and one that does not; None if there is no such document."""

    anchor: str
    positive: str
    negative: str | None
    positive_name: str
    negative_name: str = ""

    @property
    def documents(self) -> list[str]:
        """The positive document and, if there is one, the negative."""
        return [self.positive, *([] if self.negative is None else [self.negative])]


TRIPLET_COLUMNS: Final = (
    ("anchor", "query", "question"),
    ("positive", "positive_1", "answer", "document", "passage"),
    ("negative", "negative_1", "hard_negative"),
)
"""Names that data sets use for anchor, positive and negative, the usual one first."""


def triplet_columns(columns: Sequence[str]) -> list[str] | None:
    """Return the columns of anchor, positive and negative; None if one of them is missing."""
    found = [next((name for name in names if name in columns), None) for names in TRIPLET_COLUMNS]
    there = [name for name in found if name is not None]
    return there if len(there) == len(TRIPLET_COLUMNS) else None


def builtin_triplets() -> list[Triplet]:
    """Return the triplets that ship with the program."""
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
    """Return how a model can read documents: for each way, its name and the batch of every text.

    If the model's limit is high enough, it reads the documents whole, and also cut at the limit of a shorter model.
    Otherwise it reads their beginning, and also all of them in windows. The last entry covers all tokens.
    """
    takes = files.card.limit
    most = max(len(encoding) for encoding in tokenizer.encode(texts))
    is_whole = takes is None or most <= takes
    # The limit of a shorter model, and the limit of this one.
    cuts = [at for at in (NOTEBOOK_LIMIT, takes) if at is not None and at < most and (takes is None or at <= takes)]
    found = [(f"cut at {at:,}", [cut(tokenizer, text, at) for text in texts]) for at in dict.fromkeys(cuts)]
    if is_whole or takes is None:
        return [*found, ("whole", [cut(tokenizer, text, None) for text in texts])]
    return [*found, (f"windows of {takes:,}", [windows(tokenizer, text, takes) for text in texts])]
