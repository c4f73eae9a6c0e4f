"""The comparison of several models over one text: what it calls agreement, and what it calls a saving."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from encoder_tui.core.tokens import comparison as comparing
from encoder_tui.core.tokens.comparison import Comparison
from encoder_tui.core.tokens.exact_form import provisional
from encoder_tui.core.tokens.tokenizer import EncodeOptions, ModelTokenizer
from tests.support.requested import requested


def compare(text: str, tokenizers: Sequence[ModelTokenizer], options: EncodeOptions | None = None) -> Comparison:
    return comparing.compare(text, requested(tokenizers), options=options)


def knows(*entries: str) -> ModelTokenizer:
    """A model that knows these words, and has one unknown token for every other."""
    vocabulary = {entry: index for index, entry in enumerate(("[UNK]", *entries))}
    tokenizer = Tokenizer(models.WordLevel(vocab=vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return ModelTokenizer(provisional(tokenizer.to_str(), {}))


def drops(characters: str) -> ModelTokenizer:
    """A model that knows these characters and gives no token for any other, as BPE without an unknown token does."""
    vocabulary = {character: index for index, character in enumerate(characters)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return ModelTokenizer(provisional(tokenizer.to_str(), {}))


def differing(comparison: Comparison) -> list[str]:
    return [comparison.text[slice(*comparison.alignment[block][:2])].strip() for block in comparison.differing]


@pytest.mark.parametrize(
    ("text", "vocabularies", "expected"),
    [
        ("one two three", [("one", "three"), ("one", "two", "three")], ["two"]),
        ("one two three", [("one", "three"), ("two", "three")], ["one", "two"]),
        ("one two three", [("one",), ("one",)], []),  # neither knows two and three: they agree
        ("two two", [(), ("two",), ("two",)], ["two", "two"]),
        ("two", [("two",), ("two",), ()], ["two"]),
        ("", [(), ("two",)], []),
    ],
)
def test_a_piece_that_only_some_models_know_differs(
    text: str, vocabularies: Sequence[Sequence[str]], expected: list[str]
) -> None:
    comparison = compare(text, [knows(*vocabulary) for vocabulary in vocabularies])
    assert differing(comparison) == expected
    assert [comparison.is_differing(block) for block in range(len(comparison.alignment))] == [
        not comparison.alignment.agrees(block) for block in range(len(comparison.alignment))
    ]


def test_fewer_tokens_are_no_saving_if_a_part_of_the_text_was_not_read() -> None:
    spelled = ModelTokenizer(provisional(_letters().to_str(), {}))
    comparison = compare("abc zz abc yy", [knows("abc"), spelled])
    assert comparison.sentence().endswith("; A could not read 2 pieces; its smaller count is no saving")
    assert compare("abc abc", [knows("abc"), spelled]).sentence().endswith("A uses 67 % fewer tokens")
    comparison = compare("abc qq", [knows("abc"), spelled])  # neither can read qq
    assert comparison.sentence().endswith("A uses 60 % fewer tokens")


def _letters() -> Tokenizer:
    """A model with a token for each letter but q."""
    vocabulary = {letter: index for index, letter in enumerate(["[UNK]", *"abcdefghijklmnoprstuvwxyz"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


def test_what_a_tokenizer_drops_without_a_token_was_not_read_either() -> None:
    comparison = compare("a🙂b ab", [drops("ab"), drops("ab🙂")])
    assert [stream.unread for stream in comparison.present] == [1, 0]
    assert comparison.sentence().endswith("A could not read 1 piece; its smaller count is no saving")


def test_equal_counts_still_say_who_could_not_read() -> None:
    sentence = compare("one two", [knows("one"), knows("one", "two")]).sentence()
    assert sentence == (
        '1 of 2 blocks agrees; they differ at "two"; both use the same number of tokens; A could not read 1 piece'
    )


def test_what_truncation_removes_is_not_called_unread() -> None:
    options = EncodeOptions(truncation=True, max_length=2)
    comparison = compare("a b c", [drops("abc"), drops("abc")], options=options)
    assert [stream.unread for stream in comparison.present] == [0, 0]


def test_unknown_tokens_are_known_by_their_place() -> None:
    tokenizer = knows("one")
    (stream,) = compare("one two one three", [tokenizer]).present
    assert tokenizer.unknown_id is None  # the configuration does not name it, the vocabulary does
    assert stream.unknown_tokens == [1, 3]
    assert stream.unknown == 2
