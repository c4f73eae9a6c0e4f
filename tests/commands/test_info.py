"""`encoder-tui info`, run as a program with the real engine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from tests.support.command_case import Done, call, named
from tests.support.deployed_models import OLD_POOLING, modules, old, tiny_bert, write_files
from tests.support.fake_hub import FakeHub
from tests.support.hub_case import REPO

KEYS = [
    "model", "kind", "class", "limit", "limits", "modules", "pooling", "dimension", "similarity", "prompts",
    "default_prompt", "labels", "weights", "remarks",
]  # fmt: skip


def info(*models: str | Path, code: int = 0) -> list[dict[str, Any]]:
    done = call("info", "--json", *named(*models))
    assert done.code == code, done.stderr
    assert list(done.data) == ["models"]
    assert [model["model"] for model in done.models] == [str(model) for model in models]
    return done.models


def table(*models: str | Path) -> str:
    done: Done = call("info", *named(*models))
    assert (done.code, done.stderr) == (0, "")
    return " ".join(done.text.split())


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture
def deployed(bert: Path, tmp_path: Path) -> Path:
    """An old sentence-transformers directory."""
    steps = modules((old("Transformer"), "0_Transformer"), (old("Pooling"), "1_Pooling"))
    shutil.copytree(bert, tmp_path / "deployed" / "0_Transformer")
    return write_files(
        tmp_path / "deployed",
        {
            "modules.json": steps,
            "1_Pooling/config.json": OLD_POOLING,
            "0_Transformer/sentence_bert_config.json": {"max_seq_length": 16, "do_lower_case": False},
            "config_sentence_transformers.json": {"prompts": {"query": "query: "}, "default_prompt_name": "query"},
        },
    )


def test_json_says_what_a_deployed_model_is(deployed: Path) -> None:
    (model,) = info(deployed)
    assert list(model) == KEYS
    weights = model.pop("weights")
    assert model == {
        "model": str(deployed),
        "kind": "sentence-transformer",
        "class": "BertModel",
        "limit": 16,
        "limits": {"positions": 64, "tokenizer": 64, "sentence_transformers": 16},
        "modules": [
            {"type": "sentence_transformers.models.Transformer", "path": "0_Transformer"},
            {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
        ],
        "pooling": ["mean"],
        "dimension": 16,
        "similarity": "cosine",
        "prompts": {"query": "query: ", "document": ""},
        "default_prompt": "query",
        "labels": None,
        "remarks": ["an old layout of sentence-transformers: the transformer lies in 0_Transformer"],
    }
    file = deployed / "0_Transformer" / "model.safetensors"
    assert weights == {
        "files": ["0_Transformer/model.safetensors"],
        "format": "safetensors",
        "bytes": file.stat().st_size,
        "dtypes": {"float32": weights["dtypes"]["float32"]},
        "missing": [],
        "unexpected": [],
    }
    said = table(deployed)
    assert "sentence-transformer · 16 tokens · mean · 16" in said
    assert "reads 16 as trained; its positions allow 64" in said
    assert "query 'query: '" in said


def test_missing_and_unexpected_tensors_are_those_of_transformers(bert: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file
    from transformers import AutoModel

    directory = Path(shutil.copytree(bert, tmp_path / "changed"))
    file = directory / "model.safetensors"
    tensors = {name: value for name, value in load_file(file).items() if "pooler" not in name}
    save_file({**tensors, "classifier.weight": tensors["embeddings.LayerNorm.weight"].clone()}, file, {"format": "pt"})
    (model,) = info(directory)
    _, loaded = AutoModel.from_pretrained(directory, output_loading_info=True)
    assert (
        set(model["weights"]["missing"]) == set(loaded["missing_keys"]) == {"pooler.dense.bias", "pooler.dense.weight"}
    )
    assert model["weights"]["unexpected"] == list(loaded["unexpected_keys"]) == ["classifier.weight"]
    assert [remark for remark in model["remarks"] if "2 parameters are not in model.safetensors" in remark]
    said = table(directory)
    assert "missing pooler.dense.weight, pooler.dense.bias" in said
    assert "unexpected classifier.weight" in said


def test_a_prefix_that_hides_the_weights_is_said_once(bert: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    for prefix in ("module.", "state_dict.model."):
        directory = Path(shutil.copytree(bert, tmp_path / prefix))
        file = directory / "model.safetensors"
        save_file({f"{prefix}{name}": value for name, value in load_file(file).items()}, file, {"format": "pt"})
    for model, prefix in zip(
        info(tmp_path / "module.", tmp_path / "state_dict.model."), ("module.", "state_dict.model."), strict=True
    ):
        (remark,) = model["remarks"]
        assert f'"{prefix}"' in remark
        assert len(model["weights"]["missing"]) == 39


def test_a_model_that_fails_is_an_entry_with_an_error_and_the_others_are_done(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    broken = write_files(tmp_path / "broken", {"config.json": {}})
    (broken / "modules.json").write_text("{")
    done = call("info", "--json", *named(tmp_path / "empty", "builtin:bert", broken, tmp_path / "none"))
    assert done.code == 1
    first, second, third, fourth = done.models
    for entry, words in ((first, "no config.json"), (third, "modules.json is not valid JSON"), (fourth, "no such")):
        assert list(entry) == ["model", "error"]
        assert words in entry["error"]
    assert (second["kind"], second["class"], second["limit"]) == ("masked-lm", "BertForMaskedLM", 512)
    assert second["weights"] is None
    assert len(done.remarks) == 3


def test_what_cannot_be_listed_is_a_remark_and_the_card_is_printed(bert: Path, tmp_path: Path) -> None:
    directory = Path(shutil.copytree(bert, tmp_path / "odd"))
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**config, "num_attention_heads": 3}))
    (model,) = info(directory)
    assert (model["kind"], model["limit"]) == ("encoder", 64)
    assert (model["weights"]["missing"], model["weights"]["unexpected"]) == (None, None)
    assert [remark for remark in model["remarks"] if remark.startswith("its parameters cannot be listed")]


def test_names_from_a_directory_reach_no_terminal_as_they_are(bert: Path, tmp_path: Path) -> None:
    directory = Path(shutil.copytree(bert, tmp_path / "hostile"))
    config = json.loads((directory / "config.json").read_text())
    config |= {"architectures": ["\x1b[31mBertForSequenceClassification"], "id2label": {"0": "\x07", "1": "\u202e"}}
    (directory / "config.json").write_text(json.dumps(config))
    write_files(directory, {"modules.json": modules(("a.\x1b]0;x\x07.Transformer", ""))})
    (model,) = info(directory)
    assert model["class"] == "\x1b[31mBertForSequenceClassification"
    table(directory)


def test_a_model_of_the_hub_is_fetched_and_then_known_without_it(repository: Path, fake: FakeHub) -> None:
    steps = modules((old("Transformer"), ""), (old("Pooling"), "1_Pooling"))
    write_files(repository, {"modules.json": steps, "1_Pooling/config.json": OLD_POOLING})
    (online,) = info(REPO)
    assert (online["kind"], online["pooling"], online["class"]) == ("sentence-transformer", ["mean"], "BertModel")
    assert online["weights"] is None
    assert "not compared with its checkpoint" in " ".join(online.pop("remarks")), "the file there is broken"
    fake.requests.clear()
    assert call("info", "--json", "--offline", *named(REPO)).models == [{**online, "remarks": []}]
    assert fake.requests == []


def test_weights_that_are_only_on_the_hub_are_compared_by_their_header(
    bert: Path, deployed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the top of a repository and in a folder of it; the values stay where they are."""
    tagger = shutil.copytree(bert, tmp_path / "tagger")
    tensors = load_file(tagger / "model.safetensors")
    del tensors["pooler.dense.bias"]
    save_file({**tensors, "classifier.bias": tensors["pooler.dense.weight"].clone()}, tagger / "model.safetensors")
    with FakeHub({"own/tagger": tagger, "own/deployed": deployed}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        found = info("own/tagger", "own/deployed")
        asked = [seen.headers.get("range") for seen in hub.requests if seen.path.endswith(".safetensors")]
        assert asked
        assert all(asked)
    here = info(tagger, deployed)
    for remote, local in zip(found, here, strict=True):
        assert remote["weights"] == local["weights"], remote["remarks"]
        assert "its weights are on the Hub and not here" in " ".join(remote["remarks"])
    assert [found[0]["weights"][key] for key in ("missing", "unexpected")] == [
        ["pooler.dense.bias"],
        ["classifier.bias"],
    ]
