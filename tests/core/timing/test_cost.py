"""What documents cost, read off a curve."""

from __future__ import annotations

import pytest

from encoder_tui.core.documents.document import window_count
from encoder_tui.core.timing.cost import collection_costs, costs, seconds_at


def test_a_cost_between_two_lengths_lies_on_the_line_of_the_logarithms() -> None:
    curve = [(100.0, 1.0), (400.0, 4.0)]
    assert seconds_at(curve, 200) == pytest.approx(2.0)
    assert seconds_at(curve, 800) == pytest.approx(8.0)
    assert seconds_at(curve, 10) == 1.0
    assert [costs(tokens, 2, None, curve)[0].beyond for tokens in (10, 200, 800)] == [True, False, True]
    assert costs(10, 2, None, []) == []


@pytest.mark.parametrize(
    ("curve", "seconds"),
    [
        ([(16.0, 0.176), (32.0, 0.122)], 0.244),
        ([(16.0, 0.1), (32.0, 0.1)], 0.2),
        ([(31.0, 0.1), (32.0, 0.2)], 0.8),
        ([(32.0, 0.1)], 0.2),
    ],
)
def test_beyond_the_longest_a_pass_takes_longer_whatever_noise_says(
    curve: list[tuple[float, float]], seconds: float
) -> None:
    assert seconds_at(curve, 64) == pytest.approx(seconds)


def test_a_pass_that_is_far_longer_than_what_was_measured_has_no_figure() -> None:
    curve = [(16.0, 0.176), (32.0, 0.122)]
    (near,) = costs(128, 2, 8192, curve)
    assert near.seconds == pytest.approx(0.488)
    (far,) = costs(129, 2, 8192, curve)
    assert far.seconds is None
    assert far.words() == "whole (129 tokens): more than 4 × the longest measured"
    assert [cost.seconds for cost in costs(3803, 2, 512, curve)] == [None, None]
    assert [cost.seconds for cost in collection_costs({16: 9, 600: 1}, 2, 512, curve)] == [None, None]
    assert [cost.seconds for cost in collection_costs({16: 9, 600: 1}, 2, 8192, curve)] == [None]


def test_a_document_beyond_the_limit_is_cut_or_run_in_windows() -> None:
    curve = [(64.0, 0.0625), (512.0, 0.5), (2048.0, 4.0)]
    cut, split = costs(2671, 2, 512, curve)
    assert (cut.seconds, split.passes) == (0.5, window_count(2671, 512, 64, 2))
    left = 2671 - (split.passes - 1) * (510 - 64)
    assert split.seconds == pytest.approx(0.5 * (split.passes - 1) + 0.5 * left / 512)
    (whole,) = costs(1024, 2, 8192, curve)
    assert whole.how == "whole (1,024 tokens)"
    assert whole.seconds == pytest.approx(0.5 * 8**0.5)


def test_a_document_beyond_a_limit_that_is_no_window_is_cut_at_the_limit() -> None:
    curve = [(128.0, 0.1), (512.0, 0.4), (2048.0, 2.0), (8192.0, 12.0)]
    cut, split = costs(10_000, 2, 8192, curve)
    (cut_of_collection, _) = collection_costs({10_000: 1}, 2, 8192, curve)
    assert (cut.how, cut.seconds) == ("cut to 8,192 of 10,000 tokens", cut_of_collection.seconds)
    assert (split.how, split.passes) == ("in 23 windows", 23)


def test_a_collection_costs_the_mean_over_its_documents_and_not_that_of_a_mean_document() -> None:
    curve = [(16.0, 0.1), (512.0, 0.5), (2048.0, 8.0)]
    documents = {16: 1, 512: 2, 2048: 1}
    cut, split = collection_costs(documents, 2, 512, curve)
    assert (cut.how, cut.beyond) == ("cut to 512", False)
    assert cut.seconds == pytest.approx((0.1 + 3 * 0.5) / 4)
    parts = window_count(2048, 512, 64, 2)
    assert split.passes == pytest.approx((3 + parts) / 4)
    last = seconds_at(curve, 2048 - (parts - 1) * (510 - 64))
    assert split.seconds == pytest.approx((0.1 + 2 * 0.5 + (parts - 1) * 0.5 + last) / 4)
    (whole,) = collection_costs(documents, 2, 8192, curve)
    assert (whole.how, whole.beyond) == ("whole", False)
    assert whole.seconds == pytest.approx((0.1 + 2 * 0.5 + 8.0) / 4)
    assert whole.words() == "whole: 2.27 s, 1,582 an hour"
    assert collection_costs(documents, 2, 8192, curve[:2])[0].beyond
    assert collection_costs({}, 2, 512, curve) == collection_costs(documents, 2, 512, []) == []
    # Special tokens fill such windows.
    assert [cost.how for cost in collection_costs(documents, 2, 2, curve) + costs(9, 2, 2, curve)] == [
        "cut to 2",
        "cut to 2 of 9 tokens",
    ]


@pytest.mark.parametrize("tokens", [2, 511, 512, 513, 958, 959, 2671])
def test_windows_are_as_many_as_the_tokenizer_makes(tokens: int) -> None:
    body, stride, content = 510, 64, tokens - 2
    starts = [0]
    while starts[-1] + body < content:
        starts.append(starts[-1] + body - stride)
    assert window_count(tokens, 512, 64, 2) == len(starts)
