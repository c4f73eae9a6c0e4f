"""A deployed model without sentence-transformers: the same values, for the modules that are followed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from encoder_tui.core.models.placement import Placement
from encoder_tui.engine.job import OperationError
from encoder_tui.engine.models.loaded_models import LOADED
from encoder_tui.engine.operations import token_states
from encoder_tui.protocol.tasks import TokenStatesRequest
from tests.core.models.test_card_equality import LIBRARY, OLD
from tests.engine.tasks.test_encode_equals_library import left_padded, lowered, without_its_prompt
from tests.support.deployed_models import Write, old_layouts, saved_by_library, tiny_bert
from tests.support.encoding import encoded, source
from tests.support.saved_models import silent

NEEDING = {"static", "two routes", "splade", "sparse auto-encoder", "multi-vector", "cnn", "layers pooled",
           "cross-encoder", "cross-encoder of three labels", "lstm"}  # fmt: skip
"""Directories whose modules only sentence-transformers runs."""


@pytest.fixture(scope="module")
def directories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Write]:
    folder = tmp_path_factory.mktemp("berts")
    bert = tiny_bert(folder / "bert")
    return {**saved_by_library(bert, tiny_bert(folder / "masked", head=True)), **old_layouts(bert)}


@pytest.fixture(autouse=True)
def _unload() -> Iterator[None]:
    yield
    LOADED.unload()


@pytest.fixture
def hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without the library."""
    LOADED.unload()
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)


CHANGES = {change.__name__: change for change in (left_padded, lowered, without_its_prompt)}
CASES = [
    *(name for name in (*LIBRARY, *OLD) if name not in NEEDING),
    *(f"pooling {pooling}/{change}" for pooling in ("cls", "mean", "weightedmean", "lasttoken") for change in CHANGES),
]


@pytest.mark.parametrize("case", CASES)
def test_the_modules_of_the_card_are_followed(
    case: str, directories: dict[str, Write], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, _, change = case.partition("/")
    directory = directories[name](tmp_path / "model")
    if change:
        CHANGES[change](directory)
    expected = {side: encoded(directory, side=side) for side in (None, "query", "document")}
    LOADED.unload()
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    for side, theirs in expected.items():
        ours = encoded(directory, side=side)
        assert ours.pipeline.library == "encoder-tui"
        assert "not installed in the engine's environment" in ours.pipeline.remarks[0]
        assert ours.texts[4].cut == theirs.texts[4].cut
        assert [text.tokens for text in ours.texts] == [text.tokens for text in theirs.texts]
        assert (ours.pipeline.prompt, ours.pipeline.prompt_text) == (
            theirs.pipeline.prompt, theirs.pipeline.prompt_text,
        )  # fmt: skip
        assert ours.dimension == theirs.dimension
        assert np.abs(numbers(ours.vectors.data) - numbers(theirs.vectors.data)).max() <= 1e-6
        assert ours.similarity is not None
        assert theirs.similarity is not None
        assert ours.similarity.function == theirs.similarity.function
        assert np.abs(numbers(ours.similarity.data) - numbers(theirs.similarity.data)).max() <= 1e-4


def numbers(data: bytes) -> np.ndarray:
    return np.frombuffer(data, "<f4")


@pytest.mark.parametrize(("name", "what"), [("splade", "SpladePooling"), ("two routes", "Router"), ("cnn", "CNN")])
def test_other_modules_need_the_library(
    name: str, what: str, hidden: None, directories: dict[str, Write], tmp_path: Path
) -> None:
    with pytest.raises(OperationError, match=f"module {what} needs sentence-transformers 6"):
        encoded(directories[name](tmp_path / "model"), ["bees"])


def test_a_bare_encoder_and_random_weights(hidden: None, tmp_path: Path) -> None:
    directory = tiny_bert(tmp_path)
    answer = encoded(directory, ["bees"])
    assert (answer.pipeline.is_own_pooling, answer.pipeline.is_random) == (True, False)
    (directory / "model.safetensors").unlink()
    assert encoded(directory, ["bees"]).pipeline.is_random


def test_tokens_are_compared_too(hidden: None, directories: dict[str, Write], tmp_path: Path) -> None:
    request = TokenStatesRequest(source(directories["normalized"](tmp_path / "model")), Placement(), "bees", "lens")
    answer = token_states.run(request, silent())
    assert answer.query.tokens[0] == "[CLS]"
    assert len(answer.row(0)) == len(answer.document.tokens)
