"""A model's cosines for a triplet, for one way of reading the documents."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from encoder_tui.core.tasks.pooling import POOLINGS, Given, VectorsAnswer, cosine

SCALE = 25
"""Cells of the line from −1 to 1."""


@dataclass(frozen=True)
class Way:
    """One way of reading the positive document and, if there is one, the negative: inputs and vectors.

    With `by_best_window`, a document counts as the one of its windows that is nearest to the anchor.
    """

    name: str
    given: list[Given]
    anchor: VectorsAnswer
    answers: list[VectorsAnswer]
    by_best_window: bool = False

    def vector(self, document: int, pooling: str) -> Sequence[float] | None:
        """Return the vector that stands for a document; None if the model has no such pooling."""
        answer, anchor = self.answers[document], self.anchor.vector(pooling)
        if not self.by_best_window or anchor is None:
            return answer.vector(pooling)
        return max(answer.window_vectors(pooling), key=lambda vector: _comparable(cosine(anchor, vector)), default=None)

    def cosines(self, pooling: str) -> list[float] | None:
        """Return the anchor's cosine with each document; None if the model has no such pooling."""
        anchor = self.anchor.vector(pooling)
        vectors = [self.vector(document, pooling) for document in range(len(self.answers))]
        if anchor is None:
            return None
        return [cosine(anchor, vector) for vector in vectors if vector is not None]

    def margin(self, pooling: str) -> float:
        """Return the cosine with the positive document minus that with the negative; NaN if there is no negative."""
        found = self.cosines(pooling) or []
        return found[0] - found[1] if len(found) == 2 else math.nan

    def likeness(self, other: Way, pooling: str) -> float:
        """Return the cosine between the positive document's vectors in this way and in another."""
        first, second = self.vector(0, pooling), other.vector(0, pooling)
        return math.nan if first is None or second is None else cosine(first, second)


def rows(letter: str, ways: list[Way], poolings: Sequence[str] = POOLINGS) -> list[tuple[str, ...]]:
    """Return a model's rows of the table: every way and pooling, compared with the last way, which reads everything.

    An exclamation mark precedes a pooling whose vectors are random; `random_words` says why.
    """
    found: list[tuple[str, ...]] = []
    for way in ways:
        given = way.given[0]
        for pooling in poolings:
            cosines = way.cosines(pooling)
            if cosines is None:
                continue
            seen = f"{given.seen:,}/{given.tokens:,}" if pooling == poolings[0] else ""
            name = way.name if given.rows == 1 or way.by_best_window else f"{given.rows} {way.name}"
            negative = f"{cosines[1]:.4f}" if len(cosines) > 1 else "–"
            margin = f"{way.margin(pooling):+.4f}" if len(cosines) > 1 else "–"
            likeness = "" if way is ways[-1] else f"{way.likeness(ways[-1], pooling):.4f}"
            shown = f"!{pooling}" if way.anchor.why_random(pooling) else pooling
            near = f"{cosines[0]:.4f}"
            found.append((letter, name, seen, shown, near, negative, margin, likeness, scale(cosines)))
    return found


def _comparable(value: float) -> float:
    return value if math.isfinite(value) else -math.inf


def random_words(ways: list[Way]) -> list[str]:
    """Return why the vectors of some poolings are random, one sentence for each of them."""
    if not ways:
        return []
    anchor = ways[0].anchor
    there = [pooling for pooling in POOLINGS if anchor.vector(pooling) is not None]
    return [f"! {pooling} is {why}" for pooling in there if (why := anchor.why_random(pooling))]


def scale(cosines: Sequence[float]) -> str:
    """Return a line from −1 to 1 with a mark for the positive document and one for the negative; `*` is both."""
    cells = ["·"] * SCALE
    cells[SCALE // 2] = "┼"
    for mark, value in zip("+-", cosines, strict=False):
        if math.isfinite(value):
            place = round((min(max(value, -1.0), 1.0) + 1) / 2 * (SCALE - 1))
            cells[place] = "*" if cells[place] == "+" else mark
    return "".join(cells)


def verdict(
    letter: str, ways: list[Way], pooling: str = POOLINGS[0], is_trained: bool = False, is_short: bool = False
) -> str:
    """Say, for one pooling, which document is nearer, and what reading the rest of the document changes."""
    whole = ways[-1]
    cosines = whole.cosines(pooling)
    if cosines is None:
        return ""
    is_random = whole.anchor.why_random(pooling)
    random = ", random weights" if whole.anchor.in_force.weights == "random" else ", random" if is_random else ""
    by = f" by {pooling}" if is_short else ""
    if len(cosines) > 1:
        nearer = "positive" if cosines[0] > cosines[1] else "negative"
        words = f"{letter}: nearer to the {nearer} ({whole.margin(pooling):+.3f}{by}{random})"
    else:
        words = f"{letter}: {cosines[0]:.3f}{by}{random}"
    if not is_short:
        words += f" by its own {pooling} pooling" if is_trained else f" by {pooling} pooling, our choice"
    if len(ways) == 1:
        return words
    begun = ways[0]
    moved = whole.margin(pooling) - begun.margin(pooling)
    turned = angle(begun.likeness(whole, pooling))
    if is_short:
        margin = f", margin {moved:+.3f}" if math.isfinite(moved) else ""
        return f"{words}; the rest rotates it by {turned}{margin}"
    change = "lowers" if moved < 0 else "raises"
    margin = f" and {change} the margin by {abs(moved):.3f}" if math.isfinite(moved) else ""
    return f"{words}; reading the rest of the document rotates the vector by {turned}{margin}"


def angle(likeness: float) -> str:
    """Format a cosine in degrees."""
    return f"{math.degrees(math.acos(min(max(likeness, -1.0), 1.0))):.0f}°" if math.isfinite(likeness) else "–"
