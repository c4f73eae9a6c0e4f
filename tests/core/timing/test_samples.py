"""What samples say, by hand-made examples."""

from __future__ import annotations

import pytest

from encoder_tui.core.models.placement import InForce
from encoder_tui.core.outputs.runs import Batch, Dimensions, memory_needed
from encoder_tui.core.timing.samples import (
    DeviceState,
    Mode,
    Point,
    Samples,
    Statistics,
    exponent,
    statistics,
    time_record,
)
from encoder_tui.core.timing.words import spread_sentence

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


def test_what_was_asked_for_beyond_the_placement_has_keys_of_its_own() -> None:
    samples = Samples(Point(0, 8), IN_FORCE, 1.0, [0.5], device_samples_s=[0.25], mode=Mode(compiled=True))
    record = time_record("m", samples)
    assert (record["device_s"], record["compiled"]) == (0.25, True)
    assert not {"tf32", "unpadded"} & record.keys()


def test_the_state_of_a_device_is_told_as_far_as_it_is_known() -> None:
    state = DeviceState(71.2, 300.0, 1410, None, None, ["temperature"], 1, 2_000_000_000)
    assert state.words() == ["71 of 300 W", "1,410 MHz", "throttled (temperature)", "1 other process on it with 2.0 GB"]
    assert DeviceState(processes=0).words() == []


def test_a_point_without_samples_is_printed_with_the_reason() -> None:
    record = time_record("m", Samples(Point(0, 1024, 1), ended="too long"))
    assert record == {"model": "m", "batch": 1, "length": 1024, "skipped": "too long"}
    assert time_record("m", Samples(Point(0, 8), IN_FORCE))["skipped"] == "the measurement was interrupted"


MODERNBERT = Dimensions(layers=22, heads=12, hidden=768, intermediate=1152)


def test_all_attentions_of_8192_tokens_take_about_70_gigabytes() -> None:
    needed = memory_needed(MODERNBERT, 1, 8192, 4, eager=True, attentions=True)
    assert 70e9 < needed < 80e9


def test_the_estimate_of_a_pass_leaves_attention_out_unless_it_is_eager() -> None:
    plain = memory_needed(MODERNBERT, 1, 8192, 4, eager=False)
    assert plain < 1e9
    assert memory_needed(MODERNBERT, 1, 8192, 4, eager=True) - plain == 2 * 12 * 8192**2 * 4
    assert memory_needed(MODERNBERT, 1, 8192, 4, eager=False, hidden_states=True) - plain == 23 * 8192 * 768 * 4
