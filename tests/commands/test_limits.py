"""How many tokens a deployed model reads is the same in every command; another limit can be chosen."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_case import Done, call
from tests.support.deployed_models import OLD_POOLING, modules, old, tiny_bert, write_files

WORDS = "20 as trained; its positions allow 64"
TEXT = "How bread rises. " * 60


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def deployed(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of 64 positions that sentence-transformers cuts at 20 tokens."""
    files = {
        "modules.json": modules((old("Transformer"), ""), (old("Pooling"), "1_Pooling")),
        "1_Pooling/config.json": OLD_POOLING,
        "sentence_bert_config.json": {"max_seq_length": 20, "do_lower_case": False},
    }
    return write_files(shutil.copytree(bert, tmp_path_factory.mktemp("models") / "deployed"), files)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return path


def docs(*arguments: str | Path) -> Done:
    done = call("docs", *arguments)
    assert done.code == 0, done.stderr
    return done


def test_documents_are_cut_where_the_deployed_model_stops(deployed: Path, text: Path) -> None:
    from sentence_transformers import SentenceTransformer

    (model,) = docs("-m", deployed, "--json", text).models
    reference = SentenceTransformer(str(deployed), device="cpu")
    kept = reference.tokenizer(TEXT, truncation=True, max_length=reference.max_seq_length, return_offsets_mapping=True)
    assert (model["limit"], model["cut"]) == (reference.max_seq_length, kept["offset_mapping"][-2][1])
    assert f"reads 20 tokens, 2 of them special ({WORDS})" in docs("-m", deployed, text).text
    summary = docs("-m", deployed, "--summary", text).text
    assert f"limit {WORDS}" in summary
    assert "windows of 20 with" not in summary, "a stride of 128 leaves no room in them"
    assert "reads 20 tokens: 100 % of documents are longer" in summary


@pytest.mark.parametrize(("chosen", "limit"), [(40, 40), (64, 64), (1_000, 64)])
def test_another_limit_is_chosen_as_far_as_the_positions_go(
    deployed: Path, text: Path, chosen: int, limit: int
) -> None:
    done = docs("-m", deployed, "--max-seq-length", str(chosen), "--json", text)
    (model,) = done.models
    assert model["limit"] == limit
    beyond = f"a limit of {chosen:,} was chosen, but its positions allow 64 tokens, so it reads 64"
    assert (f"{deployed}: {beyond}" in done.stderr) is (chosen > limit)
    assert f"limit {limit:,} as chosen" in docs("-m", deployed, "--summary", text).text.replace(
        f"limit {WORDS}", f"limit {limit:,} as chosen"
    )


def test_a_run_gives_the_model_what_it_is_deployed_with(deployed: Path) -> None:
    def run(*more: str) -> tuple[dict[str, Any], str]:
        done = call("run", "-m", deployed, "--json", TEXT, *more)
        assert done.code == 0, done.stderr
        return done.models[0], done.stderr

    model, remarks = run()
    assert model["outputs"][0]["shape"] == [1, 20, 16]
    assert f"the model reads 20; the last 462 are not seen ({WORDS})" in remarks
    model, remarks = run("--max-seq-length", "200")
    assert model["outputs"][0]["shape"] == [1, 64, 16]
    assert "so it reads 64" in remarks
    assert "(64 as chosen; sentence-transformers is set to 20)" in remarks


def test_the_card_and_the_report_name_the_chosen_limit(deployed: Path) -> None:
    done = call("info", "-m", deployed, "--max-seq-length", "30", "--json")
    (model,) = done.models
    assert (model["limit"], model["limits"]["sentence_transformers"]) == (30, 20)
    words = "30 as chosen; sentence-transformers is set to 20, its positions allow 64"
    report = call("report", "-m", deployed, "--max-seq-length", "30", "--sections", "models,settings", "x").text
    assert words in report
    assert "| max_seq_length | `30` | command line |" in report
    assert json.loads(json.dumps(model["limits"])) == {"positions": 64, "tokenizer": 64, "sentence_transformers": 20}


def test_tokens_and_counts_are_of_the_lower_cased_text_and_say_so(bert: Path, tmp_path: Path) -> None:
    files = {
        "modules.json": modules((old("Transformer"), "")),
        "sentence_bert_config.json": {"max_seq_length": 20, "do_lower_case": True},
    }
    lowered = write_files(shutil.copytree(bert, tmp_path / "lowered"), files)
    done = call("tokens", "-m", lowered, "--json", "How BREAD rises", "how bread rises")
    upper, lower = done.models[0]["encodings"]
    assert upper["input_ids"] == lower["input_ids"]
    shown = call("tokens", "-m", lowered, "How BREAD rises").text
    sentence = "sentence-transformers lower-cases every text first (do_lower_case)"
    assert f"\nA: {sentence}\n" in shown
    assert "\nA reads 20 as trained; its positions allow 64; without --max-length, --truncation cuts at 64" in shown
    text = tmp_path / "text.txt"
    text.write_text("HOW BREAD RISES. " * 20)
    (model,) = docs("-m", lowered, "--json", text).models
    text.write_text("how bread rises. " * 20)
    assert docs("-m", lowered, "--json", text).models == [model]
    assert sentence in docs("-m", lowered, text).text
