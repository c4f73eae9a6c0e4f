"""The weighted terms of two texts under a sparse encoder: what they share, and what each adds to their similarity."""

from __future__ import annotations

import math

import msgspec

from encoder_tui.core.tasks.encoding import EncodeAnswer


class TermPair(msgspec.Struct, frozen=True):
    """A term and its weight in each of two texts; 0.0 if a text lacks it.

    `adds` is its part of the similarity; None if the similarity is not a sum of products.
    """

    term: str
    first: float
    second: float
    adds: float | None


def term_pairs(answer: EncodeAnswer, first: int, second: int) -> list[TermPair]:
    """Return the terms of two texts: shared ones by what they add, then those of one text by their weight."""
    vectors = answer.vectors
    weights = dict(vectors.entries(first)), dict(vectors.entries(second))
    scale = _scale(answer, first, second)
    found = []
    for index in dict.fromkeys([*weights[0], *weights[1]]):
        one, other = weights[0].get(index, 0.0), weights[1].get(index, 0.0)
        found.append(TermPair(vectors.term(index), one, other, None if scale is None else one * other / scale))
    return sorted(found, key=_rank)


def _rank(pair: TermPair) -> tuple[int, float]:
    if pair.first and pair.second:
        return 0, -abs(pair.first * pair.second)
    return (1, -abs(pair.first)) if pair.first else (2, -abs(pair.second))


def _scale(answer: EncodeAnswer, first: int, second: int) -> float | None:
    """Return what products of weights are divided by in the model's function; None if it has no products."""
    function = None if answer.similarity is None else answer.similarity.function
    if function == "dot":
        return 1.0
    if function != "cosine":
        return None
    norms = [answer.texts[text].norm or math.nan for text in (first, second)]
    return norms[0] * norms[1]
