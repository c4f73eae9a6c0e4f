"""What the loader takes from its caches: never what was made under another trust, or by other code."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from encoder_tui.client.client import EngineClient
from encoder_tui.client.loader import Loader
from encoder_tui.core.models.files import ModelFiles
from encoder_tui.core.models.names import parse_name
from encoder_tui.core.parameters.description import Description
from encoder_tui.core.tokens.exact_form import FormCache, TokenizerForm, provisional
from encoder_tui.core.versions import installed_versions
from encoder_tui.protocol.operations import DESCRIBE
from tests.support import tiny_tokenizers as tiny
from tests.support.command_case import call
from tests.support.deployed_models import modules, old, write_files
from tests.support.hub_case import write_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = write_model(tmp_path / "model")
    (folder / "tok.py").write_text("class First: ...")
    return folder


@pytest.fixture
def asked(model: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The requests that came to the engine; its answers bear the name of the code that they were made with."""
    requests: list[Any] = []

    async def run(self: EngineClient, task: Any, request: Any, *_: object) -> TokenizerForm | Description:
        requests.append(request)
        made_by = (model / "tok.py").read_text() if request.trust_remote_code else "transformers"
        if task is DESCRIBE:
            return Description(class_name=made_by, kind="bert", source="architecture", parameters=[])
        plain = provisional(tiny.wordpiece(False).to_str(), {})
        return msgspec.structs.replace(plain, class_name=made_by)

    monkeypatch.setattr(EngineClient, "run", run)
    return requests


def loader(folder: Path, *trusted: str) -> Loader:
    return Loader(EngineClient(folder / "engine.log"), FormCache(folder / "cache" / "tokenizers"), trusted=trusted)


async def form_by(loader: Loader, files: ModelFiles) -> str:
    return (await loader.form(files, installed_versions())).class_name


async def description_by(loader: Loader, files: ModelFiles) -> str:
    return (await loader.description(files, installed_versions())).class_name


@pytest.mark.parametrize("made_by", [form_by, description_by])
@pytest.mark.parametrize("is_trusted_first", [False, True])
async def test_what_is_cached_is_of_the_trust_in_force_and_of_the_code_as_it_is(
    model: Path, asked: list[Any], tmp_path: Path, made_by: Callable[..., Any], is_trusted_first: bool
) -> None:
    async def seen(trusts: bool) -> str:
        one = loader(tmp_path, *([str(model)] if trusts else []))
        files = one.files_here(parse_name(str(model)))
        return await made_by(one, files)

    expected = {False: "transformers", True: "class First: ..."}
    for trusts in (is_trusted_first, not is_trusted_first) * 2:
        assert await seen(trusts) == expected[trusts]
    assert len(asked) == 2
    (model / "tok.py").write_text("class Second: ...")
    assert await seen(True) == "class Second: ..."
    assert await seen(False) == "transformers"
    assert len(asked) == 3


def test_a_relative_directory_on_the_engine_s_side_is_found_there(tmp_path: Path) -> None:
    far = tmp_path / "far"
    write_model(far / "runs" / "exp" / "best")
    there = shlex.join([sys.executable, "-m", "encoder_tui.engine"])
    engine = shlex.join(["bash", "-c", f"cd {shlex.quote(str(far))} && exec {there}"])
    done = call("--engine", engine, "-m", "runs/exp/best", "-m", "runs/exp/none", "tokens", "--json", "Tiny tokens")
    found, missing = done.models
    assert found["encodings"][0]["tokens"] == ["[CLS]", "Tiny", "tokens", "[SEP]"]
    assert "runs/exp/none is neither a directory here nor a Hub id" in missing["error"]


def test_the_card_of_a_model_comes_from_the_engine_s_side(tmp_path: Path) -> None:
    write_model(tmp_path / "far" / "deployed" / "0_Transformer")
    write_files(
        tmp_path / "far",
        {
            "deployed/modules.json": modules((old("Transformer"), "0_Transformer")),
            "deployed/0_Transformer/sentence_bert_config.json": {"max_seq_length": 4, "do_lower_case": False},
        },
    )
    (tmp_path / "text.txt").write_text("Tiny tokens fly.")
    there = shlex.join([sys.executable, "-m", "encoder_tui.engine"])
    engine = shlex.join(["bash", "-c", f"cd {shlex.quote(str(tmp_path / 'far'))} && exec {there}"])
    done = call("--engine", engine, "-m", "deployed", "docs", "--json", str(tmp_path / "text.txt"))
    assert done.models == [{"model": "deployed", "tokens": 6, "limit": 4, "cut": 11}]


async def test_directories_with_the_same_configuration_are_described_each_by_itself(
    asked: list[Any], tmp_path: Path
) -> None:
    one, other = (write_model(tmp_path / name) for name in ("one", "other"))
    loads = loader(tmp_path)

    async def described(folder: Path) -> None:
        files = loads.files_here(parse_name(str(folder)), needs_tokenizer=False)
        assert files is not None
        await description_by(loads, files)

    for folder in (one, other, one):
        await described(folder)
    assert [Path(request.path).name for request in asked] == ["one", "other"]
    (one / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "own/base"}')
    await described(one)
    assert [Path(request.path).name for request in asked] == ["one", "other", "one"], "its remarks are others now"
