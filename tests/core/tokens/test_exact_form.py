"""Forms: the provisional one, and the cache of exact ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from encoder_tui.core.tokens.exact_form import FormCache, TokenizerForm, provisional
from encoder_tui.core.tokens.stated_length import sane_length
from encoder_tui.core.tokens.tokenizer import ModelTokenizer
from tests.support import tiny_tokenizers as tiny

VERSIONS = {"tokenizers": "0.23.3", "transformers": "5.23.0"}


@pytest.fixture(scope="module")
def form() -> TokenizerForm:
    return provisional(tiny.wordpiece(False).to_str(), {"model_max_length": 64})


def test_a_form_that_was_kept_is_found_again(tmp_path: Path, form: TokenizerForm) -> None:
    cache = FormCache(tmp_path / "deep" / "cache")
    assert cache.get("print", VERSIONS) is None
    cache.put("print", VERSIONS, form)
    assert cache.get("print", VERSIONS) == form
    assert cache.complaint is None
    assert len(list(cache.folder.iterdir())) == 1


@pytest.mark.parametrize("library", ["tokenizers", "transformers"])
def test_another_version_or_another_model_does_not_hit(tmp_path: Path, form: TokenizerForm, library: str) -> None:
    cache = FormCache(tmp_path)
    cache.put("print", VERSIONS, form)
    assert cache.get("print", {**VERSIONS, library: "0.0.1"}) is None
    assert cache.get("other", VERSIONS) is None
    assert cache.get("print", {**VERSIONS, "torch": "9"}) == form


@pytest.mark.parametrize("content", [b"", b"\x00", b"nonsense", b"\xc1" * 40, msgspec.msgpack.encode({"json": 3})])
def test_a_damaged_file_is_as_none_and_is_replaced(tmp_path: Path, form: TokenizerForm, content: bytes) -> None:
    cache = FormCache(tmp_path)
    cache.put("print", VERSIONS, form)
    next(tmp_path.glob("*.msgpack")).write_bytes(content)
    assert cache.get("print", VERSIONS) is None
    cache.put("print", VERSIONS, form)
    assert cache.get("print", VERSIONS) == form


def test_one_byte_that_makes_a_text_no_utf_8_is_damage_too(tmp_path: Path, form: TokenizerForm) -> None:
    cache = FormCache(tmp_path)
    cache.put("print", VERSIONS, form)
    path = next(tmp_path.glob("*.msgpack"))
    content = path.read_bytes()
    place = content.index(b'"model"')
    path.write_bytes(content[:place] + b"\xff" + content[place + 1 :])
    assert cache.get("print", VERSIONS) is None


def test_half_a_file_is_as_none(tmp_path: Path, form: TokenizerForm) -> None:
    cache = FormCache(tmp_path)
    cache.put("print", VERSIONS, form)
    path = next(tmp_path.glob("*.msgpack"))
    path.write_bytes(path.read_bytes()[:-100])
    assert cache.get("print", VERSIONS) is None


def test_a_folder_that_cannot_be_written_is_a_complaint_and_no_error(tmp_path: Path, form: TokenizerForm) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    cache = FormCache(tmp_path / "file" / "cache")
    cache.put("print", VERSIONS, form)
    assert cache.get("print", VERSIONS) is None
    assert cache.complaint is not None
    assert "cannot be written" in cache.complaint
    assert str(cache.folder) in cache.complaint


def test_a_place_that_is_taken_leaves_no_half_written_file(tmp_path: Path, form: TokenizerForm) -> None:
    cache = FormCache(tmp_path / "cache")
    cache.put("print", VERSIONS, form)
    path = next(cache.folder.iterdir())
    path.unlink()
    (path / "in the way").mkdir(parents=True)
    cache.put("print", VERSIONS, form)
    assert cache.complaint is not None
    assert list(cache.folder.iterdir()) == [path]


def test_a_provisional_form_neither_pads_nor_cuts_and_says_that_it_is_not_exact() -> None:
    tokenizer = tiny.wordpiece(False)
    tokenizer.enable_padding(length=30)
    tokenizer.enable_truncation(4)
    made = provisional(tokenizer.to_str(), {})
    assert not made.exact
    assert len(ModelTokenizer(made).encode(["a b c"])[0]) == 5


def test_special_tokens_come_from_the_configuration_as_strings_or_objects() -> None:
    config = {"cls_token": "[CLS]", "pad_token": {"content": "[PAD]", "lstrip": False}, "mask_token": "<nowhere>"}
    made = provisional(tiny.wordpiece(False).to_str(), config)
    assert made.special_tokens == {"cls": "[CLS]", "pad": "[PAD]"}
    assert (made.pad_token, made.pad_token_id) == ("[PAD]", 0)


def test_without_a_configuration_berts_own_special_tokens_are_looked_for() -> None:
    made = provisional(tiny.wordpiece(False).to_str(), {})
    assert sorted(made.special_tokens) == ["cls", "mask", "pad", "sep", "unk"]


def test_segments_are_guessed_from_the_kind_unless_the_configuration_tells() -> None:
    wordpiece, byte_level = tiny.wordpiece(False).to_str(), tiny.byte_level(tiny.BERT_SPECIAL).to_str()
    assert "token_type_ids" in provisional(wordpiece, {}).model_input_names
    assert "token_type_ids" not in provisional(byte_level, {}).model_input_names
    assert provisional(wordpiece, {"model_input_names": ["input_ids"]}).model_input_names == ["input_ids"]


def token(**changes: Any) -> dict[str, Any]:
    return {"content": "[PAD]", "id": 0, **changes}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "{",
        '"\\ud800"',
        "\ud800",
        "[" * 100_000,
        '{"a":' * 100_000,
        "null",
        "[]",
        "3",
        "{}",
        '{"model": null}',
        '{"model": []}',
        *(
            json.dumps({"model": {"type": "WordPiece"}, "added_tokens": tokens})
            for tokens in (
                3,
                "[PAD]",
                {"content": "[PAD]"},
                [3],
                [None],
                [{}],
                [{"content": "[PAD]"}],
                [{"id": 0}],
                [token(content=["[PAD]"])],
                [token(content=None)],
                [token(id="0")],
                [token(id=-1)],
                [token(id=2**32)],
                [token(id=0.5)],
            )
        ),
    ],
    ids=range(27),
)
def test_a_tokenizer_json_that_is_none_is_a_value_error_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"^tokenizer\.json (holds|is not)"):
        provisional(text, {})


@pytest.mark.parametrize("value", [None, 3, -1, 0.5, True, "x", "", [], ["a", 3], {}, {"content": ["a"]}, [[]]])
def test_a_configuration_of_any_shape_makes_a_form_that_encodes(value: Any) -> None:
    names = ["model_max_length", "model_input_names", "padding_side", "truncation_side", "pad_token", "cls_token"]
    made = provisional(tiny.wordpiece(False).to_str(), dict.fromkeys(names, value))
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=TokenizerForm)
    assert kept == made
    assert ModelTokenizer(kept).encode(["a"])[0].tokens == ["[CLS]", "a", "[SEP]"]
    assert {made.padding_side, made.truncation_side} == {"right"}


def test_sides_and_length_are_read_from_the_configuration() -> None:
    config = {"padding_side": "left", "truncation_side": "left", "model_max_length": 512}
    made = provisional(tiny.wordpiece(False).to_str(), config)
    assert (made.padding_side, made.truncation_side, made.model_max_length) == ("left", "left", 512)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (512, 512),
        (512.0, 512),
        (1_000_000_000_000_000_019_884_624_838_656, None),
        (1e30, None),
        (float("inf"), None),
        (float("nan"), None),
        (0, None),
        (-1, None),
        (True, None),
        ("512", None),
        (None, None),
    ],
)
def test_a_length_that_bounds_nothing_is_none(stated: Any, expected: int | None) -> None:
    assert sane_length(stated) == expected
