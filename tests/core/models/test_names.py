"""What a model's name stands for, and how much text a model takes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from encoder_tui.core.models.card import Card
from encoder_tui.core.models.files import ModelFiles, resolve_here
from encoder_tui.core.models.names import ModelError, ModelName, parse_name
from encoder_tui.core.models.trust import is_trusted

CONFIG = {"model_type": "bert", "hidden_size": 16, "max_position_embeddings": 64}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "vocab.txt").write_text("[UNK]\n")
    return folder


def error_of(name: str) -> str:
    """The message for a name that names no model: one line without control characters."""
    with pytest.raises(ModelError) as caught:
        parse_name(name)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 250
    return message


@pytest.mark.parametrize("name", ["builtin:bert", "builtin:modernbert"])
def test_a_built_in_model_is_known(name: str) -> None:
    assert parse_name(name) == ModelName(name, name)
    assert parse_name(name).is_builtin


@pytest.mark.parametrize("name", ["builtin:", "builtin:roberta", "builtin:bert@main", "builtin:\x1b[2J"])
def test_an_unknown_built_in_model_is_refused_with_those_there_are(name: str) -> None:
    assert "builtin:bert, builtin:modernbert and builtin:tiny" in error_of(name)


@pytest.mark.parametrize("name", ["bert-base-cased", "answerdotai/ModernBERT-base", "a.b/c_d-1"])
def test_a_hub_id_is_taken_as_it_is(name: str) -> None:
    parsed = parse_name(name)
    assert parsed == ModelName(name, name)
    assert not parsed.is_directory
    assert not parsed.is_builtin
    assert resolve_here(parsed) is None


@pytest.mark.parametrize("revision", ["main", "v1.0", "refs/pr/1", "0123456789abcdef", "0" * 40])
def test_a_hub_id_may_have_a_revision(revision: str) -> None:
    text = f"someone/model@{revision}"
    assert parse_name(text) == ModelName(text, "someone/model", revision)


@pytest.mark.parametrize("revision", [" ", "../../x", "a/../b", "/etc", "\x1b[31m", "a b", "x" * 300])
def test_a_revision_that_can_be_none_is_refused(revision: str) -> None:
    assert "not a branch, tag or commit" in error_of(f"someone/model@{revision}")


@pytest.mark.parametrize(
    "name",
    ["a b", "a/b/c", "@v1", "bert@", "a@b@c", "é/ü", "bert-base-cased\n", " bert", "bert\x1b[31m", "\0", "http://x/y",
     "a/..", "a/b..c", "a--b/c", "a/b--c", "-a/b", "a/b-", "a/.b",
     "bert;ls", "x" * 300, "x" * 5000, "a/" + "b" * 300],
)  # fmt: skip
def test_what_is_neither_a_directory_nor_a_hub_id_is_refused(name: str) -> None:
    assert "neither a directory here nor a Hub id" in error_of(name)


@pytest.mark.parametrize("name", ["runs/exp/best", "my model", "é/ü", "a/b/c@v1", "someone/model@a b"])
def test_where_models_are_elsewhere_what_is_no_hub_id_may_be_a_directory_there(name: str) -> None:
    assert parse_name(name, is_elsewhere=True) == ModelName(name, name)


@pytest.mark.parametrize("name", ["", " ", "\t\n"])
def test_an_empty_name_is_refused(name: str) -> None:
    assert "empty" in error_of(name)


def test_a_name_that_is_no_utf_8_is_refused() -> None:
    assert "UTF-8" in error_of(os.fsdecode(b"/tmp/\xff"))


@pytest.mark.parametrize("name", ["/nowhere/model", "./model", "../model", "~/model", ".", ".."])
def test_what_looks_like_a_path_is_a_directory_whether_it_is_there_or_not(name: str) -> None:
    assert parse_name(name).is_directory
    assert parse_name(name).location == name


def test_a_directory_wins_over_a_hub_id_of_the_same_name(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not parse_name("model").is_directory
    monkeypatch.chdir(model.parent)
    assert parse_name("model").is_directory


@pytest.mark.parametrize("prefix", ["", "./", "~/"])
def test_an_at_sign_in_a_directory_s_name_begins_no_revision(
    home: Path, monkeypatch: pytest.MonkeyPatch, model: Path, prefix: str
) -> None:
    model.rename(home / "model@v1")
    monkeypatch.chdir(home)
    name = parse_name(f"{prefix}model@v1")
    assert (name.location, name.revision) == (f"{prefix}model@v1", None)
    files = resolve_here(name)
    assert files is not None
    assert files.config == CONFIG


def test_a_revision_of_a_directory_that_is_not_there_is_not_silently_dropped(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model.parent)
    with pytest.raises(ModelError, match=r"\./model@v1: there is no such directory"):
        resolve_here(parse_name("./model@v1"))


def test_a_revision_of_a_directory_that_is_there_is_refused(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(model.parent)
    with pytest.raises(ModelError, match="model is a directory here and has no revisions"):
        resolve_here(parse_name("model@v1"))


@pytest.mark.parametrize("given", ["someone/model", "./someone/model", "{folder}/someone/model", "~/someone/model"])
@pytest.mark.parametrize(
    ("trusted", "runs"),
    [
        ("./someone/model", True),
        ("{folder}/someone/model", True),
        ("{folder}/someone/../someone/model/", True),
        ("~/someone/model", True),
        ("../home/someone/model", True),
        ("someone/model", False),
        ("model", False),
        ("./model", False),
        ("{folder}/someone", False),
        ("someone/model@main", False),
        ("", False),
    ],
)
def test_a_directory_is_trusted_by_a_path_and_by_no_hub_id(
    home: Path, monkeypatch: pytest.MonkeyPatch, model: Path, given: str, trusted: str, runs: bool
) -> None:
    (home / "someone").mkdir()
    model.rename(home / "someone" / "model")
    monkeypatch.chdir(home)
    files = resolve_here(parse_name(given.format(folder=home)))
    assert files is not None
    assert is_trusted(files, [trusted.format(folder=home)]) is runs


@pytest.mark.parametrize(
    ("given", "trusted", "runs"),
    [
        ("someone/model", "someone/model", True),
        ("someone/model@main", "someone/model", True),
        (f"someone/model@{'c' * 40}", "someone/model", True),
        (f"someone/model@{'c' * 12}", "someone/model", False),
        ("someone/model@v1", "someone/model", False),
        ("someone/model@v1", "someone/model@v1", True),
        ("someone/model@refs/pr/7", "someone/model", False),
        ("someone/model@refs/pr/7", "someone/model@refs/pr/7", False),
        ("someone/model", "someone/model@v1", False),
        ("someone/model", "./someone/model", False),
        ("someone/model", "{snapshot}", False),
        ("someone/model", "model", False),
    ],
)
def test_a_repository_is_trusted_by_its_hub_id_and_by_no_path(
    model: Path, given: str, trusted: str, runs: bool
) -> None:
    about = {"path": str(model), "repo": "someone/model", "commit": "0" * 40, "config": CONFIG, "fingerprint": ""}
    files = ModelFiles(name=given, source="cache", directory=str(model), card=Card(kind="encoder"), **about)  # type: ignore[arg-type]
    assert is_trusted(files, [trusted.format(snapshot=model)]) is runs


def test_a_home_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ModelError, match="no such user"):
        resolve_here(parse_name("~nobody-of-this-name/model"))


@pytest.mark.parametrize(
    ("name", "short"),
    [("answerdotai/ModernBERT-base", "ModernBERT-base"), ("bert@v1", "bert"), ("/a/b/", "b"), ("/", "/")],
)
def test_the_short_name_leaves_out_owner_and_folder(name: str, short: str) -> None:
    assert parse_name(name).short == short
