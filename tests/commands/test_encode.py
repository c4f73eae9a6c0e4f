"""`encoder-tui encode`, run as a program with the real engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command_case import call, named
from tests.support.deployed_models import saved_by_library, tiny_bert

KEYS = ["model", "kind", "prompt", "texts", "dimension", "vectors", "similarity"]
"""The contract's; what else a model says follows."""
KINDS = ("prompts", "splade", "multi-vector", "cross-encoder", "static")
TEXTS = ["The dance of the honeybee.", "bees " * 100, "A lens in a lighthouse."]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One of every kind."""
    folder = tmp_path_factory.mktemp("models")
    written = saved_by_library(tiny_bert(folder / "bert"), tiny_bert(folder / "masked", head=True))
    return {name: written[name](folder / name) for name in KINDS}


def test_models_of_every_kind_side_by_side_in_json_and_in_a_file(models: dict[str, Path], tmp_path: Path) -> None:
    from safetensors import safe_open

    file = tmp_path / "vectors.safetensors"
    done = call("encode", *TEXTS, "--as", "query", "--json", "--save", str(file), *named(*list(models.values())[:4]))
    assert done.code == 1
    dense, sparse, multi, cross = done.models
    assert "which scores pairs of texts" in cross["error"]
    for model in (dense, sparse, multi):
        assert list(model)[: len(KEYS)] == KEYS
        assert [text["cut"] is None for text in model["texts"]] == [True, False, True]
        assert [len(row) for row in model["similarity"]["matrix"]] == [3, 3, 3]
    assert (dense["kind"], dense["prompt"], dense["similarity"]["function"]) == (
        "sentence-transformer", "query", "cosine",
    )  # fmt: skip
    assert [len(vector) for vector in dense["vectors"]] == [16, 16, 16]
    assert all(isinstance(term, str) and weight > 0 for vector in sparse["vectors"] for term, weight in vector)
    assert [len(row) for row in multi["vectors"][0]] == [10] * len(multi["vectors"][0])
    with safe_open(file, "np") as saved:
        assert sorted(saved.keys()) == [
            "0.vectors", "1.counts", "1.indices", "1.values", "2.counts", "2.vectors",
        ]  # fmt: skip
        assert saved.get_tensor("0.vectors").tolist() == dense["vectors"]
        assert saved.get_tensor("1.values").tolist() == [weight for one in sparse["vectors"] for _, weight in one]
        assert saved.get_tensor("2.vectors").tolist() == [row for one in multi["vectors"] for row in one]
        assert saved.get_tensor("2.counts").tolist() == [len(one) for one in multi["vectors"]]
        about = json.loads(saved.metadata()["0"])
    assert (about["model"], about["prompt"], about["side"]) == (str(models["prompts"]), "query", "query")
    assert about["settings"]["device"] == "cpu"
    assert about["versions"]["sentence-transformers"]


def test_a_person_reads_tokens_cuts_norms_and_similarities(models: dict[str, Path], tmp_path: Path) -> None:
    import numpy as np

    file = tmp_path / "vectors.npz"
    stdin = "\n".join([*TEXTS, "", TEXTS[0]]).encode()
    # A table of vectors has no transformer, and reads all of a text.
    given = named(models["prompts"], models["static"])
    done = call("encode", "--lines", "--save", str(file), *given, stdin=stdin)
    assert (done.code, done.stderr) == (0, "")
    head, columns, *rows = done.text.splitlines()
    assert "sentence-transformer, 16 values, mean pooling, reads 64 tokens, prompt classification" in head
    assert columns.split() == ["text", "tokens", "characters", "cut", "at", "norm"]
    assert [row.split()[:1] for row in rows[:4]] == [["1"], ["2"], ["3"], ["4"]]
    assert rows[5].split() == ["cosine", "1", "2", "3", "4"]
    assert rows[6].endswith("█ 1.000")
    with np.load(file) as saved:
        assert saved["0.vectors"].shape == (4, 16)
        assert saved["1.vectors"].shape == (4, 12)
    assert "static: sentence-transformer, 12 values, no limit, no prompt; cpu, float32, no attention" in done.text


def test_usage_errors_come_before_the_engine(models: dict[str, Path], tmp_path: Path) -> None:
    model = named(models["prompts"])
    assert call("encode", "a", "--save", "vectors.pt", *model).code == 2
    assert call("encode", "a", "--truncate-dim", "0", *model).code == 2
    assert call("encode", "--lines", *model, stdin=b"\n \n").code == 2
    done = call("encode", "--lines", *model, stdin=b"bees\n" * 10_001)
    assert done.code == 1
    assert "10,001 texts are too many at once" in done.stderr
    assert "evaluate" in done.stderr
