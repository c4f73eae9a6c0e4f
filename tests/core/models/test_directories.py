"""What a model's directory says, and what becomes of one that says nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from encoder_tui.core.models.files import ModelFiles, from_directory
from encoder_tui.core.models.names import ModelError

CONFIG = {"model_type": "bert", "hidden_size": 16, "max_position_embeddings": 64}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "vocab.txt").write_text("[UNK]\n")
    return folder


def directory_error(path: Path, name: str = "NAME") -> str:
    with pytest.raises(ModelError) as caught:
        from_directory(name, path)
    message = str(caught.value)
    assert message.isprintable()
    return message


def test_a_directory_is_read(model: Path) -> None:
    (model / "tokenizer.json").write_text('{"model": "é"}', encoding="utf-8")
    (model / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    files = from_directory("NAME", model)
    assert (files.name, files.source, files.path) == ("NAME", "directory", str(model))
    assert (files.repo, files.commit) == (None, None)
    assert files.config == CONFIG
    assert files.tokenizer_json == '{"model": "é"}'
    assert files.tokenizer_config == {"do_lower_case": False}
    assert not files.has_weights


def test_a_vocabulary_alone_will_do(model: Path) -> None:
    files = from_directory("NAME", model)
    assert files.tokenizer_json is None
    assert files.tokenizer_config == {}


def test_a_snapshot_of_the_hub_carries_its_repository_and_commit(model: Path) -> None:
    files = from_directory("x", model, "cache", repo="a/x", commit="0" * 40)
    assert (files.source, files.repo, files.commit) == ("cache", "a/x", "0" * 40)


@pytest.mark.parametrize("name", ["missing", "a-file", "\0", "x" * 5000])
def test_a_directory_that_is_not_there_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "a-file").touch()
    assert "no such directory" in directory_error(tmp_path / name)


def test_a_name_with_control_characters_reaches_no_message(tmp_path: Path) -> None:
    assert "␛[31m" in directory_error(tmp_path / "missing", "./\x1b[31m")


@pytest.mark.parametrize("instead", ["nothing", "a folder", "a dead link", "70 MB"])
def test_a_directory_without_a_configuration_is_said(model: Path, instead: str) -> None:
    config = model / "config.json"
    config.unlink()
    if instead == "a folder":
        config.mkdir()
    elif instead == "a dead link":
        config.symlink_to("nowhere")
    elif instead == "70 MB":
        with config.open("wb") as file:
            file.truncate(70 << 20)
    assert "no config.json" in directory_error(model)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b'{"a": "\xff"}', "not valid JSON"),
        (b'{"a": "\\ud800"}', "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[1, 2]", "not hold a JSON object"),
        (b"null", "not hold a JSON object"),
    ],
    ids=["empty", "cut off", "no UTF-8", "half a pair", "deep", "a list", "null"],
)
@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_a_configuration_that_cannot_be_read_is_said(model: Path, file: str, content: bytes, expected: str) -> None:
    (model / file).write_bytes(content)
    message = directory_error(model)
    assert file in message
    assert expected in message


@pytest.mark.parametrize("others", [[], ["merges.txt"], ["vocab.json"], ["added_tokens.json", "README.txt"]])
def test_a_directory_without_a_vocabulary_is_said(model: Path, others: list[str]) -> None:
    (model / "vocab.txt").unlink()
    for name in others:
        (model / name).write_text("{}")
    assert "no tokenizer" in directory_error(model)


@pytest.mark.parametrize(
    "names", [["tokenizer.json"], ["vocab.json", "merges.txt"], ["spiece.model"], ["sentencepiece.bpe.model"]]
)
def test_each_kind_of_vocabulary_counts(model: Path, names: list[str]) -> None:
    (model / "vocab.txt").unlink()
    for name in names:
        (model / name).write_text("{}")
    assert from_directory("NAME", model).config == CONFIG


def test_a_length_without_bounds_crosses_to_another_process(model: Path) -> None:
    (model / "tokenizer_config.json").write_text(json.dumps({"model_max_length": int(1e30)}))
    files = from_directory("NAME", model)
    assert files.tokenizer_config == {"model_max_length": 1e30}
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(files), type=ModelFiles) == files


def fingerprint(model: Path) -> str:
    return from_directory("NAME", model).fingerprint


@pytest.mark.parametrize(
    "file", ["config.json", "vocab.txt", "tokenizer.json", "tokenizer_config.json", "added_tokens.json", "extra.model"]
)
def test_the_fingerprint_changes_with_any_file_that_a_tokenizer_may_read(model: Path, file: str) -> None:
    (model / file).write_text("{}")
    before = fingerprint(model)
    (model / file).write_text("{ }")
    assert fingerprint(model) != before


def test_the_fingerprint_changes_when_a_file_is_renamed_or_goes(model: Path) -> None:
    (model / "added_tokens.json").write_text("{}")
    before = fingerprint(model)
    (model / "added_tokens.json").rename(model / "added_tokenz.json")
    renamed = fingerprint(model)
    (model / "added_tokenz.json").unlink()
    assert len({before, renamed, fingerprint(model)}) == 3


def test_the_fingerprint_changes_when_content_moves_from_one_file_to_the_next(model: Path) -> None:
    (model / "a.txt").write_text("one")
    (model / "b.txt").write_text("two")
    before = fingerprint(model)
    (model / "a.txt").write_text("onet")
    (model / "b.txt").write_text("wo")
    assert fingerprint(model) != before


def test_the_fingerprint_is_of_the_content_and_not_of_the_place(model: Path) -> None:
    before = fingerprint(model)
    assert fingerprint(model.rename(model.with_name("elsewhere"))) == before


@pytest.mark.parametrize("file", ["README.md", "model.safetensors", "model.safetensors.index.json", "onnx/vocab.txt"])
def test_the_fingerprint_does_not_change_with_what_no_tokenizer_reads(model: Path, file: str) -> None:
    before = fingerprint(model)
    (model / file).parent.mkdir(exist_ok=True)
    (model / file).write_text("something")
    assert fingerprint(model) == before


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("model.safetensors", True),
        ("model-00001-of-00002.safetensors", True),
        ("pytorch_model.bin", True),
        ("pytorch_model-00001-of-00002.bin", True),
        ("model.safetensors.index.json", False),
        ("training_args.bin", False),
        ("ggml-model-q4_0.bin", False),
        ("model.fp16.safetensors", False),
        ("sub-model.safetensors", False),
        ("adapter_model.safetensors", False),
        ("model.onnx", False),
        ("tf_model.h5", False),
    ],
)
def test_weights_are_seen_whether_in_one_file_or_many(model: Path, file: str, expected: bool) -> None:
    (model / file).write_bytes(b"{}")
    assert from_directory("NAME", model).has_weights is expected


def test_weights_of_any_name_are_seen_where_an_index_names_them(model: Path) -> None:
    index = model / "model.safetensors.index.json"
    index.write_text(
        '{"weight_map": {"a": "part_1.safetensors", "b": "sub/part_2.safetensors", "c": 3, "d": "\\u0000"}}'
    )
    assert not from_directory("NAME", model).has_weights
    (model / "part_1.safetensors").write_bytes(b"{}")
    before = from_directory("NAME", model)
    assert before.has_weights
    (model / "part_1.safetensors").write_bytes(b"{} ")
    assert from_directory("NAME", model).weights != before.weights
    for content in ("", "[]", '{"weight_map": 3}', "[" * 100_000):
        index.write_text(content)
        assert not from_directory("NAME", model).has_weights


def test_a_link_that_leads_nowhere_is_no_weights(model: Path) -> None:
    (model / "model.safetensors").symlink_to(model / "gone")
    assert not from_directory("NAME", model).has_weights


def test_a_directory_around_a_model_names_the_folder_that_is_meant(model: Path, tmp_path: Path) -> None:
    for place, words in (
        ("run/checkpoint-500", "the last of which is checkpoint-500"),
        (f"models--own--tiny/snapshots/{'c' * 40}", f"snapshots/{'c' * 40} in it, or the model by its Hub id own/tiny"),
        ("old/0_Transformer", "0_Transformer in it has one"),
    ):
        shutil.copytree(model, tmp_path / place)
        assert words in directory_error(tmp_path / place.split("/")[0])
    pooling = tmp_path / "old" / "1_Pooling"
    pooling.mkdir()
    (pooling / "config.json").write_text('{"pooling_mode": "mean"}')
    assert "but 0_Transformer in it has one" in directory_error(tmp_path / "old")


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("adapter_config.json", "an adapter without its base"),
        ("model-q8_0.gguf", "model-q8_0.gguf is for llama.cpp"),
        ("onnx/model.onnx", "onnx/model.onnx is for ONNX Runtime"),
        ("modules.json", "no transformer (config.json); use encode, or info"),
    ],
)
def test_a_directory_of_something_else_is_called_what_it_is(tmp_path: Path, file: str, words: str) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("{}")
    assert words in directory_error(tmp_path)


def test_an_adapter_without_its_base_says_which_model_to_load(tmp_path: Path) -> None:
    file = tmp_path / "adapter_config.json"
    for text, words in (
        ('{"base_model_name_or_path": "someone/base"}', "load someone/base, apply the adapter with PEFT"),
        ("{}", "load its base model, which it does not name, apply"),
        ("[", "load its base model, which it does not name, apply"),
    ):
        file.write_text(text)
        assert words in directory_error(tmp_path)


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "vocab.txt", "tokenizer_config.json"])
def test_a_pointer_of_git_lfs_is_said_with_the_way_out(model: Path, file: str) -> None:
    (model / file).write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 437971872\n")
    assert f"{file} is a Git LFS pointer" in directory_error(model)
    assert "git lfs pull" in directory_error(model)
    if file in {"tokenizer.json", "vocab.txt"}:
        assert from_directory("NAME", model, needs_tokenizer=False).config == CONFIG
