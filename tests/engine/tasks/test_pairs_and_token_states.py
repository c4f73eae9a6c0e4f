"""Scores of pairs and comparisons of tokens, against sentence-transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from encoder_tui.core.models.placement import Placement
from encoder_tui.engine.job import OperationError
from encoder_tui.engine.operations import pairs, token_states
from encoder_tui.protocol.tasks import PairsRequest, TokenStatesRequest
from tests.support import deployed_models
from tests.support.deployed_models import Write
from tests.support.encoding import TEXTS, encoded, source
from tests.support.saved_models import silent

QUERY, DOCUMENT = "how do bees dance", "The dance of the honeybee tells the way, says the lens."


@pytest.fixture(scope="module")
def directories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Write]:
    folder = tmp_path_factory.mktemp("berts")
    bert = deployed_models.tiny_bert(folder / "bert")
    return deployed_models.saved_by_library(bert, deployed_models.tiny_bert(folder / "masked", head=True))


@pytest.mark.parametrize("name", ["cross-encoder", "cross-encoder of three labels"])
def test_pairs_are_scored_as_predict_scores_them(name: str, directories: dict[str, Write], tmp_path: Path) -> None:
    from sentence_transformers import CrossEncoder

    directory = directories[name](tmp_path / "model")
    asked = [(QUERY, text) for text in TEXTS]
    answer = pairs.run(PairsRequest(source(directory), Placement(), asked), silent())
    expected = CrossEncoder(str(directory), device="cpu").predict(asked).reshape(len(asked), -1)
    assert [pair.scores for pair in answer.pairs] == expected.tolist()
    assert len(answer.labels) == (3 if "three" in name else 0)
    assert answer.activation == ("Identity" if "three" in name else "Sigmoid")
    # The longer of the two loses tokens first, and the model reads 64.
    far = answer.pairs[4]
    assert far.tokens > 64
    assert far.cuts[0] is None
    assert far.cuts[1] is not None
    assert TEXTS[4][: far.cuts[1]].endswith("bees")


def states(directory: Path) -> Any:
    return token_states.run(TokenStatesRequest(source(directory), Placement(), QUERY, DOCUMENT), silent())


def test_tokens_of_a_multi_vector_model_add_up_to_its_score(directories: dict[str, Write], tmp_path: Path) -> None:
    from sentence_transformers import MultiVectorEncoder

    directory = directories["multi-vector"](tmp_path / "model")
    model = MultiVectorEncoder(str(directory), device="cpu")
    query, document = model.encode_query([QUERY]), model.encode_document([DOCUMENT])
    answer = states(directory)
    assert answer.is_native
    assert answer.score == pytest.approx(model.similarity(query, document).item(), abs=1e-6)
    rows = [answer.row(token) for token in range(len(answer.query.tokens))]
    assert torch.tensor([list(row) for row in rows]).equal(query[0] @ document[0].T)
    assert sum(row[answer.winner(token) or 0] for token, row in enumerate(rows)) == pytest.approx(answer.score)
    spans = {DOCUMENT[start:end] for start, end in answer.document.spans if end > start}
    assert "honeybee" in spans or any("honey".startswith(span) for span in spans)
    assert all(end <= len(QUERY) for _, end in answer.query.spans)


def test_tokens_of_a_dense_model_are_compared_by_their_states_and_it_is_said(
    directories: dict[str, Write], tmp_path: Path
) -> None:
    answer = states(directories["normalized"](tmp_path / "model"))
    assert not answer.is_native
    assert any("not the model's own score" in remark for remark in answer.pipeline.remarks)
    assert len(answer.row(0)) == len(answer.document.tokens)
    assert answer.query.tokens[0] == "[CLS]"
    assert answer.query.spans[0] == (0, 0)


@pytest.mark.parametrize(
    ("name", "reason"), [("splade", "has no vectors of tokens"), ("static", "do not come from states of tokens")]
)
def test_models_without_states_of_tokens_say_so(
    name: str, reason: str, directories: dict[str, Write], tmp_path: Path
) -> None:
    with pytest.raises(OperationError, match=reason):
        states(directories[name](tmp_path / "model"))


def test_models_of_other_kinds_are_told_apart(directories: dict[str, Write], tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="scores pairs of texts; use predict"):
        encoded(directories["cross-encoder"](tmp_path / "cross"))
    request = PairsRequest(source(directories["static"](tmp_path / "static")), Placement(), [("a", "b")])
    with pytest.raises(OperationError, match="is a sentence-transformer, which scores no pairs"):
        pairs.run(request, silent())
