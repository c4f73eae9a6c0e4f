"""`encode` gives what sentence-transformers gives, to the last bit, for every kind of directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encoder_tui.core.tasks.encoding import EncodeAnswer
from encoder_tui.engine.models.loaded_models import LOADED
from tests.core.models.test_card_equality import LIBRARY, OLD
from tests.support import deployed_models
from tests.support.deployed_models import Write
from tests.support.encoding import TEXTS, encoded


@pytest.fixture(scope="module")
def directories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Write]:
    folder = tmp_path_factory.mktemp("berts")
    bert = deployed_models.tiny_bert(folder / "bert")
    masked = deployed_models.tiny_bert(folder / "masked", head=True)
    return {**deployed_models.saved_by_library(bert, masked), **deployed_models.old_layouts(bert)}


@pytest.fixture(autouse=True)
def _unload() -> Iterator[None]:
    yield
    LOADED.unload()


def same(answer: EncodeAnswer, model: Any, found: Any) -> None:
    vectors = answer.vectors
    if vectors.layout == "dense":
        assert vectors.data == np.ascontiguousarray(found, dtype="<f4").tobytes()
        assert answer.dimension == found.shape[1]
    elif vectors.layout == "multi-vector":
        for text, matrix in enumerate(found):
            assert [list(row) for row in vectors.rows(text)] == matrix.tolist()
    else:
        for text, decoded in enumerate(model.decode(found)):
            assert [weight for _, weight in vectors.entries(text)] == [weight for _, weight in decoded]
            if vectors.terms:
                assert sorted((vectors.term(index), weight) for index, weight in vectors.entries(text)) == sorted(
                    decoded
                )
    matrix = model.similarity(found, found)
    dense = matrix.to_dense() if matrix.is_sparse else matrix
    assert answer.similarity is not None
    assert answer.similarity.function == model.similarity_fn_name
    assert answer.similarity.data == dense.numpy().astype("<f4").tobytes()


CLASSES = {"splade": "SparseEncoder", "sparse auto-encoder": "SparseEncoder", "multi-vector": "MultiVectorEncoder"}
APART = ("cross-encoder", "cross-encoder of three labels", "lstm")
"""Cross-encoders give no vectors, and the library's LSTM runs behind word embeddings only."""


@pytest.mark.parametrize("name", [name for name in (*LIBRARY, *OLD) if name not in APART])
def test_every_directory_gives_the_library_s_vectors(name: str, directories: dict[str, Write], tmp_path: Path) -> None:
    import sentence_transformers

    directory = directories[name](tmp_path / "model")
    model = getattr(sentence_transformers, CLASSES.get(name, "SentenceTransformer"))(str(directory), device="cpu")
    for side in (None, "query", "document"):
        answer = encoded(directory, side=side)
        found = getattr(model, "encode" if side is None else f"encode_{side}")(list(TEXTS))
        same(answer, model, found)
        assert not answer.pipeline.is_random
        assert len(answer.texts) == len(TEXTS)
