"""What a model makes of a triplet when it is given the documents in one way."""

from __future__ import annotations

import math
from dataclasses import dataclass

from encoder_tui.core.tasks.pooling import POOLINGS, Given, VectorsAnswer, cosine


@dataclass(frozen=True)
class Way:
    """The positive document and, where there is one, the negative, each as given and as it came out."""

    name: str
    given: list[Given]
    anchor: VectorsAnswer
    answers: list[VectorsAnswer]

    def cosines(self, pooling: str) -> list[float] | None:
        """The anchor with each document; None where the model has no such pooling."""
        anchor = self.anchor.vector(pooling)
        vectors = [answer.vector(pooling) for answer in self.answers]
        if anchor is None:
            return None
        return [cosine(anchor, vector) for vector in vectors if vector is not None]

    def margin(self, pooling: str) -> float:
        """By how much the anchor is nearer to the positive document; not a number where there is no negative."""
        found = self.cosines(pooling) or []
        return found[0] - found[1] if len(found) == 2 else math.nan

    def likeness(self, other: Way, pooling: str) -> float:
        """The cosine of the positive document given in this way and in another."""
        first, second = self.answers[0].vector(pooling), other.answers[0].vector(pooling)
        return math.nan if first is None or second is None else cosine(first, second)


def rows(letter: str, ways: list[Way]) -> list[tuple[str, ...]]:
    """A model's rows of the table: a pooling under each way, compared with the last, which sees everything."""
    found: list[tuple[str, ...]] = []
    for way in ways:
        given = way.given[0]
        for pooling in POOLINGS:
            cosines = way.cosines(pooling)
            if cosines is None:
                continue
            seen = f"{given.seen:,}/{given.tokens:,}" if pooling == POOLINGS[0] else ""
            name = way.name if given.rows == 1 else f"{given.rows} {way.name}"
            negative = f"{cosines[1]:.4f}" if len(cosines) > 1 else "–"
            margin = f"{way.margin(pooling):+.4f}" if len(cosines) > 1 else "–"
            likeness = "" if way is ways[-1] else f"{way.likeness(ways[-1], pooling):.4f}"
            found.append((letter, name, seen, pooling, f"{cosines[0]:.4f}", negative, margin, likeness))
    return found


def verdict(letter: str, ways: list[Way]) -> str:
    """A model's answer in words, by the first pooling: which document is nearer, and what the tail changed."""
    whole, pooling = ways[-1], POOLINGS[0]
    cosines = whole.cosines(pooling)
    if cosines is None:
        return ""
    random = ", random weights" if whole.anchor.in_force.weights == "random" else ""
    if len(cosines) > 1:
        nearer = "positive" if cosines[0] > cosines[1] else "negative"
        words = f"{letter}: nearer to the {nearer} ({whole.margin(pooling):+.3f}{random})"
    else:
        words = f"{letter}: {cosines[0]:.3f}{random}"
    if len(ways) == 1:
        return words
    begun = ways[0]
    moved = whole.margin(pooling) - begun.margin(pooling)
    margin = f" and the margin by {moved:+.3f}" if math.isfinite(moved) else ""
    return f"{words}, the tail turns it by {angle(begun.likeness(whole, pooling))}{margin}"


def angle(likeness: float) -> str:
    """A cosine as degrees."""
    return f"{math.degrees(math.acos(min(max(likeness, -1.0), 1.0))):.0f}°" if math.isfinite(likeness) else "–"
