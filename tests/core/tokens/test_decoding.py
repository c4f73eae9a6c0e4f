"""What decoding lost, and what it put in its place."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from encoder_tui.core.tokens import decoding
from encoder_tui.core.tokens.alignment import Span
from encoder_tui.core.tokens.decoding import changes
from encoder_tui.core.tokens.exact_form import provisional
from encoder_tui.core.tokens.tokenizer import ModelTokenizer
from tests.support import tiny_tokenizers as tiny
from tests.support.texts import texts

UNCASED = ModelTokenizer(provisional(tiny.wordpiece(True).to_str(), {}))
BYTES = ModelTokenizer(provisional(tiny.byte_level(tiny.BERT_SPECIAL).to_str(), {}))


def without(text: str, spans: Sequence[Span]) -> str:
    """The text with the spans, which are ascending, not empty and apart, taken out."""
    kept, place = [], 0
    for start, end in spans:
        assert place <= start < end <= len(text)
        kept.append(text[place:start])
        place = end
    return "".join([*kept, text[place:]])


short = st.text(alphabet="ab c\n", max_size=12)


@settings(max_examples=300, deadline=None)
@given(st.one_of(short, st.text()), st.one_of(short, st.text()), st.integers(2, 12))
@example("", "", 2)
@example("a" * 300, "", 96)
@example("", "a" * 300, 96)
def test_what_is_left_of_both_is_the_same(text: str, decoded: str, window: int) -> None:
    lost, added = changes(text, decoded, window)
    assert without(text, lost) == without(decoded, added)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(alphabet="abcdef ", max_size=60), st.text(alphabet="xyz", max_size=9)), max_size=30))
def test_long_texts_with_pieces_replaced_are_told_apart(pieces: list[tuple[str, str]]) -> None:
    text = "".join(kept for kept, _ in pieces)
    decoded = "".join(kept + new for kept, new in pieces)
    lost, added = changes(text, decoded)
    assert without(text, lost) == without(decoded, added)


@pytest.mark.parametrize("model", [UNCASED, BYTES], ids=["uncased", "byte-level"])
def test_decoded_texts_are_told_apart_from_their_originals(model: ModelTokenizer) -> None:
    for text in texts():
        decoded = model.decode(model.encode([text])[0].ids, skip_special_tokens=True)
        lost, added = changes(text, decoded)
        assert without(text, lost) == without(decoded, added)


@pytest.mark.parametrize(
    ("text", "decoded", "lost", "added"),
    [
        ("same", "same", [], []),
        ("Word", "word", [(0, 1)], [(0, 1)]),
        ("café", "cafe", [(3, 4)], [(3, 4)]),
        ("don't", "don ' t", [], [(3, 4), (5, 6)]),
        ("a  b", "a b", [(2, 3)], []),
        ("text\n", "text", [(4, 5)], []),
        ("我们", "[UNK] 们", [(0, 1)], [(0, 6)]),
    ],
)
def test_changes_name_the_characters_that_did_not_survive(
    text: str, decoded: str, lost: list[Span], added: list[Span]
) -> None:
    assert changes(text, decoded) == (lost, added)


def test_one_lost_character_in_a_long_text_is_all_that_is_lost() -> None:
    text = "".join(texts())
    lost, added = changes(text, text[:9_000] + text[9_001:])
    assert [end - start for start, end in lost] == [1]
    assert added == []


KINDS = {
    "the same": lambda text: text,
    "lower case": str.lower,
    "nothing alike": lambda text: "\x00" * len(text),
    "twice as long": lambda text: "".join(letter * 2 for letter in text),
    "every third left out": lambda text: "".join(letter for index, letter in enumerate(text) if index % 3),
    "a space before each": lambda text: "".join(f" {letter}" for letter in text),
    "the first half lost": lambda text: text[len(text) // 2 :],
    "all lost": lambda text: "",
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_work_grows_with_the_length_only(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in comparisons of windows, each of which is bounded, and in searches for a common prefix."""
    done = {"windows": 0, "largest": 0, "prefixes": 0}
    common_prefix = decoding._common_prefix

    class Counting(difflib.SequenceMatcher[str]):
        def __init__(self, junk: None, a: str, b: str, autojunk: bool) -> None:
            done["windows"] += 1
            done["largest"] = max(done["largest"], len(a), len(b))
            super().__init__(junk, a, b, autojunk)

    def counting_prefix(first: str, i: int, second: str, j: int) -> int:
        done["prefixes"] += 1
        return common_prefix(first, i, second, j)

    monkeypatch.setattr(decoding, "SequenceMatcher", Counting)
    monkeypatch.setattr(decoding, "_common_prefix", counting_prefix)
    text = "The Quick Brown Fox jumps over the lazy dog, and the Dog does not mind. " * 40
    changes(text, KINDS[kind](text))
    first = dict(done)
    done.update(windows=0, prefixes=0)
    changes(text * 4, KINDS[kind](text * 4))
    assert done["largest"] <= 96
    assert done["windows"] <= 4 * first["windows"] + 8
    assert done["prefixes"] <= 4 * first["prefixes"] + 8
