"""What deployed models make of texts: vectors and similarities, scores of pairs, states of tokens."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from encoder_tui.core.bounds import Seconds, Tokens
from encoder_tui.core.models.heads import Kind
from encoder_tui.core.models.placement import InForce
from encoder_tui.core.outputs.slices import floats

Side = Literal["query", "document"]
"""What a text is for a model that searches; it decides over the prompt and the route of a Router."""
SIDES: Final[tuple[Side, ...]] = ("query", "document")

Layout = Literal["dense", "sparse", "multi-vector"]

MOST_TEXTS: Final = 10_000
"""How many texts are encoded at once; their vectors are one answer."""
MOST_COMPARED: Final = 1_000
"""Of more texts than this no similarities are computed: they grow with the square."""


class EncodedText(msgspec.Struct, frozen=True):
    """One text as its model reads it.

    `tokens` counts all that the tokenizer makes of prompt and text, with special tokens, also those beyond the limit.
    `cut` is the offset of the first character of the text that is not read; None if all of it is read. `norm` is the
    Euclidean norm of the text's vector, None for several vectors and if it is not finite.
    """

    tokens: Tokens
    characters: int
    cut: int | None = None
    norm: float | None = None


class Vectors(msgspec.Struct, frozen=True):
    """The vectors of texts, as little-endian float32 in `data`.

    - dense: `dimension` values a text.
    - multi-vector: `counts` vectors a text, of `dimension` values each.
    - sparse: `counts` weights a text, largest first; `indices` (little-endian int32) say which of the `dimension`
      values each weight is, and `terms` which entry of the vocabulary an index stands for, if it stands for one.
    """

    layout: Layout
    dimension: int
    data: bytes
    counts: list[Tokens] = []
    indices: bytes = b""
    terms: dict[int, str] = {}

    def vector(self, text: int) -> Sequence[float]:
        """Return the vector of a text, if the layout is dense."""
        width = 4 * self.dimension
        return floats(self.data[text * width : (text + 1) * width], "float32")

    def rows(self, text: int) -> list[Sequence[float]]:
        """Return the vectors of a text, if the layout is multi-vector."""
        width = 4 * self.dimension
        first = sum(self.counts[:text])
        return [
            floats(self.data[row * width : (row + 1) * width], "float32")
            for row in range(first, first + self.counts[text])
        ]

    def entries(self, text: int) -> list[tuple[int, float]]:
        """Return the indices and weights of a text, largest first, if the layout is sparse."""
        first = 4 * sum(self.counts[:text])
        last = first + 4 * self.counts[text]
        weights = floats(self.data[first:last], "float32")
        return list(zip(integers(self.indices[first:last]), weights, strict=True))

    def term(self, index: int) -> str:
        """Return the entry of the vocabulary that an index stands for, or the index as a number if there is none."""
        return self.terms.get(index, str(index))


class Similarity(msgspec.Struct, frozen=True):
    """Similarities of texts × texts under one model, row by row as little-endian float32.

    `function` is the name that sentence-transformers has for it. With "euclidean" and "manhattan" it is the negative
    distance.
    """

    function: str
    size: int
    data: bytes

    def row(self, text: int) -> Sequence[float]:
        """Return the similarities of a text with every text."""
        width = 4 * self.size
        return floats(self.data[text * width : (text + 1) * width], "float32")


class Pipeline(msgspec.Struct, frozen=True):
    """What computed an answer.

    - `limit` is how many tokens it reads, None if nothing limits it; `is_limit_chosen` says that the user chose it.
    - `prompt` is the name of the prompt, None if none was used; `prompt_text` is what it puts before each text.
    - `side` is the one that was requested.
    - `is_own_pooling` says that the model states no pooling, and that the mean is the choice of encoder-tui.
    - `is_random` says that some of the values it computes with are random, so that its results mean nothing.
    - `library` names what ran it, with its version; `revision` is the commit of a model of the Hub.
    """

    in_force: InForce
    kind: Kind
    library: str
    limit: int | None = None
    pooling: list[str] = []
    is_own_pooling: bool = False
    prompt: str | None = None
    prompt_text: str = ""
    is_random: bool = False
    remarks: list[str] = []
    seconds: Seconds = 0.0
    side: Side | None = None
    revision: str | None = None
    versions: dict[str, str] = {}
    is_limit_chosen: bool = False


class EncodeAnswer(msgspec.Struct, frozen=True):
    """The vectors of texts. `similarity` is None for more than `MOST_COMPARED` texts."""

    pipeline: Pipeline
    texts: list[EncodedText]
    vectors: Vectors
    similarity: Similarity | None = None

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return self.vectors.dimension


class ScoredPair(msgspec.Struct, frozen=True):
    """A pair's scores, one for each label; `tokens` is the length of both texts together, with special tokens.

    `cuts` are the offsets of the first character that is not read of each text, None if all of it is read.
    """

    scores: list[float]
    tokens: Tokens
    cuts: tuple[int | None, int | None] = (None, None)


class PairsAnswer(msgspec.Struct, frozen=True):
    """The scores of pairs by a cross-encoder; `labels` names the scores if there are several, `activation` what was
    applied to the logits: `Sigmoid`, `Identity`.
    """

    pipeline: Pipeline
    pairs: list[ScoredPair]
    labels: list[str]
    activation: str


class TokenStates(msgspec.Struct, frozen=True):
    """The tokens of a text that have a vector, and the characters of the text that they stand for.

    A token of the prompt, a special token, and one that the model adds to a query have an empty span.
    """

    tokens: list[str]
    spans: list[tuple[int, int]]
    cut: int | None = None


class TokenStatesAnswer(msgspec.Struct, frozen=True):
    """How alike the tokens of two texts are: `query` tokens × `document` tokens in `data`, as little-endian float32.

    If `is_native`, these are the products that the model's own score sums up, and `score` is that score. Otherwise they
    are the cosines of token states that the model pools before it compares texts, and `score` is what MaxSim would
    make of them.
    """

    pipeline: Pipeline
    query: TokenStates
    document: TokenStates
    data: bytes
    function: str
    score: float | None
    is_native: bool

    def row(self, token: int) -> Sequence[float]:
        """Return how alike a token of the query is to every token of the document."""
        width = 4 * len(self.document.tokens)
        return floats(self.data[token * width : (token + 1) * width], "float32")

    def winner(self, token: int) -> int | None:
        """Return which token of the document is most like a token of the query; None if the document has none."""
        row = self.row(token)
        return max(range(len(row)), key=row.__getitem__) if row else None


def integers(data: bytes) -> Sequence[int]:
    """Return little-endian int32 as numbers."""
    import sys  # noqa: PLC0415

    values = array("i")
    values.frombytes(data)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def finite(value: float) -> float | None:
    """Return a number, or None if JSON has no word for it."""
    return value if math.isfinite(value) else None
