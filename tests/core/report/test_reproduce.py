"""What can be copied out of the window is what `transformers` and torch give: Python, tensors, bytes."""

from __future__ import annotations

import contextlib
import io
import random
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder_tui import builtin
from encoder_tui.client.loader import builtin_form
from encoder_tui.core.defaults import BUILTIN_NAMES
from encoder_tui.core.models.files import resolve_here
from encoder_tui.core.models.names import ModelName, parse_name
from encoder_tui.core.report.reproduce import RunToReproduce, encode_snippet, parameter_snippet, run_snippet
from encoder_tui.core.text.safe import without_surrogates
from encoder_tui.core.tokens.comparison import Stream
from encoder_tui.core.tokens.token_bytes import bytes_of
from encoder_tui.core.tokens.tokenizer import EncodeOptions, ModelTokenizer
from encoder_tui.core.tokens.torch_print import model_inputs, printed
from encoder_tui.engine.operations.tokenizer import form_of
from tests.support.model_directories import all_directories
from tests.support.texts import HARD, NOTEBOOK_SENTENCE

LONG = "The lamp of a lighthouse is seen for many miles, because its lens sends the light one way. "
FOLDERS = {name: builtin.directory(name.removeprefix("builtin:")) for name in BUILTIN_NAMES}


def tokenizer_of(name: str) -> ModelTokenizer:
    files = resolve_here(parse_name(name))
    assert files is not None
    return ModelTokenizer(builtin_form(files))


@pytest.fixture(scope="module")
def tokenizers() -> dict[str, ModelTokenizer]:
    return {name: tokenizer_of(name) for name in BUILTIN_NAMES}


def run(script: str) -> tuple[dict[str, Any], str]:
    """Run a script; what it defined and what it printed."""
    assert script.isascii()
    assert all(character.isprintable() or character == "\n" for character in script)
    defined: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(script, defined)
    return defined, output.getvalue()


def name_of(path: Path) -> ModelName:
    return ModelName(str(path), str(path))


@pytest.mark.parametrize("name", BUILTIN_NAMES)
@pytest.mark.parametrize("pair", [None, "a second text"])
@pytest.mark.parametrize(
    "options",
    [
        EncodeOptions(),
        EncodeOptions("longest"),
        EncodeOptions("longest", padding_side="left"),
        EncodeOptions("max_length", max_length=40),
        EncodeOptions("max_length", truncation=True, max_length=16),
        EncodeOptions(truncation=True, max_length=16),
        EncodeOptions(max_length=3),
        EncodeOptions(stride=2),
    ],
    ids=str,
)
def test_the_script_encodes_a_batch_as_the_window_did(
    tokenizers: dict[str, ModelTokenizer], name: str, pair: str | None, options: EncodeOptions
) -> None:
    texts = [NOTEBOOK_SENTENCE, "", LONG]
    ours = tokenizers[name].encode(texts, pair, options)
    defined, output = run(encode_snippet([name_of(FOLDERS[name])], texts, pair, options))
    theirs = defined["encoding"]
    assert theirs["input_ids"] == [encoding.ids for encoding in ours]
    assert theirs["offset_mapping"] == [encoding.offsets for encoding in ours]
    assert theirs["attention_mask"] == [encoding.attention_mask for encoding in ours]
    assert str(ours[0].ids) in output


@pytest.mark.parametrize("name", BUILTIN_NAMES)
def test_the_script_gives_the_windows_of_a_text_that_is_cut_with_a_stride(
    tokenizers: dict[str, ModelTokenizer], name: str
) -> None:
    options = EncodeOptions(truncation=True, max_length=12, stride=3)
    (ours,) = tokenizers[name].encode([LONG], options=options)
    defined, output = run(encode_snippet([name_of(FOLDERS[name])], [LONG], options=options))
    windows = [window.ids for window in (ours, *ours.overflowing)]
    assert len(windows) > 2
    assert defined["encoding"]["input_ids"] == windows
    assert str(windows[-1]) in output


def test_the_script_of_one_text_prints_ids_tokens_and_offsets_of_each_model(
    tokenizers: dict[str, ModelTokenizer],
) -> None:
    _, output = run(encode_snippet([name_of(path) for path in FOLDERS.values()], [NOTEBOOK_SENTENCE]))
    expected = []
    for tokenizer in tokenizers.values():
        (encoding,) = tokenizer.encode([NOTEBOOK_SENTENCE])
        expected.append(str(list(zip(encoding.ids, encoding.tokens, encoding.offsets, strict=True))))
    assert output.splitlines() == expected


@pytest.mark.parametrize("name", BUILTIN_NAMES)
def test_the_script_of_tensors_gives_what_the_tensor_view_prints(
    tokenizers: dict[str, ModelTokenizer], name: str
) -> None:
    (encoding,) = tokenizers[name].encode([LONG * 3])
    defined, _ = run(encode_snippet([name_of(FOLDERS[name])], [LONG * 3], tensors=True))
    ours = model_inputs([Stream(tokenizers[name], LONG * 3, encoding)])
    assert list(ours) == list(defined["encoding"])
    assert {key: "\n".join(printed(rows)) for key, rows in ours.items()} == {
        key: str(tensor) for key, tensor in defined["encoding"].items()
    }


def test_texts_of_different_lengths_make_no_tensor(tokenizers: dict[str, ModelTokenizer]) -> None:
    tokenizer = tokenizers["builtin:bert"]
    streams = [Stream(tokenizer, text, tokenizer.encode([text])[0]) for text in ("a", "a b")]
    with pytest.raises(ValueError, match="without padding they make no tensor"):
        model_inputs(streams)


def test_hostile_texts_come_through_as_literals() -> None:
    path = FOLDERS["builtin:modernbert"]
    pair = "'\"\\\n{}\x00\u2028"
    defined, _ = run(encode_snippet([name_of(path)], HARD, pair))
    assert defined["texts"] == [without_surrogates(text) for text in HARD]
    assert defined["pair"] == pair
    assert defined["encoding"]["input_ids"] == [
        encoding.ids for encoding in tokenizer_of("builtin:modernbert").encode(HARD, pair)
    ]


def test_a_folder_with_a_hostile_name_is_found(tmp_path: Path) -> None:
    path = all_directories()["bert-cased"](tmp_path / 'it\'s "x"\n\x1b[31m é')
    _, output = run(encode_snippet([name_of(path)], ["tokens"]))
    assert "'[CLS]'" in output


def test_threads_that_were_asked_for_are_written_and_attention_of_this_program_by_the_name_of_its_values() -> None:
    run = RunToReproduce(parse_name("some/model"), None, "cpu", "float32", "sdpa_local", 2)
    script = run_snippet([run], "Bread.")
    assert "torch.set_num_threads(2)" in script
    assert "'attn_implementation': 'sdpa'}" in script
    assert "# the window had sdpa_local" in script
    plain = run_snippet([RunToReproduce(parse_name("some/model"), None, "cpu", "float32", "eager")], "Bread.")
    assert "threads" not in plain
    assert "sdpa" not in plain


def test_a_home_directory_and_a_revision_are_written_for_from_pretrained(home: Path) -> None:
    script = encode_snippet([parse_name("~/model"), parse_name("someone/model@v1.0")], ["a"])
    assert f"from_pretrained({str(home / 'model')!r})" in script
    assert "from_pretrained('someone/model', revision='v1.0')" in script


@pytest.fixture
def torch() -> Iterator[Any]:
    import torch

    yield torch
    torch.set_printoptions(profile="default")


@pytest.mark.parametrize("width", [20, 30, 47, 79, 80, 81, 120, 194])
def test_a_tensor_is_printed_as_torch_prints_it(torch: Any, width: int) -> None:
    source = random.Random(width)
    torch.set_printoptions(linewidth=width)
    shapes = [
        (rows, length) for rows in (1, 2, 6, 7) for length in (1, 2, 6, 7, 11, 38, 142, 143, 167, 500, 1000, 1001)
    ]
    shapes += [(40, 25), (40, 26), (250, 4), (251, 4), (501, 2), (1001, 1), (8, 8192)]
    shapes += [(source.randint(1, 9), source.randint(1, 300)) for _ in range(25)]
    for rows, length in shapes:
        largest = source.choice([1, 9, 10, 999, 50367])
        values = [[source.randint(0, largest) for _ in range(length)] for _ in range(rows)]
        assert "\n".join(printed(values, width)) == str(torch.tensor(values)), (rows, length, largest)


def test_tensors_of_nothing_are_printed_as_torch_prints_them(torch: Any) -> None:
    for rows in (1, 2, 1001):
        assert printed([[]] * rows) == str(torch.tensor([[]] * rows)).splitlines()


def streams_of_bytes(tokenizer: ModelTokenizer, text: str) -> bytes:
    """The bytes of all tokens of a text, one after the other."""
    (encoding,) = tokenizer.encode([text])
    stream = Stream(tokenizer, text, encoding)
    return b"".join(
        bytes_of(stream, token) for token, special in enumerate(encoding.special_tokens_mask) if not special
    )


BYTE_LEVEL = tokenizer_of("builtin:modernbert")


@given(st.text(st.characters(exclude_categories=["Cs", "Cn"])))
def test_the_bytes_of_a_byte_level_stream_are_the_texts(text: str) -> None:
    """Of the text as its normaliser leaves it; special tokens that are typed by hand come apart in their own way.

    Characters that Python's Unicode does not know yet may compose in that of the Rust library.
    """
    normal = unicodedata.normalize("NFC", text)
    if "[" not in normal:
        assert streams_of_bytes(BYTE_LEVEL, normal) == normal.encode()


@pytest.mark.parametrize("text", [text for text in HARD if "[" not in text and text == without_surrogates(text)])
def test_the_bytes_of_hard_texts_are_theirs(text: str) -> None:
    normal = unicodedata.normalize("NFC", text)
    assert streams_of_bytes(BYTE_LEVEL, normal) == normal.encode()


def test_other_tokens_have_the_bytes_of_their_characters(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    bert = tokenizer_of("builtin:bert")
    text = "lighthouses, café \ud800 東"
    (encoding,) = bert.encode([text])
    stream = Stream(bert, text, encoding)
    found = {encoding.tokens[token]: bytes_of(stream, token) for token in range(len(encoding))}
    assert found["lighthouse"] == b"lighthouse"
    assert found["##s"] == b"s"
    assert found["[CLS]"] == b""
    assert found["[UNK]"] == "東".encode()

    fallback = AutoTokenizer.from_pretrained(all_directories()["byte-fallback"](tmp_path))
    tokenizer = ModelTokenizer(form_of(fallback, "byte-fallback"))
    (encoding,) = tokenizer.encode(["😀"])
    stream = Stream(tokenizer, "😀", encoding)
    fallen = [bytes_of(stream, token) for token, text in enumerate(encoding.tokens) if text.startswith("<0x")]
    assert b"".join(fallen) == "😀".encode()


def test_a_tensor_of_a_built_in_model_is_read_if_it_has_weights_and_made_at_random_if_not() -> None:
    tiny, bert = map(parse_name, ("builtin:tiny", "builtin:bert"))
    parameter = "embeddings.word_embeddings.weight"
    assert "AutoModel.from_pretrained(directory('tiny'))" in parameter_snippet(tiny, parameter)
    random = parameter_snippet(bert, parameter, has_weights=False)
    assert "AutoConfig.from_pretrained(directory('bert'))" in random
    assert "# random weights" in random
    for script in (parameter_snippet(tiny, parameter), random):
        compile(script, "snippet", "exec")
