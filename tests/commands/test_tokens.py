"""`encoder-tui tokens` through real processes: what it prints equals what `transformers` gives."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from encoder_tui import builtin
from tests.support.command_case import Done, call, named
from tests.support.model_directories import all_directories
from tests.support.texts import NOTEBOOK_SENTENCE

BUILTIN = ("builtin:bert", "builtin:modernbert")
TEXTS = [
    NOTEBOOK_SENTENCE,
    "",
    " \t\n  ",
    "Café cafe\u0301 [MASK] <mask>  東京 👩‍👩‍👧‍👦 tokens ",
    "\x1b[31mred\x1b[0m \x9b2J \x07 \u202e bidi \ufeff",
    "The quick brown fox jumps over the lazy dog. " * 3,
]
FIELDS = [
    "input_ids", "tokens", "offsets", "token_type_ids", "attention_mask", "special_tokens_mask", "sequence_ids",
    "decoded",
]  # fmt: skip

Tokens = Callable[..., Done]


class Model(NamedTuple):
    name: str
    theirs: Any


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Model]:
    """Four models of three kinds: both built-in ones, one with pairs of its own, one without segments or bytes."""
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("models")
    directories = all_directories()
    there = {name: builtin.directory(name.removeprefix("builtin:")) for name in BUILTIN}
    for name in ("roberta-prefix-space-contradicts", "xlm-roberta-nfkc"):
        path = directories[name](folder)
        there[str(path)] = path
    return [Model(name, AutoTokenizer.from_pretrained(path)) for name, path in there.items()]


@pytest.fixture
def tokens(cache: Path) -> Tokens:
    """The command, with a cache that the module's tests share: the engine starts once."""

    def run(*arguments: str | bytes | Path, stdin: bytes | int = b"", **environ: str) -> Done:
        return call("tokens", *arguments, stdin=stdin, environ={"XDG_CACHE_HOME": cache, **environ})

    return run


def expected(model: Model, texts: list[str], pair: str | None, **arguments: Any) -> list[dict[str, Any]]:
    """What `transformers` gives, in the words of the contract."""
    found = model.theirs(
        texts,
        None if pair is None else [pair] * len(texts),
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
        **{"padding": False, "truncation": False, **arguments},
    )
    types = found.get("token_type_ids")
    return [
        {
            "input_ids": ids,
            "tokens": model.theirs.convert_ids_to_tokens(ids),
            "offsets": [list(span) for span in found["offset_mapping"][index]],
            "token_type_ids": None if types is None else types[index],
            "attention_mask": found["attention_mask"][index],
            "special_tokens_mask": found["special_tokens_mask"][index],
            "sequence_ids": found.sequence_ids(index),
            "decoded": model.theirs.decode(ids),
        }
        for index, ids in enumerate(found["input_ids"])
    ]


def check_alignments(report: dict[str, Any], texts: list[str]) -> None:
    """Blocks cover each text, and hold every token of it that is neither special nor of a second text, once."""
    assert len(report["alignments"]) == len(texts)
    for index, (text, blocks) in enumerate(zip(texts, report["alignments"], strict=True)):
        assert blocks[0]["span"][0] == 0
        assert "".join(block["text"] for block in blocks) == text
        assert all(block["text"] == text[slice(*block["span"])] for block in blocks)
        for number, entry in enumerate(report["models"]):
            encoding = entry["encodings"][index]
            own = [
                token
                for token, (special, sequence) in enumerate(
                    zip(encoding["special_tokens_mask"], encoding["sequence_ids"], strict=True)
                )
                if not special and sequence == 0
            ]
            assert sorted(token for block in blocks for token in block["tokens"][number]) == own


@pytest.mark.parametrize(
    ("pair", "options", "arguments"),
    [
        (None, [], {}),
        ("A second text, 東京.", [], {}),
        (None, ["--padding", "longest"], {"padding": "longest"}),
        ("second", ["--padding", "max_length", "--max-length", "70"], {"padding": "max_length", "max_length": 70}),
        (None, ["--truncation", "--max-length", "9"], {"truncation": True, "max_length": 9}),
        ("one two three", ["--truncation", "--max-length", "12", "--padding", "longest"],
         {"truncation": True, "max_length": 12, "padding": "longest"}),
        (None, ["--max-length", "5"], {"max_length": 5}),
    ],
    ids=["plain", "pair", "longest", "pair to a length", "cut", "pair cut and padded", "a length for nothing"],
)  # fmt: skip
def test_every_field_equals_autotokenizer(
    tokens: Tokens, models: list[Model], pair: str | None, options: list[str], arguments: dict[str, Any]
) -> None:
    second = [] if pair is None else ["--pair", pair]
    done = tokens("--json", *named(*(model.name for model in models)), *options, *second, "--", *TEXTS)
    changes_nothing = "max_length" in arguments and not arguments.keys() & {"truncation", "padding"}
    assert (done.code, done.stderr == "") == (0, not changes_nothing)
    assert [entry["model"] for entry in done.models] == [model.name for model in models]
    for entry, model in zip(done.models, models, strict=True):
        assert sorted(entry) == ["encodings", "model"]
        assert all(sorted(encoding) == sorted(FIELDS) for encoding in entry["encodings"])
        assert entry["encodings"] == expected(model, TEXTS, pair, **arguments), model.name
    check_alignments(done.data, TEXTS)


def test_models_without_segments_have_null_for_them(tokens: Tokens) -> None:
    bert, modernbert = tokens("--json", *named(*BUILTIN), "lens").models
    assert bert["encodings"][0]["token_type_ids"] == [0, 0, 0]
    assert modernbert["encodings"][0]["token_type_ids"] is None
    assert modernbert["encodings"][0]["sequence_ids"][0] is None


def test_the_notebooks_sentence_under_the_reference_models(tokens: Tokens, reference_models: tuple[Path, Path]) -> None:
    from transformers import AutoTokenizer

    done = tokens("--json", *named(*reference_models), NOTEBOOK_SENTENCE)
    bert, modernbert = (entry["encodings"][0] for entry in done.models)
    assert bert["input_ids"] == [
        101, 1188, 1110, 26574, 13675, 1744, 1545, 119, 2421, 112, 188, 3858, 1199, 21239, 2101, 106, 102,
    ]  # fmt: skip
    assert modernbert["input_ids"] == [
        50281, 1552, 310, 353, 15782, 30610, 15, 1281, 434, 3037, 690, 427, 13010, 2, 50282,
    ]  # fmt: skip
    (blocks,) = done.data["alignments"]
    assert [blocks[index]["text"].strip() for index in done.data["differing"][0]] == ["MIDS", "266", "'s", "NLP"]
    assert len(blocks) == 11
    assert {"span": [7, 12], "text": " MIDS", "tokens": [[3, 4], [3, 4]]} in blocks
    for entry, path in zip(done.models, reference_models, strict=True):
        model = Model(str(path), AutoTokenizer.from_pretrained(path))
        assert entry["encodings"] == expected(model, [NOTEBOOK_SENTENCE], None)


def test_stdin_is_one_text_as_it_is(tokens: Tokens, models: list[Model]) -> None:
    done = tokens("--json", *named(*BUILTIN), stdin=b"two lines\r\nand a NUL\x00, no UTF-8: \xff\xc3(\n\n")
    text = "two lines\r\nand a NUL\x00, no UTF-8: \ufffd\ufffd(\n\n"
    check_alignments(done.data, [text])
    for entry, model in zip(done.models, models, strict=False):
        assert entry["encodings"] == expected(model, [text], None)


def test_stdin_with_nothing_in_it_is_an_empty_text(tokens: Tokens) -> None:
    done = tokens("--json", *named(*BUILTIN), stdin=b"")
    assert done.data["alignments"] == [[{"span": [0, 0], "text": "", "tokens": [[], []]}]]
    assert [entry["encodings"][0]["tokens"] for entry in done.models] == [["[CLS]", "[SEP]"]] * 2


def test_lone_surrogates_become_replacement_characters_in_text_and_pair(tokens: Tokens, models: list[Model]) -> None:
    given = b"a\xff\xed\xa0\x80 b"
    done = tokens("--json", *named(BUILTIN[1]), "--pair", given, given)
    text = "a" + 4 * "\ufffd" + " b"
    assert done.models[0]["encodings"] == expected(models[1], [text], text)
    check_alignments(done.data, [text])


def test_options_go_before_and_after_the_command_where_lists_go_on_and_later_values_hold(tokens: Tokens) -> None:
    after = tokens("--json", *named(*BUILTIN), "lens").data
    assert call(*named(*BUILTIN), "tokens", "lens", "--json").data == after
    first, second = BUILTIN
    assert call(*named(first), "tokens", *named(second), "--json", "--offline", "lens").data == after
    assert call("--text", "glass", "tokens", "--text", "lens", *named(*BUILTIN), "--json").data == after
    assert call("--offline", "tokens", "--json", "--text", "lens", *named(*BUILTIN), "--device", "cpu").data == after


def test_json_is_ascii_on_one_line(tokens: Tokens) -> None:
    done = tokens("--json", *named(*BUILTIN), *TEXTS)
    assert done.stdout.isascii()
    assert done.stdout.count(b"\n") == 1


def test_the_table_names_models_tokens_ids_and_differences_and_obeys_nothing(tokens: Tokens) -> None:
    done = tokens(*named(*BUILTIN), "a lighthouse", "\x1b[31mred\x07 \u202e[b]x[/b]", "", "\ud7ff\x9b2J")
    assert (done.code, done.stderr) == (0, "")
    first, second, *_ = done.text.split("\n\n")
    lines = first.splitlines()
    assert lines[0] == "a lighthouse"
    assert lines[1].startswith("A  builtin:bert: 4 tokens, 0 unknown; WordPiece, cased, 4,000 entries")
    assert lines[2].split() == ["[CLS]", "a", "lighthouse", "[SEP]"]
    assert lines[3].split()[::3] == ["101", "102"]
    assert lines[4].startswith("B  builtin:modernbert: 4 tokens, 0 unknown; byte-level BPE, 4,000")
    assert lines[5].split() == ["[CLS]", "a", "Ġlighthouse", "[SEP]"]
    assert lines[7] == "2 of 2 blocks agree; both use the same number of tokens"
    assert second.splitlines()[0] == "␛[31mred␇ ⟨202E⟩[b]x[/b]"


def test_the_table_of_one_text_begins_with_the_first_model(tokens: Tokens) -> None:
    assert tokens(*named(*BUILTIN), "lens").text.startswith("A  builtin:bert: 3 tokens")


def test_a_locale_without_the_characters_still_gets_a_table(tokens: Tokens) -> None:
    done = tokens(*named(BUILTIN[1]), "a lighthouse", PYTHONIOENCODING="latin-1")
    assert done.code == 0
    assert done.text.splitlines()[1].split() == ["[CLS]", "a", "?lighthouse", "[SEP]"]


def test_the_text_of_the_configuration_is_the_windows_and_not_the_commands(tokens: Tokens) -> None:
    done = tokens("--json", *named(*BUILTIN), stdin=b"lens", ENCODER_TUI_TEXT="something else")
    assert done.data["alignments"][0][0]["text"] == "lens"


def test_no_text_and_a_terminal_on_stdin_is_wrong_usage(tokens: Tokens) -> None:
    ours, its = os.openpty()
    try:
        done = tokens("--json", *named(*BUILTIN), stdin=its)
    finally:
        os.close(ours)
        os.close(its)
    assert (done.code, done.stdout) == (2, b"")
    assert "no text: give one" in done.stderr


def test_of_a_pair_the_table_says_that_the_first_text_is_aligned(tokens: Tokens) -> None:
    done = tokens(*named(*BUILTIN), "question", "--pair", "an answer to it")
    assert done.text.splitlines()[-1].startswith("of the first text, 1 of 2 blocks agrees; ")
    assert "of the first text" not in tokens(*named(*BUILTIN), "question").text


def test_an_empty_text_is_said_to_be_empty_and_nothing_is_asked_of_anybody(tokens: Tokens) -> None:
    assert tokens(*named(*BUILTIN), "").text.splitlines()[-1] == "The text is empty."


def test_a_maximum_that_changes_nothing_is_told(tokens: Tokens) -> None:
    words = "--max-length has no effect without --truncation or --padding max_length"
    assert words in tokens(*named(BUILTIN[0]), "a text", "--max-length", "3").stderr
    for option in (["--truncation"], ["--padding", "max_length"]):
        assert tokens(*named(BUILTIN[0]), "a text", "--max-length", "3", *option).stderr == ""
