"""Vectors cut to their first values, against numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from encoder_tui.core.tasks.matryoshka import cosines_at, dimensions, margins, shortened, shortenings


def cosine(first: np.ndarray, second: np.ndarray, size: int) -> float:
    one, other = first[:size], second[:size]
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.fixture
def vectors() -> np.ndarray:
    return np.random.default_rng(7).normal(size=(5, 768))


def test_the_usual_dimensions_below_the_model_s() -> None:
    assert dimensions(768)[:6] == [768, 512, 384, 256, 192, 128]
    assert dimensions(400)[:2] == [400, 384]
    assert dimensions(4) == [4]


def test_a_shortened_vector_has_length_one(vectors: np.ndarray) -> None:
    made = shortened(vectors[0].tolist(), 64)
    assert (len(made), math.hypot(*made)) == (64, pytest.approx(1))
    assert made == pytest.approx((vectors[0][:64] / np.linalg.norm(vectors[0][:64])).tolist())
    assert shortened([0.0, 0.0, 1.0], 2) == [0.0, 0.0]


def test_cosines_at_every_dimension_in_the_order_that_was_asked_for(vectors: np.ndarray) -> None:
    first, second = vectors[:2]
    sizes = [64, 768, 1, 512]
    found = cosines_at(first.tolist(), second.tolist(), sizes)
    assert found == pytest.approx([cosine(first, second, size) for size in sizes])
    assert math.isnan(cosines_at([0.0, 1.0], [1.0, 1.0], [1])[0])


def test_what_changes_is_counted_against_whole_vectors(vectors: np.ndarray) -> None:
    whole, *rest = shortenings(vectors.tolist(), [768, 64])
    assert (whole.dimension, whole.mean_change, whole.largest_change, whole.same_nearest) == (768, 0, 0, 1)
    pairs = [(row, column) for row in range(5) for column in range(row)]
    changes = [abs(cosine(vectors[a], vectors[b], 64) - cosine(vectors[a], vectors[b], 768)) for a, b in pairs]
    assert rest[0].mean_change == pytest.approx(np.mean(changes))
    assert rest[0].largest_change == pytest.approx(max(changes))

    def nearest(text: int, size: int) -> int:
        others = [other for other in range(5) if other != text]
        return max(others, key=lambda other: cosine(vectors[text], vectors[other], size))

    same = np.mean([nearest(text, 64) == nearest(text, 768) for text in range(5)])
    assert rest[0].same_nearest == pytest.approx(same)
    assert rest[0].cosines[1][3] == rest[0].cosines[3][1] == pytest.approx(cosine(vectors[1], vectors[3], 64))


def test_one_text_and_vectors_of_zeros_change_nothing() -> None:
    assert shortenings([]) == []
    assert shortenings([[1.0, 2.0]])[0].mean_change is None
    found = shortenings([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [1])[0]
    assert math.isnan(found.cosines[0][1])
    assert found.largest_change == pytest.approx(1 - 1 / math.sqrt(2))


def test_a_triplet_s_margin_at_every_dimension(vectors: np.ndarray) -> None:
    anchor, positive, negative = vectors[:3].tolist()
    for found in margins(anchor, positive, negative):
        close, far = (cosine(vectors[0], vectors[other], found.dimension) for other in (1, 2))
        assert (found.positive, found.negative) == (pytest.approx(close), pytest.approx(far))
        assert found.margin == pytest.approx(close - far)
    assert margins(anchor, positive, None)[0].margin is None
