"""A document's cut, windows and boundaries; lengths of a collection; the card."""

from __future__ import annotations

import itertools
import os
import random
import statistics
from pathlib import Path
from typing import Any

import msgspec
import pytest

from encoder_tui.core.documents.document import DocumentTokens, lost, packed, unpacked, window_count
from encoder_tui.core.documents.lengths import (
    LONGEST,
    CollectionCounts,
    LengthCounts,
    card,
    load,
    reopen,
    save,
    summary,
)
from encoder_tui.core.text.numbers import share_percent


def words(count: int, special: int = 2, side: str = "right") -> DocumentTokens:
    """A document of words of three letters and a space; every word is a token."""
    return DocumentTokens([4 * i for i in range(count)], [4 * i + 3 for i in range(count)], special, side)


def counted(lengths: list[int], limit: int | None = 512, name: str = "short", special: int = 2) -> LengthCounts:
    counts = LengthCounts(name, special, limit)
    counts.add(lengths, 4 * sum(lengths))
    return counts


def test_a_document_within_the_limit_has_no_cut() -> None:
    assert words(10).cut(12) is None
    assert words(10).cut(None) is None
    assert words(10).cut(11) == 9 * 4 - 1


def test_a_limit_that_special_tokens_fill_shows_nothing() -> None:
    assert words(10).cut(2) == 0
    assert words(10).seen(2, 40) == (0, 0)
    assert words(10).cut(1) == 0


def test_truncation_on_the_left_loses_the_first_character_and_keeps_the_end() -> None:
    assert words(10, side="left").cut(7) == 0
    assert words(10, side="left").seen(7, 40) == (20, 40)


def test_the_share_lost_is_of_the_documents_own_tokens() -> None:
    assert words(100).lost(52) == 0.5
    assert words(100).lost(102) == 0
    assert lost(2, 512, 2) == 0
    assert lost(102, 1, 2) == 1


def test_windows_cover_everything_and_overlap_by_the_stride() -> None:
    for count in (0, 1, 9, 10, 11, 37, 100):
        for size, stride in ((12, 0), (12, 3), (12, 9)):
            windows = words(count).windows(size, stride)
            ranges = [windows.token_range(index) for index in range(len(windows))]
            assert len(windows) == window_count(count + 2, size, stride, 2)
            assert ranges[0][0] == 0
            assert ranges[-1][1] == count
            assert all(later[0] == earlier[1] - stride for earlier, later in itertools.pairwise(ranges))


def test_windows_that_cannot_move_are_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="no room beside 2 special tokens"):
        words(10).windows(2, 0)
    with pytest.raises(ValueError, match="overlap by 0 to 9 tokens, not by 10"):
        words(10).windows(12, 10)


def test_the_windows_that_hold_a_character() -> None:
    windows = words(100).windows(12, 5)
    assert windows.holding(0) == [0]
    assert windows.holding(4 * 6) == [0, 1]
    assert windows.holding(4 * 99) == [len(windows) - 1]


def test_boundaries_are_those_of_the_tokens_in_sight() -> None:
    assert list(words(100).boundaries(5, 13)) == [(4, 7), (8, 11), (12, 15)]
    assert list(words(100).boundaries(3, 4)) == []


def test_offsets_survive_the_pipe() -> None:
    assert list(unpacked(packed([0, 7, 2**31]))) == [0, 7, 2**31]


def test_shares_are_0_and_100_per_cent_only_where_they_are() -> None:
    assert [share_percent(share) for share in (0, 0.0001, 0.5, 0.9999, 1)] == [
        "0 %",
        "under 1 %",
        "50 %",
        "over 99 %",
        "100 %",
    ]


def test_quantiles_are_those_of_the_lengths_themselves() -> None:
    source = random.Random(4)
    for number in (1, 2, 3, 50, 101):
        lengths = [source.randint(2, 900) for _ in range(number)]
        counts = counted(lengths)
        assert counts.quantile(0.5) == pytest.approx(statistics.median(lengths))
        assert counts.quantile(0) == min(lengths)
        assert counts.quantile(1) == max(lengths) == counts.longest
        if number > 1:
            expected = statistics.quantiles(lengths, n=100, method="inclusive")[94]
            assert counts.quantile(0.95) == pytest.approx(expected)
        assert counts.mean == pytest.approx(statistics.mean(lengths))


def test_parts_of_a_collection_add_up_to_the_whole() -> None:
    lengths = [random.Random(5).randint(2, 3_000) for _ in range(300)]
    whole, parts = counted(lengths), counted(lengths[:100])
    parts.merge(counted(lengths[100:]))
    assert parts == whole


def test_what_lies_beyond_a_limit() -> None:
    counts = counted([102, 202, 302])
    assert counts.documents_beyond(202) == pytest.approx(1 / 3)
    assert counts.tokens_beyond(202) == pytest.approx(100 / 600)
    assert counts.tokens_beyond(302) == 0
    assert counts.windows(102, 0) == pytest.approx((1 + 2 + 3) / 3)


def test_counts_are_saved_and_reopened_as_they_were() -> None:
    counts = CollectionCounts("documents.jsonl", "text", [counted([2, 600, 600]), counted([2, 500], None, "long")])
    assert reopen(save(counts)) == counts
    for damaged in (b"", b"{}", b"[1]", save(counts)[:-9], save(counts).replace(b'"format": 1', b'"format": 9')):
        with pytest.raises(ValueError, match=r"these counts have format|does not hold counts"):
            reopen(damaged)


@pytest.mark.parametrize(
    "edited",
    [
        {"limit": 0},
        {"special": -1},
        {"special": 3},
        {"documents": {600: -1}},
        {"documents": {-600: 1}},
        {"documents": {600: 1 << 60}},
        {"documents": {1 << 60: 1}},
        {"characters": -1},
    ],
)
def test_counts_that_no_documents_have_are_not_reopened(edited: dict[str, Any]) -> None:
    model = msgspec.structs.replace(counted([2, 600, 600]), **edited)
    with pytest.raises(ValueError, match="does not hold counts"):
        reopen(save(CollectionCounts("documents.jsonl", "text", [model])))


@pytest.mark.parametrize("number", [0, 5])
def test_counts_of_no_model_or_of_too_many_are_not_reopened(number: int) -> None:
    with pytest.raises(ValueError, match="does not hold counts"):
        reopen(save(CollectionCounts("documents.jsonl", "text", [counted([2, 600])] * number)))


def test_counts_are_not_read_from_a_pipe_or_from_a_file_that_is_too_long(tmp_path: Path) -> None:
    pipe, long = tmp_path / "pipe", tmp_path / "long"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="it is not a regular file"):
        load(pipe)
    with long.open("wb") as file:
        file.truncate(LONGEST + 1)
    with pytest.raises(ValueError, match="too large to be a file of counts"):
        load(long)


def test_the_card_says_what_is_beyond_what_it_takes_and_what_is_still_cut() -> None:
    first, second, third = card([counted([512, 1022, 1022, 9000]), counted([512, 1022, 1022, 9000], 8192, "long")], 0)
    assert first == "short reads 512 tokens: 75 % of documents are longer; 82 % of all tokens are never seen."
    assert second == "To see it all, short needs 5.8 windows of 512 with a stride of 0 for an average document."
    assert third == "long with 8,192 still cuts 25 % of documents and loses 7 % of all tokens."


def test_the_card_of_documents_that_fit_says_so() -> None:
    first, second, third = card([counted([10, 20]), counted([9, 18], 8192, "long")], 64)
    assert first == "short reads 512 tokens, which covers all of 2 documents; the longest has 20."
    assert second == "No document needs a second window."
    assert third == "long needs the fewest tokens, 12 % fewer than the model that needs the most."


def test_there_is_no_card_and_no_division_by_nothing_before_anything_is_counted() -> None:
    nothing = LengthCounts("short", 2, 512)
    assert card([nothing], 64) == []
    figures = summary(CollectionCounts("x", "text", [nothing]), 64)
    assert figures["documents"] == 0
    assert figures["models"][0]["median"] == 0
