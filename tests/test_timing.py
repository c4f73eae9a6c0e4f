"""What samples say, by hand-made examples."""

from __future__ import annotations

import pytest

from encoder_tui.outputs import Batch, Dimensions, memory_needed
from encoder_tui.placement import InForce
from encoder_tui.timing import (
    Point,
    Samples,
    Statistics,
    exponent,
    groups_of,
    growth_sentence,
    spread_sentence,
    statistics,
    time_record,
)

IN_FORCE = InForce("cpu", "float32", "sdpa", "random", 400)


def test_quantiles_are_interpolated_linearly() -> None:
    found = statistics([4.0, 1.0, 3.0, 2.0])
    assert found is not None
    assert (found.median, found.first_quartile, found.third_quartile) == (2.5, 1.75, 3.25)
    assert found.p90 == pytest.approx(3.7)
    assert found.iqr == 1.5
    assert found.spread == pytest.approx(0.6)


def test_one_sample_is_its_own_median_and_has_no_spread() -> None:
    found = statistics([2.0])
    assert found == Statistics(2.0, 2.0, 2.0, 2.0)
    assert found.iqr == found.spread == 0


def test_no_samples_say_nothing() -> None:
    assert statistics([]) is None


@pytest.mark.parametrize(("samples", "is_wide"), [([1.0, 1.0, 1.09, 1.09], False), ([1.0, 1.0, 1.12, 1.12], True)])
def test_a_spread_above_a_tenth_of_the_median_is_told(samples: list[float], is_wide: bool) -> None:
    found = statistics(samples)
    assert found is not None
    assert found.is_wide is is_wide
    assert (spread_sentence("BERT", 512, found) is not None) is is_wide


def test_the_exponent_is_the_slope_between_logarithms() -> None:
    assert exponent([(128, 0.1), (256, 0.2), (512, 0.4)]) == pytest.approx(1.0)
    assert exponent([(100, 1.0), (1000, 100.0)]) == pytest.approx(2.0)
    assert exponent([(128, 0.3), (512, 0.3)]) == pytest.approx(0.0)


@pytest.mark.parametrize("points", [[], [(128, 0.1)], [(128, 0.1), (128, 0.2)], [(128, 0.0), (512, 0.1)]])
def test_too_few_lengths_have_no_exponent(points: list[tuple[float, float]]) -> None:
    assert exponent(points) is None
    assert growth_sentence("BERT", points) is None


def test_growth_is_told_in_words() -> None:
    told = growth_sentence("BERT", [(2048, 1.6), (512, 0.1)])
    assert told == (
        "BERT: from 512 to 2,048 tokens a pass takes 16.0 times as long; it grows with the length to the power of 2.00"
    )


def test_a_length_past_a_limit_is_skipped_with_the_reason() -> None:
    groups, skipped = groups_of([512, 8192, None], [512, 1024, 16384], 2)
    assert [[(point.variant, point.length) for point in group] for group in groups] == [
        [(0, 512), (1, 512), (2, 512)],
        [(1, 1024), (2, 1024)],
        [(2, 16384)],
    ]
    assert all(point.batch == 2 for group in groups for point in group)
    assert [(one.point.variant, one.point.length) for one in skipped] == [(0, 1024), (0, 16384), (1, 16384)]
    assert skipped[0].ended == "1,024 tokens are more than the 512 that it takes"


def test_a_group_that_no_model_takes_is_none() -> None:
    groups, skipped = groups_of([16], [32], 1)
    assert groups == []
    assert len(skipped) == 1


def test_tokens_a_second_are_real_ones() -> None:
    assert Point(0, 128, 4).real_tokens == 512
    assert Point(0, 128, 2, [128, 16]).real_tokens == 144
    given = Batch([[1, 2, 0], [1, 2, 3]], [[1, 1, 0], [1, 1, 1]])
    assert Point(0, 3, 2, given=given).real_tokens == 5


def test_a_measured_point_is_printed_with_everything_in_force() -> None:
    samples = Samples(Point(0, 100, 2), IN_FORCE, 3.0, [0.5, 0.5, 0.5], [1.0, 1.0, 1.2], peak_memory_bytes=77)
    assert time_record("m", samples) == {
        "model": "m",
        "device": "cpu",
        "dtype": "float32",
        "attention": "sdpa",
        "batch": 2,
        "length": 100,
        "weights": "random",
        "cold_s": 3.0,
        "samples_s": [0.5, 0.5, 0.5],
        "median_s": 0.5,
        "iqr_s": 0.0,
        "tokens_per_s": 400.0,
        "peak_memory_bytes": 77,
        "cpu_s": 1.0,
    }


def test_a_point_without_samples_is_printed_with_the_reason() -> None:
    record = time_record("m", Samples(Point(0, 1024, 1), ended="too long"))
    assert record == {"model": "m", "batch": 1, "length": 1024, "skipped": "too long"}
    assert time_record("m", Samples(Point(0, 8), IN_FORCE))["skipped"] == "the measurement was broken off"


MODERNBERT = Dimensions(layers=22, heads=12, hidden=768, intermediate=1152)


def test_all_attentions_of_8192_tokens_take_about_70_gigabytes() -> None:
    needed = memory_needed(MODERNBERT, 1, 8192, 4, eager=True, attentions=True)
    assert 70e9 < needed < 80e9


def test_the_estimate_of_a_pass_leaves_attention_out_unless_it_is_eager() -> None:
    plain = memory_needed(MODERNBERT, 1, 8192, 4, eager=False)
    assert plain < 1e9
    assert memory_needed(MODERNBERT, 1, 8192, 4, eager=True) - plain == 2 * 12 * 8192**2 * 4
    assert memory_needed(MODERNBERT, 1, 8192, 4, eager=False, hidden_states=True) - plain == 23 * 8192 * 768 * 4
