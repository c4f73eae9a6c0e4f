"""Blocks: where streams of tokens over one text meet."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from encoder_tui.core.tokens.alignment import Alignment, Span, block_ends
from encoder_tui.core.tokens.exact_form import provisional
from encoder_tui.core.tokens.tokenizer import ModelTokenizer, align
from tests.support import tiny_tokenizers as tiny
from tests.support.texts import NOTEBOOK_SENTENCE, texts


def plain(text: str, *streams: Sequence[Span]) -> Alignment:
    """An alignment of streams without special tokens."""
    return Alignment(text, streams, [[0] * len(stream) for stream in streams])


def spans(alignment: Alignment) -> list[Span]:
    return [(block.start, block.end) for block in alignment]


def defined_ends(length: int, streams: Sequence[Sequence[Span]]) -> list[int]:
    """The definition, place by place: an end is where some token ends and none is cut; the rest joins the last."""
    tokens = [span for stream in streams for span in stream]
    ends = [
        place
        for place in range(1, length + 1)
        if any(end == place for _, end in tokens) and not any(start < place < end for start, end in tokens)
    ]
    return [*ends[:-1], length] if ends else [length]


def defined_agreement(alignment: Alignment, index: int) -> bool:
    """The definition: every stream's tokens in the block cover the same characters, white space left out."""
    block = alignment[index]

    def characters(start: int, end: int) -> Span:
        kept = [place for place in range(start, end) if not alignment.text[place].isspace()]
        return (kept[0], kept[-1] + 1) if kept else (end, end)

    covered = [
        [characters(*alignment.streams[stream][token]) for token in tokens]
        for stream, tokens in enumerate(block.tokens)
    ]
    return all(tokens == covered[0] for tokens in covered)


def check(alignment: Alignment, special: Sequence[Sequence[int]]) -> None:
    """Everything that holds for any alignment."""
    text, streams = alignment.text, alignment.streams
    blocks = list(alignment)
    assert "".join(text[block.start : block.end] for block in blocks) == text
    assert [block.start for block in blocks] == [0, *[block.end for block in blocks[:-1]]]
    assert all(block.start < block.end for block in blocks) or len(blocks) == 1
    for stream, (tokens, mask) in enumerate(zip(streams, special, strict=True)):
        kept = [index for index, is_special in enumerate(mask) if not is_special]
        placed = [index for block in blocks for index in block.tokens[stream]]
        assert sorted(placed) == kept
        for block in blocks:
            for index in block.tokens[stream]:
                start, end = tokens[index]
                assert block.start <= start <= end <= block.end
    kept_spans = [
        [span for span, is_special in zip(tokens, mask, strict=True) if not is_special]
        for tokens, mask in zip(streams, special, strict=True)
    ]
    assert [block.end for block in blocks] == defined_ends(len(text), kept_spans)
    agreeing = [defined_agreement(alignment, index) for index in range(len(blocks))]
    assert [alignment.agrees(index) for index in range(len(blocks))] == agreeing
    expected = [] if len(streams) < 2 else [index for index, same in enumerate(agreeing) if not same]
    assert alignment.differing() == expected


@st.composite
def streams_of(draw: st.DrawFn, length: int) -> tuple[list[Span], list[int]]:
    """Spans as tokenizers give them: ascending, with gaps, repeated, empty, or overlapping; some special."""
    cuts = sorted(draw(st.lists(st.integers(0, length), max_size=12)))
    tokens: list[Span] = []
    for start, end in pairwise(cuts):
        kind = draw(st.sampled_from(["token", "token", "token", "gap", "repeated", "empty", "overlapping", "nowhere"]))
        if kind == "token":
            tokens.append((start, end))
        elif kind == "repeated":
            tokens += [(start, end)] * draw(st.integers(2, 4))
        elif kind == "empty":
            tokens.append((start, start))
        elif kind == "overlapping":
            tokens += [(start, end), (draw(st.integers(start, end)), end)]
        elif kind == "nowhere":
            tokens.append((0, 0))
    special = draw(st.lists(st.integers(0, 5), min_size=len(tokens), max_size=len(tokens)))
    return tokens, [1 if number == 0 else 0 for number in special]


class Case(NamedTuple):
    text: str
    streams: list[tuple[list[Span], list[int]]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    text = draw(st.text(alphabet="ab \n😀", max_size=14))
    return Case(text, draw(st.lists(streams_of(len(text)), min_size=1, max_size=4)))


@settings(max_examples=400, deadline=None)
@example(Case("\0a", [([(0, 2)], [0]), ([(1, 2)], [0])]))
@example(Case("abcde", [([(0, 5)], [0]), ([(0, 3)], [0])]))
@given(cases())
def test_blocks_are_the_finest_cut_that_cuts_no_token(case: Case) -> None:
    masks = [mask for _, mask in case.streams]
    check(Alignment(case.text, [tokens for tokens, _ in case.streams], masks), masks)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_ends_are_where_the_definition_puts_them(data: st.DataObject) -> None:
    length = data.draw(st.integers(0, 12))
    span = st.tuples(st.integers(0, length), st.integers(0, length)).map(lambda pair: (min(pair), max(pair)))
    streams = data.draw(st.lists(st.lists(span, max_size=8), max_size=4))
    assert block_ends(length, streams) == defined_ends(length, streams)


TOKENIZERS = {
    "WordPiece": tiny.wordpiece(False),
    "byte-level": tiny.byte_level(tiny.BERT_SPECIAL),
    "byte-level, untrimmed": tiny.byte_level(tiny.ROBERTA_SPECIAL, prefix_space=True, trim_offsets=False),
    "Unigram": tiny.unigram(tiny.ROBERTA_SPECIAL, "<s>", "</s>", 2),
    "byte fallback": tiny.byte_fallback(),
    "stretching": tiny.stretching(),
    "words": tiny.words(),
}
MODELS = {name: ModelTokenizer(provisional(tokenizer.to_str(), {})) for name, tokenizer in TOKENIZERS.items()}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    text=st.one_of(st.text(max_size=30), st.sampled_from(texts()).map(lambda text: text[:60])),
    names=st.lists(st.sampled_from(sorted(MODELS)), min_size=1, max_size=4),
    pair=st.one_of(st.none(), st.just("a second text")),
)
def test_real_tokenizers_are_aligned_too(text: str, names: list[str], pair: str | None) -> None:
    encodings = [MODELS[name].encode([text], pair)[0] for name in names]
    check(align(text, encodings), [encoding.first_text_mask() for encoding in encodings])


@pytest.fixture(scope="module")
def notebook(reference_models: tuple[Path, Path]) -> tuple[Alignment, list[list[str]]]:
    """The notebook's sentence under the two reference models, with their tokens."""
    models = [
        ModelTokenizer(provisional((path / "tokenizer.json").read_text(encoding="utf-8"), {}))
        for path in reference_models
    ]
    encodings = [model.encode([NOTEBOOK_SENTENCE])[0] for model in models]
    return align(NOTEBOOK_SENTENCE, encodings), [encoding.tokens for encoding in encodings]


def test_the_notebooks_sentence_has_eleven_blocks_of_which_seven_agree(
    notebook: tuple[Alignment, list[list[str]]],
) -> None:
    alignment, _ = notebook
    assert len(alignment) == 11
    assert len(alignment.differing()) == 4
    differing = [NOTEBOOK_SENTENCE[slice(*alignment[index][:2])].strip() for index in alignment.differing()]
    assert differing == ["MIDS", "266", "'s", "NLP"]


def test_the_block_mids_holds_two_pieces_of_each_model(notebook: tuple[Alignment, list[list[str]]]) -> None:
    alignment, tokens = notebook
    block = alignment[alignment.block_at(9)]
    assert (block.start, block.end) == (7, 12)
    held = [[tokens[stream][index] for index in indices] for stream, indices in enumerate(block.tokens)]
    assert held == [["MI", "##DS"], ["ĠM", "IDS"]]


def test_the_bytes_of_one_character_stay_together() -> None:
    model = MODELS["byte-level"]
    encoding = model.encode(["a😀b"])[0]
    alignment = align("a😀b", [encoding, MODELS["words"].encode(["a😀b"])[0]])
    assert encoding.tokens[2:6] == ["ð", "Ł", "ĺ", "Ģ"]
    assert spans(align("a😀b", [encoding])) == [(0, 1), (1, 2), (2, 3)]
    assert align("a😀b", [encoding])[1].tokens == ((2, 3, 4, 5),)
    assert spans(alignment) == [(0, 1), (1, 2), (2, 3)]


def test_every_chinese_character_is_a_block_where_both_models_cut_there() -> None:
    text = "饕餮鬯"
    encodings = [MODELS[name].encode([text])[0] for name in ("WordPiece", "byte-level")]
    assert [len(encoding) - 2 for encoding in encodings] == [3, 9]
    alignment = align(text, encodings)
    assert spans(alignment) == [(0, 1), (1, 2), (2, 3)]
    assert alignment[1].tokens == ((2,), (4, 5, 6))


@pytest.mark.parametrize("text", ["", "   "])
def test_a_text_without_tokens_is_one_block(text: str) -> None:
    alignment = align(text, [MODELS["WordPiece"].encode([text])[0], MODELS["words"].encode([text])[0]])
    assert list(alignment) == [(0, len(text), ((), ()))]
    assert alignment.differing() == []
    assert alignment.block_at(0) == alignment.block_at(99) == 0


def test_spaces_that_only_one_model_keeps_are_blocks_that_differ() -> None:
    alignment = align("   ", [MODELS["WordPiece"].encode(["   "])[0], MODELS["byte-level"].encode(["   "])[0]])
    assert spans(alignment) == [(0, 1), (1, 2), (2, 3)]
    assert alignment.differing() == [0, 1, 2]


def test_what_follows_the_last_token_joins_the_last_block() -> None:
    assert spans(plain("one two \n", [(0, 3), (4, 7)])) == [(0, 3), (3, 9)]


def test_a_token_without_characters_stands_beside_its_neighbours() -> None:
    alignment = plain("abcd", [(0, 2), (2, 2), (2, 4)], [(0, 2), (2, 4)])
    assert alignment[0].tokens == ((0, 1), (0,))
    assert alignment[1].tokens == ((2,), (1,))


def test_a_token_with_the_span_of_nothing_in_the_middle_of_a_text_goes_to_the_first_block() -> None:
    alignment = plain("abcdef", [(0, 2), (0, 0), (2, 4), (4, 6)])
    assert [block.tokens for block in alignment] == [((0, 1),), ((2,),), ((3,),)]


def test_characters_that_one_model_drops_make_their_block_differ() -> None:
    alignment = plain("\0word", [(0, 5)], [(1, 5)])
    assert alignment.differing() == [0]
    assert not alignment.agrees(0)


def test_the_space_before_a_word_does_not_matter_whose_it_is() -> None:
    assert plain("one  two", [(0, 3), (5, 8)], [(0, 3), (3, 8)], [(0, 3), (4, 8)]).differing() == []


def test_one_stream_alone_never_differs() -> None:
    assert plain("one two", [(0, 3), (3, 7)]).differing() == []


def test_special_tokens_are_in_no_block() -> None:
    encoding = MODELS["WordPiece"].encode(["a"])[0]
    assert encoding.tokens == ["[CLS]", "a", "[SEP]"]
    assert list(align("a", [encoding])) == [(0, 1, ((1,),))]


def test_four_streams_meet_where_all_of_them_meet() -> None:
    streams = [[(0, 6)], [(0, 2), (2, 6)], [(0, 2), (2, 4), (4, 6)], [(0, 1), (1, 6)]]
    assert spans(plain("abcdef", *streams)) == [(0, 6)]
    assert plain("abcdef", *streams)[0].tokens == ((0,), (0, 1), (0, 1, 2), (0, 1))


def test_a_block_outside_the_text_is_an_index_error() -> None:
    alignment = plain("ab", [(0, 1), (1, 2)])
    for index in (-1, 2):
        with pytest.raises(IndexError):
            alignment[index]
