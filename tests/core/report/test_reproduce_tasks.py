"""What can be copied gives what was shown: the scripts are run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encoder_tui.core.models.placement import Placement
from encoder_tui.core.report.reproduce_tasks import (
    PipelineToReproduce,
    matryoshka_snippet,
    pairs_snippet,
    token_states_snippet,
    vectors_snippet,
)
from encoder_tui.core.tasks.matryoshka import shortenings
from encoder_tui.engine.operations import pairs, token_states
from encoder_tui.protocol.tasks import PairsRequest, TokenStatesRequest
from tests.core.report.test_reproduce import name_of, run
from tests.support.deployed_models import Write, saved_by_library, tiny_bert
from tests.support.encoding import encoded, source
from tests.support.saved_models import silent

TEXTS = ["bees\x1b[31m", 'A "lens" \\ in a lighthouse.', "", "É 👩‍🚀"]


@pytest.fixture(scope="module")
def directories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Write]:
    folder = tmp_path_factory.mktemp("berts")
    return saved_by_library(tiny_bert(folder / "bert"), tiny_bert(folder / "masked", head=True))


def matrix(data: bytes, columns: int) -> np.ndarray:
    return np.frombuffer(data, "<f4").reshape(-1, columns)


@pytest.mark.parametrize("name", ["prompts", "splade", "multi-vector", "static"])
def test_vectors_and_similarities(name: str, directories: dict[str, Write], tmp_path: Path) -> None:
    directory = directories[name](tmp_path / "model")
    wishes: dict[str, Any] = {"truncate_dim": 5, "limit": 6} if name == "prompts" else {}
    for side in ("query", None):
        answer = encoded(directory, TEXTS, side=side, **wishes)
        made = PipelineToReproduce(name_of(directory), answer.pipeline, wishes.get("truncate_dim"))
        defined, printed = run(vectors_snippet([made], TEXTS))
        assert answer.similarity is not None
        assert printed.count(answer.similarity.function) == 1
        again = defined["model"].similarity(defined["vectors"], defined["vectors"])
        assert (again.to_dense() if again.is_sparse else again).numpy() == pytest.approx(
            matrix(answer.similarity.data, 4), abs=1e-6
        )
        if answer.vectors.layout == "dense":
            assert defined["vectors"] == pytest.approx(matrix(answer.vectors.data, answer.dimension), abs=1e-6)


def test_scores_of_pairs(directories: dict[str, Write], tmp_path: Path) -> None:
    directory = directories["cross-encoder"](tmp_path / "model")
    asked = [("bees", text) for text in TEXTS]
    answer = pairs.run(PairsRequest(source(directory), Placement(threads=1), asked), silent())
    script = pairs_snippet([PipelineToReproduce(name_of(directory), answer.pipeline)], asked)
    assert "torch.set_num_threads(1)" in script
    defined, _ = run(script)
    assert defined["model"].predict(asked) == pytest.approx([pair.scores[0] for pair in answer.pairs], abs=1e-6)


@pytest.mark.parametrize("name", ["prompts", "multi-vector"])
def test_tokens(name: str, directories: dict[str, Write], tmp_path: Path) -> None:
    directory = directories[name](tmp_path / "model")
    answer = token_states.run(
        TokenStatesRequest(source(directory), Placement(), "honeybee", "the dance of bees"), silent()
    )
    script = token_states_snippet(
        [PipelineToReproduce(name_of(directory), answer.pipeline)], "honeybee", "the dance of bees"
    )
    defined, printed = run(script)
    if name == "multi-vector":
        found = defined["queries"][0] @ defined["documents"][0].T
    else:
        found = defined["first"] @ defined["second"].T
    assert found.numpy() == pytest.approx(matrix(answer.data, len(answer.document.tokens)), abs=1e-6)
    assert printed


def test_vectors_cut_to_fewer_values(directories: dict[str, Write], tmp_path: Path) -> None:
    directory = directories["prompts"](tmp_path / "model")
    answer = encoded(directory, TEXTS)
    script = matryoshka_snippet([PipelineToReproduce(name_of(directory), answer.pipeline)], TEXTS, [16, 8])
    defined, printed = run(script)
    found = shortenings([list(answer.vectors.vector(text)) for text in range(4)], [16, 8])
    assert defined["cut"] @ defined["cut"].T == pytest.approx(np.array(found[1].cosines), abs=1e-6)
    assert printed.startswith("16 ")


def test_what_cannot_be_reproduced_is_said(tmp_path: Path) -> None:
    directory = tiny_bert(tmp_path)
    (directory / "model.safetensors").unlink()
    answer = encoded(directory, ["bees"])
    script = vectors_snippet([PipelineToReproduce(name_of(directory), answer.pipeline, runs_code=True)], ["bees"])
    assert "there were no weights" in script
    assert "the choice of encoder-tui" in script
    assert "trust_remote_code=True" in script
