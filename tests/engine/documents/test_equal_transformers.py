"""Cuts and windows fall where `AutoTokenizer` truncates and where its overflowing windows lie."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from encoder_tui.core.documents.document import DocumentTokens
from encoder_tui.core.tokens.alignment import Span
from encoder_tui.core.tokens.tokenizer import ModelTokenizer, without_surrogates
from encoder_tui.engine.documents.counting import count_batch, cut_batch, document_tokens
from encoder_tui.engine.operations.tokenizer import form_of
from tests.support.model_directories import all_directories
from tests.support.texts import texts

DIRECTORIES = all_directories()
LIMITS = (9, 64)
WINDOWS = ((20, 7),)


def documents() -> list[str]:
    """Several hundred documents: emoji, CJK, tabs, CRLF, very long words, alone and run together."""
    source = random.Random(512)
    alone = [without_surrogates(text) for text in texts(240)]
    together = [
        source.choice([" ", "\n", "\r\n", "\t", "", "\n\n"]).join(source.sample(alone, source.randint(3, 12)))
        for _ in range(120)
    ]
    return [*alone, *together, "x" * 3_000, "😀" * 400, "我们 " * 200, "a\tb\r\n" * 200, "word " * 600]


DOCUMENTS = documents()


class Both(NamedTuple):
    theirs: Any
    ours: ModelTokenizer
    tokens: list[DocumentTokens]


@pytest.fixture(scope="module", params=DIRECTORIES)
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Both:
    from transformers import AutoTokenizer

    directory: Path = DIRECTORIES[request.param](tmp_path_factory.mktemp("models"))
    ours = ModelTokenizer(form_of(AutoTokenizer.from_pretrained(directory), request.param))
    theirs = AutoTokenizer.from_pretrained(directory)
    return Both(theirs, ours, [document_tokens(ours, text) for text in DOCUMENTS])


def own_spans(encoded: Any, index: int) -> list[Span]:
    """The spans of the tokens that are of the text, not special."""
    special = encoded["special_tokens_mask"][index]
    ids = encoded.sequence_ids(index)
    return [
        tuple(span)  # type: ignore[misc]
        for span, is_special, sequence in zip(encoded["offset_mapping"][index], special, ids, strict=True)
        if not is_special and sequence == 0
    ]


def encoded(both: Both, texts: list[str], **settings: Any) -> Any:
    return both.theirs(texts, return_offsets_mapping=True, return_special_tokens_mask=True, padding=False, **settings)


def test_the_cut_is_the_end_of_the_last_token_that_truncation_keeps(both: Both) -> None:
    lengths = [len(ids) for ids in both.theirs(DOCUMENTS, padding=False)["input_ids"]]
    assert [tokens.total for tokens in both.tokens] == lengths
    assert count_batch(both.ours, DOCUMENTS) == lengths
    for limit in LIMITS:
        if limit < both.tokens[0].special:
            continue
        kept = encoded(both, DOCUMENTS, truncation=True, max_length=limit)
        cuts = cut_batch(both.ours, DOCUMENTS, limit)
        for index, (tokens, length) in enumerate(zip(both.tokens, lengths, strict=True)):
            spans = own_spans(kept, index)
            if length <= limit:
                expected = None
            elif both.theirs.truncation_side == "left":
                expected = 0
            else:
                expected = spans[-1][1] if spans else 0
            assert tokens.cut(limit) == expected
            assert cuts[index] == (length, expected)
            whole = len(DOCUMENTS[index])
            if expected is not None and both.theirs.truncation_side == "left" and spans:
                assert tokens.seen(limit, whole) == (spans[0][0], whole)


def test_without_a_max_length_the_cut_is_that_of_the_tokenizers_own_length(both: Both) -> None:
    limit = both.ours.form.model_max_length
    if limit is None or both.theirs.truncation_side == "left":
        pytest.skip("this tokenizer states no length, or truncates on the left")
    kept = encoded(both, DOCUMENTS, truncation=True)
    long = [index for index, tokens in enumerate(both.tokens) if tokens.total > limit]
    assert long or limit > 600
    for index in long:
        assert both.tokens[index].cut(limit) == own_spans(kept, index)[-1][1]


def test_windows_are_the_overflowing_ones(both: Both) -> None:
    texts = DOCUMENTS[::3]
    for size, stride in WINDOWS:
        if stride >= size - both.tokens[0].special:
            continue
        windows = encoded(both, texts, truncation=True, max_length=size, stride=stride, return_overflowing_tokens=True)
        theirs: list[list[Span]] = [[] for _ in texts]
        processed = [0] * len(texts)
        for index, document in enumerate(windows["overflow_to_sample_mapping"]):
            spans = own_spans(windows, index)
            theirs[document].append((spans[0][0], spans[-1][1]) if spans else (0, 0))
            processed[document] += len(windows["input_ids"][index])
        for text, tokens, expected, total in zip(texts, both.tokens[::3], theirs, processed, strict=True):
            ours = tokens.windows(size, stride)
            assert [without_space(text, span) for span in ours] == [without_space(text, span) for span in expected]
            assert ours.processed == total


def without_space(text: str, span: Span) -> Span:
    """A span without the white space at its beginning.

    With `add_prefix_space` and `trim_offsets`, RoBERTa's kind leaves a space in the first token of every window,
    where the same token has none in the document as a whole.
    """
    start, end = span
    inside = text[start:end]
    return (start + len(inside) - len(inside.lstrip()), end) if inside.strip() else (0, 0)
