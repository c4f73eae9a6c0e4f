"""Encoding with a form: what the masks, names, options and errors say."""

from __future__ import annotations

import itertools
import json
import os
import threading
from typing import Any

import msgspec
import pytest
from tokenizers import Tokenizer, processors

from encoder_tui.core.text.safe import without_surrogates
from encoder_tui.core.tokens import tokenizer as tokens
from encoder_tui.core.tokens.comparison import compare
from encoder_tui.core.tokens.exact_form import TokenizerForm, provisional
from encoder_tui.core.tokens.tokenizer import EncodeOptions, ModelTokenizer, TokenizationError
from tests.support import tiny_tokenizers as tiny
from tests.support.requested import requested

# Some of these tests make the Rust library panic; it need not print its stack.
os.environ["RUST_BACKTRACE"] = "0"

BERT = {f"{token[1:-1].lower()}_token": token for token in tiny.BERT_SPECIAL}


def model(tokenizer: Tokenizer, **changes: Any) -> ModelTokenizer:
    """A tokenizer as the app has it, with BERT's names for special tokens and `changes` to its form."""
    form = provisional(tokenizer.to_str(), BERT)
    return ModelTokenizer(msgspec.structs.replace(form, **changes))


@pytest.fixture(scope="module")
def bert() -> ModelTokenizer:
    return model(tiny.wordpiece(False))


@pytest.mark.parametrize(
    ("tokenizer", "expected"),
    [
        (tiny.wordpiece(False), "WordPiece, cased, 1,789 entries"),
        (tiny.wordpiece(True), "WordPiece, uncased, 1,737 entries"),
        (tiny.stretching(), "WordPiece, uncased, 1,737 entries"),
        (tiny.byte_level(tiny.BERT_SPECIAL), "byte-level BPE, 705 entries"),
        (tiny.byte_fallback(), "BPE, 684 entries"),
        (tiny.unigram(tiny.ROBERTA_SPECIAL, "<s>", "</s>", 2), "Unigram, 905 entries"),
        (tiny.words(), "WordLevel, 291 entries"),
    ],
)
def test_the_kind_says_algorithm_case_and_size(tokenizer: Tokenizer, expected: str) -> None:
    found = model(tokenizer)
    assert found.kind == expected
    assert found.is_byte_level == expected.startswith("byte-level")


def test_lone_surrogates_become_replacement_characters_and_lengths_stay(bert: ModelTokenizer) -> None:
    assert without_surrogates("a\ud800b\udfffc😀\ud83d\ude00") == "a�b�c😀��"
    assert bert.encode(["\ud800"], "\udfff")[0].ids == bert.encode(["�"], "�")[0].ids


def test_special_tokens_have_a_role_a_text_and_an_id() -> None:
    tokenizer = tiny.wordpiece(False)
    tokenizer.add_special_tokens(["<ent>"])
    found = model(tokenizer, extra_special_tokens=["<ent>", "[SEP]", "<nowhere>"])
    assert found.special_tokens() == [
        ("cls", "[CLS]", 2),
        ("sep", "[SEP]", 3),
        ("pad", "[PAD]", 0),
        ("mask", "[MASK]", 4),
        ("unk", "[UNK]", 1),
        ("additional", "<ent>", 1789),
        ("additional", "<nowhere>", None),
    ]
    assert found.unknown_id == 1


def test_a_tokenizer_without_an_unknown_token_has_no_unknown_id() -> None:
    assert model(tiny.words(), special_tokens={}).unknown_id is None


def test_an_id_that_is_no_tokens_has_an_empty_text(bert: ModelTokenizer) -> None:
    assert bert.tokens_of([2, 99_999, 2]) == ["[CLS]", "", "[CLS]"]


def test_a_pair_has_one_more_special_token(bert: ModelTokenizer) -> None:
    assert (bert.special_count(), bert.special_count(pair=True)) == (2, 3)


def test_padding_is_not_counted_as_real_tokens(bert: ModelTokenizer) -> None:
    short, long = bert.encode(["a", "a b c"], options=EncodeOptions("longest"))
    assert (len(short), short.real_tokens(), long.real_tokens()) == (5, 3, 5)


def test_segments_are_given_only_where_the_model_takes_them(bert: ModelTokenizer) -> None:
    assert bert.encode(["a"], "b")[0].token_type_ids == [0, 0, 0, 1, 1]
    modern = model(tiny.byte_level(tiny.BERT_SPECIAL)).encode(["a"], "b")[0]
    assert modern.token_type_ids is None
    assert modern.type_ids == [0, 0, 0, 1, 1]


POST_PROCESSORS = {
    "none": None,
    "byte level": processors.ByteLevel(),
    "empty template": processors.TemplateProcessing(single="$A", pair="$A $B:1", special_tokens=[]),
    "BERT": processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2)),
    "RoBERTa": processors.RobertaProcessing(("[SEP]", 3), ("[CLS]", 2)),
    "sequence": processors.Sequence(
        [
            processors.ByteLevel(),
            processors.TemplateProcessing(single="[CLS] $A", pair="[CLS] $A $B", special_tokens=[("[CLS]", 2)]),
        ]
    ),
    "second text first": processors.TemplateProcessing(
        single="[CLS] $A", pair="[CLS] $B:1 [SEP] $A", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    ),
}


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("pair", [None, "token The tokens"])
@pytest.mark.parametrize("name", POST_PROCESSORS)
def test_the_mask_of_the_first_text_leaves_its_tokens_and_nothing_else(name: str, pair: str | None, side: str) -> None:
    tokenizer = tiny.words()
    if POST_PROCESSORS[name] is not None:
        tokenizer.post_processor = POST_PROCESSORS[name]
    found = model(tokenizer)
    padded = found.encode(["The dog", "does"], pair, EncodeOptions("max_length", max_length=12, padding_side=side))
    for encoding, expected in zip(padded, (["The", "dog"], ["does"]), strict=True):
        mask = encoding.first_text_mask()
        assert [token for token, other in zip(encoding.tokens, mask, strict=True) if not other] == expected
        assert len(mask) == 12


def test_the_mask_of_the_first_text_holds_in_every_window() -> None:
    tokenizer = tiny.words()
    tokenizer.post_processor = POST_PROCESSORS["second text first"]
    words = ["The", "dog", "does", "not", "mind"]
    options = EncodeOptions("max_length", True, 5, 0)
    encoding = model(tokenizer).encode([" ".join(words)], "token", options)[0]
    seen = []
    for window in (encoding, *encoding.overflowing):
        tokens = zip(window.tokens, window.first_text_mask(), strict=True)
        kept = [token for token, other in tokens if not other]
        assert set(kept) <= set(words)
        seen += kept
    assert set(seen) == set(words)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (EncodeOptions(truncation=True, max_length=1), "a max_length of 1 leaves no room for the special tokens; give"),
        (EncodeOptions(truncation=True, max_length=-1), "max_length is -1; it must be 0 or more"),
        (EncodeOptions("max_length", max_length=-5), "max_length is -5; it must be 0 or more"),
        (EncodeOptions("max_length", max_length=10**12), "padding to 1,000,000,000,000 tokens needs too much memory"),
        (EncodeOptions(truncation=True, max_length=6, stride=-1), "stride is -1; it must be 0 or more"),
        (
            EncodeOptions(truncation=True, max_length=6, stride=4),
            "a stride of 4 leaves no room for new tokens in windows of 6",
        ),
        (EncodeOptions(truncation=True, max_length=6, stride=10**30), "leaves no room for new tokens"),
        (EncodeOptions(truncation=True, max_length=10**30), "the tokenizer refuses"),
        (EncodeOptions("bucket"), "unknown padding bucket; use none, longest, max_length"),  # type: ignore[arg-type]
        (EncodeOptions("longest", padding_side="top"), "unknown padding side top"),  # type: ignore[arg-type]
    ],
)
def test_settings_that_cannot_be_followed_are_said_in_one_line(
    bert: ModelTokenizer, options: EncodeOptions, complaint: str
) -> None:
    with pytest.raises(TokenizationError) as caught:
        bert.encode(["one two three four five six"], options=options)
    assert complaint in str(caught.value)
    assert str(caught.value).isprintable()
    assert bert.encode(["a"])[0].tokens == ["[CLS]", "a", "[SEP]"]


def test_a_batch_whose_longest_text_pads_the_others_beyond_memory_is_refused(
    bert: ModelTokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "PADDED_AT_MOST", 20)
    assert len(bert.encode(["a b c", "d"], options=EncodeOptions("longest"))[1]) == 5
    with pytest.raises(TokenizationError, match="padding to 11 tokens needs too much memory; truncate the texts"):
        bert.encode(["a b c d e f g h i", "j"], options=EncodeOptions("longest"))


@pytest.mark.parametrize("options", [EncodeOptions(), EncodeOptions("longest"), EncodeOptions("longest", True, 9)])
def test_a_short_text_does_not_wait_until_a_long_one_is_encoded(bert: ModelTokenizer, options: EncodeOptions) -> None:
    """As when a megabyte is at work in a thread, and a key is typed."""
    begun = threading.Event()

    def encode_long() -> None:
        begun.set()
        assert len(bert.encode(["The dog does not mind. " * 100_000], options=options)) == 1

    thread = threading.Thread(target=encode_long)
    thread.start()
    assert begun.wait(60)
    short = [bert.encode(["The dog"])[0].tokens for _ in range(5)]
    assert thread.is_alive()
    thread.join()
    assert short == [["[CLS]", "The", "dog", "[SEP]"]] * 5


def test_the_same_settings_pass_where_no_text_is_cut(bert: ModelTokenizer) -> None:
    options = EncodeOptions(truncation=True, max_length=6, stride=4)
    assert len(bert.encode(["a b"], options=options)[0]) == 4


@pytest.mark.parametrize("pair", [None, "c", "a b c d e f g h"])
def test_no_setting_of_windows_makes_the_library_panic(bert: ModelTokenizer, pair: str | None) -> None:
    outcomes = set()
    for length, stride, words in itertools.product(range(14), range(12), (0, 1, 4, 9)):
        try:
            bert.encode(["a " * words], pair, EncodeOptions(truncation=True, max_length=length, stride=stride))
            outcomes.add("encoded")
        except TokenizationError as error:
            outcomes.add("panicked" if type(error.__cause__).__name__ == "PanicException" else "refused")
    assert outcomes == {"encoded", "refused"}


def test_a_length_of_nothing_but_special_tokens_leaves_the_text_to_the_windows(bert: ModelTokenizer) -> None:
    encoding = bert.encode(["a"], options=EncodeOptions(truncation=True, max_length=2))[0]
    assert encoding.tokens == ["[CLS]", "[SEP]"]
    assert [window.tokens for window in encoding.overflowing] == [["[CLS]", "a", "[SEP]"]]


def test_padding_without_a_padding_token_is_refused_unless_there_is_nothing_to_pad_to() -> None:
    found = model(tiny.words(), pad_token=None, pad_token_id=None)
    with pytest.raises(TokenizationError, match="no padding token; use padding none"):
        found.encode(["a"], options=EncodeOptions("longest"))
    assert len(found.encode(["The dog"], options=EncodeOptions("max_length"))[0]) == 2


def test_without_a_length_of_its_own_a_tokenizer_neither_cuts_nor_pads(bert: ModelTokenizer) -> None:
    assert bert.form.model_max_length is None
    assert len(bert.encode(["a " * 900], options=EncodeOptions("max_length", truncation=True))[0]) == 902


def test_no_texts_have_no_encodings(bert: ModelTokenizer) -> None:
    assert bert.encode([], options=EncodeOptions("longest", truncation=True, max_length=4)) == []


def test_spaces_before_punctuation_go_only_where_the_form_says_so() -> None:
    ids = model(tiny.wordpiece(False)).encode(["It is, isn't it?"])[0].ids
    assert model(tiny.wordpiece(False)).decode(ids, skip_special_tokens=True) == "It is, isn ' t it?"
    unknown = model(tiny.words(), clean_up=True)
    assert unknown.decode(unknown.encode(["dog , dog ."])[0].ids) == "dog, dog."


def hostile(**changes: Any) -> TokenizerForm:
    """A form whose JSON is a tokenizer of two words with `changes`."""
    raw: dict[str, Any] = {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "Whitespace"},
        "model": {"type": "WordLevel", "vocab": {"a": 0, "b": 1}, "unk_token": "a"},
    }
    form = provisional(json.dumps(raw), {})
    return msgspec.structs.replace(form, json=json.dumps(raw | changes))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "3",
        "{",
        "{}",
        '{"model": 3}',
        "[" * 100_000,
        "\ud800",
        hostile(model={"type": "BPE", "vocab": {"a": 0}, "merges": ["a \x1b[2J"]}).json,
        hostile(model={"type": "Unigram", "vocab": [["a", 0.0]], "unk_id": 5}).json,
        hostile(normalizer={"type": "Replace", "pattern": {"Regex": "("}, "content": ""}).json,
        hostile(normalizer={"type": "Precompiled", "precompiled_charsmap": "AAAA"}).json,
    ],
    ids=range(13),
)
def test_json_that_is_no_tokenizer_is_a_value_error_in_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="the tokenizers library cannot read this tokenizer: ") as caught:
        ModelTokenizer(msgspec.structs.replace(hostile(), json=text))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "changes",
    [
        {"model": {"type": "WordLevel", "vocab": {}, "unk_token": "\x1b[2J"}},
        {"model": {"type": "Unigram", "vocab": [["a", 0.0]], "unk_id": None}},
        {
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}],
                "pair": [],
                "special_tokens": {},
            }
        },
    ],
    ids=["no vocabulary", "no unknown token", "template of nothing"],
)
def test_a_tokenizer_that_fails_at_a_text_is_a_tokenization_error(changes: dict[str, Any]) -> None:
    with pytest.raises(TokenizationError, match="the tokenizer refuses this text: ") as caught:
        ModelTokenizer(hostile(**changes)).encode(["c"])
    assert str(caught.value).isprintable()


def test_a_decoder_that_panics_is_a_tokenization_error() -> None:
    found = ModelTokenizer(hostile(decoder={"type": "Strip", "content": "a", "start": 10, "stop": 10}))
    with pytest.raises(TokenizationError, match="the tokenizer refuses these ids: "):
        found.decode([0])


def test_the_summary_quotes_what_differs_and_counts_what_differs_alike(bert: ModelTokenizer) -> None:
    other = model(tiny.byte_level(tiny.BERT_SPECIAL))
    comparison = compare("the light zqx, the zqx. zqx: light", requested([bert, other]))
    assert '; they differ at "the", "ight" (2) and white space (3); ' in comparison.sentence()
    assert '; they differ at "the" and 5 more; ' in comparison.sentence(names_shown=1)
