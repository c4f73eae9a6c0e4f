"""What a model of the Hub is: the small files in the folders of its modules come into the cache as well."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from encoder_tui.core.hub.cache import cached_models
from encoder_tui.core.hub.inspection import inspect, inspect_here
from encoder_tui.core.hub.resolve import on_this_machine, resolve
from encoder_tui.core.hub.weights import fetch_weights
from encoder_tui.core.models.names import ModelError, parse_name
from encoder_tui.core.models.placement import source_of
from tests.support.deployed_models import OLD_POOLING, modules, old, write_files
from tests.support.fake_hub import FakeHub
from tests.support.hub_case import REPO, SMALL, fetch, ignore

ROUTER = "sentence_transformers.base.modules.router.Router"
DEPLOYED = {
    "modules.json": modules((old("Transformer"), ""), (old("Pooling"), "1_Pooling"), (old("Normalize"), "2_Normalize")),
    "1_Pooling/config.json": {**OLD_POOLING, "pooling_mode_cls_token": True},
    "sentence_bert_config.json": {"max_seq_length": 32},
    "onnx/config.json": {},
}


@pytest.fixture
def deployed(repository: Path) -> Path:
    return write_files(repository, DEPLOYED)


def test_the_settings_of_modules_are_fetched_with_the_rest(deployed: Path, fake: FakeHub) -> None:
    snapshot = Path(fetch().path)
    found = {path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*") if path.is_file()}
    assert found == {*SMALL, "modules.json", "sentence_bert_config.json", "1_Pooling/config.json"}
    fake.requests.clear()
    inspected = inspect_here(parse_name(REPO))
    assert inspected is not None
    card = inspected.card
    assert (card.kind, card.limit, card.pooling, card.dimension) == (
        "sentence-transformer", 32, ["cls", "mean"], 32,
    )  # fmt: skip
    assert (card.weights, inspected.tensors) == (None, None)
    assert inspected.files is not None
    assert inspected.files.repo == REPO
    assert fake.requests == []


def test_a_card_is_fetched_with_what_it_needs(deployed: Path, fake: FakeHub) -> None:
    assert inspect_here(parse_name(REPO)) is None
    inspected, remark = inspect(parse_name(REPO), offline=False, progress=ignore)
    assert (inspected.card.pooling, remark) == (["cls", "mean"], "")
    assert inspect_here(parse_name(REPO)) == inspect(parse_name(REPO), offline=True, progress=ignore)[0]


def without_modules(snapshot: Path, class_name: str) -> None:
    """Leave in the cache what transformers alone fetches of a model of this class."""
    for name in ("modules.json", "sentence_bert_config.json"):
        (snapshot / name).unlink()
    config = snapshot / "config.json"
    stated = {**json.loads(config.read_text("utf-8")), "architectures": [class_name]}
    config.unlink()
    config.write_text(json.dumps(stated), "utf-8")


def test_a_transformer_that_another_program_cached_is_asked_about_its_modules_once(
    deployed: Path, fake: FakeHub
) -> None:
    snapshot = Path(fetch().path)
    without_modules(snapshot, "BertModel")
    assert on_this_machine(parse_name(REPO)) is None
    files, remark = resolve(parse_name(REPO), offline=True, progress=ignore)
    assert files.card.kind == "encoder"
    assert "modules.json" in remark
    assert "the limit and pooling may be wrong; go online once" in remark
    files, remark = resolve(parse_name(REPO), offline=False, progress=ignore)
    assert (files.card.kind, files.card.limit, remark) == ("sentence-transformer", 32, "")


@pytest.mark.parametrize("class_name", ["BertModel", "BertForMaskedLM"])
def test_a_model_without_modules_is_asked_about_them_once_or_not_at_all(
    class_name: str, repository: Path, fake: FakeHub
) -> None:
    config = repository / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text("utf-8")), "architectures": [class_name]}), "utf-8")
    snapshot = Path(fetch().path)
    assert on_this_machine(parse_name(REPO)) is not None
    shutil.rmtree(snapshot.parent.parent / ".no_exist", ignore_errors=True)
    assert (on_this_machine(parse_name(REPO)) is None) == (class_name == "BertModel")
    resolve(parse_name(REPO), offline=False, progress=ignore)
    fake.requests.clear()
    assert on_this_machine(parse_name(REPO)) is not None
    assert fake.requests == []


def test_what_another_program_left_out_is_fetched_later(deployed: Path, fake: FakeHub) -> None:
    snapshot = Path(fetch().path)
    pooling = snapshot / "1_Pooling" / "config.json"
    pooling.unlink()
    assert inspect_here(parse_name(REPO)) is None
    inspected, remark = inspect(parse_name(REPO), offline=True, progress=ignore)
    assert inspected.card.pooling == ["mean"]
    assert "1_Pooling/config.json" in remark
    assert "go online once" in remark
    inspected, remark = inspect(parse_name(REPO), offline=False, progress=ignore)
    assert (inspected.card.pooling, remark) == (["cls", "mean"], "")


def test_the_folders_that_a_router_names_are_fetched_too(repository: Path, fake: FakeHub) -> None:
    settings = {
        "types": {"query_0_Pooling": old("Pooling"), "document_0_Pooling": old("Pooling")},
        "structure": {"query": ["query_0_Pooling"], "document": ["document_0_Pooling"]},
    }
    files = {
        "modules.json": modules((ROUTER, "0_Router")),
        "0_Router/router_config.json": settings,
        "0_Router/query_0_Pooling/config.json": OLD_POOLING,
        "0_Router/document_0_Pooling/config.json": OLD_POOLING,
    }
    write_files(repository, files)
    inspected, remark = inspect(parse_name(REPO), offline=False, progress=ignore)
    assert (inspected.card.dimension, inspected.card.pooling, remark) == (16, ["mean"], "")
    assert [path for path in fake.paths() if path.endswith("0_Pooling/config.json")]


@pytest.mark.parametrize("path", ["../../../secret", "/etc", "1_Pooling/../.."])
def test_a_module_elsewhere_brings_nothing_from_there(repository: Path, fake: FakeHub, path: str) -> None:
    write_files(repository, {"modules.json": modules((old("Transformer"), ""), (old("Pooling"), path))})
    snapshot = Path(fetch().path)
    assert {file.name for file in snapshot.iterdir()} == {*SMALL, "modules.json"}
    assert not [seen for seen in fake.paths() if "secret" in seen or ".." in seen]
    with pytest.raises(ModelError, match=r"modules\.json names"):
        inspect(parse_name(REPO), offline=False, progress=ignore)


def test_a_list_of_modules_that_is_broken_keeps_no_tokens_away(repository: Path, fake: FakeHub) -> None:
    (repository / "modules.json").write_text("{")
    assert fetch().tokenizer_json
    with pytest.raises(ModelError, match=r"modules\.json is not valid JSON"):
        inspect(parse_name(REPO), offline=False, progress=ignore)
    assert json.loads((repository / "config.json").read_text())


@pytest.fixture
def in_a_folder(repository: Path) -> Path:
    """A repository of an old layout: nothing of its transformer lies at the top."""
    inner = repository / "0_Transformer"
    inner.mkdir()
    for name in (*SMALL, "model.safetensors", "requirements.txt"):
        (repository / name).rename(inner / name)
    (repository / "pytorch_model.bin").unlink()
    (repository / "model.safetensors.index.json").unlink()
    files = {
        "modules.json": modules((old("Transformer"), "0_Transformer"), (old("Pooling"), "1_Pooling")),
        "1_Pooling/config.json": OLD_POOLING,
        "0_Transformer/sentence_bert_config.json": {"max_seq_length": 16, "do_lower_case": True},
    }
    return write_files(repository, files)


def test_a_repository_whose_transformer_lies_in_a_folder_is_a_model(in_a_folder: Path, fake: FakeHub) -> None:
    fetched, remark = resolve(parse_name(REPO), offline=False, progress=ignore)
    snapshot = Path(fetched.directory)
    found = {path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*") if path.is_file()}
    inner = {f"0_Transformer/{name}" for name in (*SMALL, "sentence_bert_config.json")}
    assert found == {*inner, "modules.json", "1_Pooling/config.json"}
    assert (fetched.card.limit, fetched.card.lowers_case, fetched.card.pooling, remark) == (16, True, ["mean"], "")
    assert (Path(fetched.path), fetched.repo, fetched.hub_id) == (snapshot / "0_Transformer", REPO, None)
    assert fetched.tokenizer_config["model_max_length"] == 64
    fake.requests.clear()
    assert on_this_machine(parse_name(REPO)) == msgspec.structs.replace(fetched, source="cache")
    assert cached_models() == [REPO]
    assert fake.requests == []


def test_weights_in_a_folder_of_a_repository_are_fetched_into_it(in_a_folder: Path, fake: FakeHub) -> None:
    files = fetch()
    source = source_of(files)
    assert source.location == files.path
    assert fetch_weights(REPO, REPO, str(source.commit), source.folder, offline=False, progress=ignore) is None
    assert (Path(files.path) / "model.safetensors").read_text() == "{}"
    assert not (Path(files.directory) / "model.safetensors").exists()


def test_what_a_module_lacks_in_the_cache_is_fetched_before_the_model_is_shown(deployed: Path, fake: FakeHub) -> None:
    files = fetch()
    (Path(files.directory) / "1_Pooling" / "config.json").unlink()
    assert on_this_machine(parse_name(REPO)) is None
    assert resolve(parse_name(REPO), offline=False, progress=ignore)[0].card.pooling == ["cls", "mean"]
    assert on_this_machine(parse_name(REPO)) is not None


def test_a_folder_that_a_module_needs_no_settings_from_may_be_missing(deployed: Path, fake: FakeHub) -> None:
    """sentence-transformers never asks the Hub for the settings of Normalize, so its cache has no note of them."""
    files = fetch()
    snapshot = Path(files.directory)
    shutil.rmtree(snapshot.parent.parent / ".no_exist" / snapshot.name / "2_Normalize")
    fake.requests.clear()
    assert on_this_machine(parse_name(REPO)) == msgspec.structs.replace(files, source="cache")
    assert fake.requests == []


def test_a_repository_of_a_table_of_vectors_says_how_it_can_be_used(repository: Path, fake: FakeHub) -> None:
    (repository / "config.json").unlink()
    write_files(repository, {"modules.json": modules((old("StaticEmbedding"), ""))})
    with pytest.raises(ModelError, match=r"no transformer \(config\.json\); download it, and name its directory"):
        fetch()
