"""`ModelTokenizer` made from the exact form gives what `AutoTokenizer` of the same directory gives."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from encoder_tui.core.tokens.exact_form import TokenizerForm, provisional
from encoder_tui.core.tokens.stated_length import LARGE_INTEGER
from encoder_tui.core.tokens.tokenizer import EncodeOptions, Encoding, ModelTokenizer, TokenizationError
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.operations.tokenizer import form_of, run
from encoder_tui.protocol.models import TokenizerRequest
from tests.support.model_directories import CONTRADICTING, all_directories
from tests.support.texts import NOTEBOOK_SENTENCE, texts

# The Rust library panics in some of these tests, hundreds of times; its stack traces take most of a minute.
os.environ["RUST_BACKTRACE"] = "0"

DIRECTORIES = all_directories()
TEXTS = texts()
FEW = [
    "",
    " ",
    "a",
    NOTEBOOK_SENTENCE,
    "Café [MASK] <mask>  東京 😀 tokens",
    "The tallest building stands in Dubai and the longest bridge is in China, 164 km.",
]
SECOND = "tokens and windows"


class Both(NamedTuple):
    name: str
    theirs: Any
    ours: ModelTokenizer


@pytest.fixture(scope="module", params=DIRECTORIES)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """`AutoTokenizer` of a directory, and ours of the form that another one gave, having gone through the cache."""
    from transformers import AutoTokenizer

    directory = DIRECTORIES[request.param](tmp_path_factory.mktemp("models"))
    form = form_of(AutoTokenizer.from_pretrained(directory), request.param)
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(form), type=TokenizerForm)
    return Both(request.param, AutoTokenizer.from_pretrained(directory), ModelTokenizer(kept))


def scalar(text: str) -> str:
    """The text as `transformers` can take it: lone surrogates replaced."""
    return "".join("\ufffd" if 0xD800 <= ord(character) < 0xE000 else character for character in text)


def fields(encodings: list[Encoding]) -> list[dict[str, Any]]:
    return [
        {
            "input_ids": encoding.ids,
            "tokens": encoding.tokens,
            "offset_mapping": encoding.offsets,
            "token_type_ids": encoding.token_type_ids,
            "attention_mask": encoding.attention_mask,
            "special_tokens_mask": encoding.special_tokens_mask,
            "sequence_ids": encoding.sequence_ids,
        }
        for encoding in encodings
    ]


def their_fields(theirs: Any, batch: list[str], pair: str | None = None, **arguments: Any) -> list[dict[str, Any]]:
    found = theirs(
        [scalar(text) for text in batch],
        None if pair is None else [scalar(pair)] * len(batch),
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
        **arguments,
    )
    types = found.get("token_type_ids")
    return [
        {
            "input_ids": ids,
            "tokens": theirs.convert_ids_to_tokens(ids),
            "offset_mapping": found["offset_mapping"][index],
            "token_type_ids": None if types is None else types[index],
            "attention_mask": found["attention_mask"][index],
            "special_tokens_mask": found["special_tokens_mask"][index],
            "sequence_ids": found.sequence_ids(index),
        }
        for index, ids in enumerate(found["input_ids"])
    ]


def their_outcome(theirs: Any, batch: list[str], pair: str | None, options: EncodeOptions) -> Any:
    """Every text with its windows, or None where `transformers` raises or the Rust library panics."""
    arguments = {
        "padding": False if options.padding == "none" else options.padding,
        "truncation": options.truncation,
        "max_length": options.max_length,
        "stride": options.stride,
        "padding_side": options.padding_side,
        "return_overflowing_tokens": True,
    }
    try:
        return their_fields(theirs, batch, pair, **arguments)
    except Exception:  # noqa: BLE001  # whatever it is, ours has to refuse as well
        return None
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        return None


def our_outcome(ours: ModelTokenizer, batch: list[str], pair: str | None, options: EncodeOptions) -> Any:
    """Every text with its windows, or None where ours refuses."""
    try:
        encodings = ours.encode(batch, pair, options)
    except TokenizationError:
        return None
    return fields([window for encoding in encodings for window in (encoding, *encoding.overflowing)])


def test_every_text_gives_the_same_tokens(both: Both) -> None:
    theirs, ours = their_fields(both.theirs, TEXTS), fields(both.ours.encode(TEXTS))
    for text, expected, found in zip(TEXTS, theirs, ours, strict=True):
        assert found == expected, ascii(text)


@settings(
    max_examples=25, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)  # fmt: skip
@given(text=st.text(max_size=40))
def test_any_text_gives_the_same_tokens(both: Both, text: str) -> None:
    assert fields(both.ours.encode([text])) == their_fields(both.theirs, [text])


def test_every_text_decodes_alike_with_and_without_special_tokens(both: Both) -> None:
    for encoding, skip in itertools.product(both.ours.encode(TEXTS), (False, True)):
        expected = both.theirs.decode(encoding.ids, skip_special_tokens=skip)
        assert both.ours.decode(encoding.ids, skip_special_tokens=skip) == expected


def test_pairs_give_the_same_tokens(both: Both) -> None:
    for start, pair in zip(range(0, len(TEXTS), 30), TEXTS[::7], strict=False):
        batch = TEXTS[start : start + 30]
        assert fields(both.ours.encode(batch, pair)) == their_fields(both.theirs, batch, pair), ascii(pair)


@pytest.mark.parametrize("pair", [None, SECOND], ids=["single", "pair"])
def test_padding_and_truncation_give_the_same_batches(both: Both, pair: str | None) -> None:
    for padding, truncation, length, side in itertools.product(
        ("none", "longest", "max_length"), (False, True), (None, 9, 33), (None, "left", "right")
    ):
        if padding == "none" and side is not None:
            continue
        options = EncodeOptions(padding, truncation, length, 0, side)
        assert our_outcome(both.ours, FEW, pair, options) == their_outcome(both.theirs, FEW, pair, options), options


@pytest.mark.parametrize("pair", [None, SECOND], ids=["single", "pair"])
def test_windows_are_the_same_and_what_panics_is_refused(both: Both, pair: str | None) -> None:
    special = both.theirs.num_special_tokens_to_add(pair=pair is not None)
    outcomes = set()
    for room, stride, text in itertools.product((0, 1, 5, 11), (0, 1, 2, 3, 4, 6, 12), FEW):
        options = EncodeOptions("none", True, special + room, stride)
        found, expected = (
            our_outcome(both.ours, [text], pair, options),
            their_outcome(both.theirs, [text], pair, options),
        )
        assert found == expected, (options, text)
        outcomes.add("refused" if found is None else "windows" if len(found) > 1 else "whole")
    assert outcomes == {"refused", "windows", "whole"}


def test_a_length_without_room_for_the_special_tokens_is_refused(both: Both) -> None:
    """`transformers` cuts nothing at all there, and does not say so; this is where ours is meant to differ."""
    special = both.theirs.num_special_tokens_to_add(pair=False)
    if special == 0:
        pytest.skip("this tokenizer adds no special tokens")
    options = EncodeOptions(truncation=True, max_length=special - 1)
    untruncated = their_fields(both.theirs, [NOTEBOOK_SENTENCE])
    assert their_outcome(both.theirs, [NOTEBOOK_SENTENCE], None, options) == untruncated
    with pytest.raises(TokenizationError, match=f"give at least {special}"):
        both.ours.encode([NOTEBOOK_SENTENCE], None, options)


def test_the_special_tokens_and_limits_are_the_same(both: Both) -> None:
    theirs, ours = both.theirs, both.ours
    assert (ours.form.exact, ours.form.class_name) == (True, type(theirs).__name__)
    found = ours.special_tokens()
    assert {f"{role}_token": token for role, token, _ in found if role != "additional"} == theirs.special_tokens_map
    assert {token for _, token, _ in found} == set(theirs.all_special_tokens)
    assert {token: token_id for _, token, token_id in found} == dict(
        zip(theirs.all_special_tokens, theirs.all_special_ids, strict=True)
    )
    assert ours.unknown_id == theirs.unk_token_id
    assert ours.entries == len(theirs)
    assert [ours.special_count(pair) for pair in (False, True)] == [
        theirs.num_special_tokens_to_add(pair) for pair in (False, True)
    ]
    stated = theirs.model_max_length
    assert ours.form.model_max_length == (None if stated > LARGE_INTEGER else stated)
    assert (ours.form.padding_side, ours.form.truncation_side) == (theirs.padding_side, theirs.truncation_side)


@pytest.mark.parametrize("name", CONTRADICTING)
def test_the_plain_tokenizer_json_gives_something_else(name: str, tmp_path: Path) -> None:
    """What all of the above is for: without the exact form the tokens would be wrong."""
    from transformers import AutoTokenizer

    if name not in DIRECTORIES:
        pytest.skip(f"{name} cannot be made here")
    directory = DIRECTORIES[name](tmp_path)
    plain = ModelTokenizer(provisional((directory / "tokenizer.json").read_text(encoding="utf-8"), {}))
    theirs = their_fields(AutoTokenizer.from_pretrained(directory), TEXTS)
    found = plain.encode(TEXTS)
    where = "offset_mapping" if name == "roberta-trim-offsets-contradicts" else "input_ids"
    assert [encoding[where] for encoding in fields(found)] != [encoding[where] for encoding in theirs]


class _Python:
    """A pre-tokenizer in Python, as RoFormer's word segmenter is."""

    def pre_tokenize(self, pretok: Any) -> None:
        pretok.split(lambda _, text: [text])


def test_a_tokenizer_that_works_in_python_has_no_form(tmp_path: Path) -> None:
    from tokenizers.pre_tokenizers import PreTokenizer
    from transformers import AutoTokenizer, EsmTokenizer

    segmenting = AutoTokenizer.from_pretrained(DIRECTORIES["bert-cased"](tmp_path))
    segmenting.backend_tokenizer.pre_tokenizer = PreTokenizer.custom(_Python())
    with pytest.raises(OperationError, match=r"^mine: BertTokenizer works in Python only, and this app needs"):
        form_of(segmenting, "mine")
    (tmp_path / "vocab.txt").write_text("<cls>\n<pad>\n<eos>\n<unk>\nL\n<mask>\n", encoding="utf-8")
    with pytest.raises(OperationError, match=r"^mine: EsmTokenizer is not backed by the tokenizers library"):
        form_of(EsmTokenizer(tmp_path / "vocab.txt"), "mine")


def test_a_tokenizer_json_that_makes_the_library_panic_is_a_failure_with_a_sentence(tmp_path: Path) -> None:
    directory = DIRECTORIES["xlm-roberta-nfkc"](tmp_path)
    path = directory / "tokenizer.json"
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": "AAAA"}
    path.write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(OperationError, match=r"^mine: transformers cannot load its tokenizer: ") as caught:
        run(TokenizerRequest("mine", str(directory)), Job(1, lambda _: None))
    assert str(caught.value).isprintable()
