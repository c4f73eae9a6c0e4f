"""The files of a deployed model: its card comes with them, and its transformer may lie in a folder of its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from encoder_tui.core.models.files import from_directory, name_of
from encoder_tui.core.models.names import ModelError
from encoder_tui.core.models.placement import source_of
from encoder_tui.core.models.trust import is_trusted
from tests.support.deployed_models import OLD_POOLING, modules, old, write_files
from tests.support.hub_case import write_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model in the layout of version 0 of sentence-transformers."""
    write_model(tmp_path / "model" / "0_Transformer")
    return write_files(
        tmp_path / "model",
        {
            "modules.json": modules((old("Transformer"), "0_Transformer"), (old("Pooling"), "1_Pooling")),
            "1_Pooling/config.json": OLD_POOLING,
            "0_Transformer/sentence_bert_config.json": {"max_seq_length": 16, "do_lower_case": False},
        },
    )


def test_the_transformer_s_files_are_read_in_its_folder(model: Path) -> None:
    files = from_directory("NAME", model)
    inner = from_directory("NAME", model / "0_Transformer")
    assert (files.directory, files.path) == (str(model), str(model / "0_Transformer"))
    assert (files.config, files.tokenizer_json) == (inner.config, inner.tokenizer_json)
    assert (files.weights, files.fingerprint) == (inner.weights, inner.fingerprint)
    assert (files.card.limit, files.card.pooling, files.card.folder) == (16, ["mean"], "0_Transformer")
    assert source_of(files).location == str(model / "0_Transformer")
    assert is_trusted(files, [str(model)])
    assert name_of(files).location == files.path


def test_a_folder_inside_is_a_model_too(model: Path) -> None:
    """Who names it gets what lies there: a transformer without the modules around it."""
    files = from_directory("NAME", model / "0_Transformer")
    assert (files.directory, files.card.folder) == (files.path, "")
    assert (files.card.kind, files.card.limit) == ("encoder", 64)


def test_without_readable_modules_it_is_a_transformer_and_says_so(model: Path) -> None:
    shutil.copytree(model / "0_Transformer", model, dirs_exist_ok=True)
    (model / "modules.json").write_text("{")
    card = from_directory("NAME", model).card
    assert (card.kind, card.limit, card.folder) == ("encoder", 64, "")
    assert card.remarks[0].startswith("modules.json is not valid JSON")
    assert card.remarks[0].endswith("so it is taken for the transformer alone")


def test_a_pipe_beside_the_folder_is_refused(model: Path) -> None:
    os.mkfifo(model / "config.json")
    with pytest.raises(ModelError, match="pipe"):
        from_directory("NAME", model)
