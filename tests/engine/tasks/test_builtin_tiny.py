"""`builtin:tiny` says something true about the sample documents, as its card promises."""

from __future__ import annotations

import pytest

from encoder_tui import builtin
from encoder_tui.engine.models.loaded_models import LOADED
from tests.benchmarks.tiny_model import triplets
from tests.support.encoding import encoded
from tests.support.train_tiny import paragraphs


@pytest.fixture(autouse=True)
def _unload() -> None:
    LOADED.unload()


def test_more_than_nine_of_ten_triplets_of_held_out_paragraphs_hold() -> None:
    held_out = paragraphs(held_out=True)
    answer = encoded(builtin.directory("tiny"), [paragraph.text for paragraph in held_out])
    assert answer.similarity is not None
    assert not answer.pipeline.is_random
    right, total = triplets(held_out, [answer.similarity.row(text) for text in range(len(held_out))])
    assert total > 2_000
    assert right / total > 0.9
