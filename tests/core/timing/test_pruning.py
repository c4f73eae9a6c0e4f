"""Where only the fastest matters, what is slow does not eat minutes, and says why."""

from __future__ import annotations

from encoder_tui.core.timing.pruning import Pruning
from encoder_tui.engine.timing.rounds import Taken
from tests.engine.timing.test_rounds import Bench, steadily


def choose(*seconds: float, differences: tuple[str, ...] = ()) -> tuple[Bench, list[Taken]]:
    """Runners of so many seconds a pass; each differs from the first in the letters given, by default in one."""
    words = differences or ("", *"abcdef"[: len(seconds) - 1])
    bench = Bench(*map(steadily, seconds))
    return bench, bench.measure(0.0, 3, pruning=Pruning([frozenset(word) for word in words]))


def test_a_pass_of_three_times_the_fastest_is_broken_off() -> None:
    bench, (first, slow, fast) = choose(2.0, 100.0, 1.9)
    assert (slow.ended, slow.wall) == ("broken off", [])
    assert bench.models[1].passes == 1
    assert len(first.wall) == len(fast.wall) == 3
    # Two passes each of warm-up and settling, three samples, and what the slow one was allowed.
    assert bench.clock.now < 20 * 2.0


def test_the_limit_is_that_of_the_fastest_so_far_and_no_less_than_a_second() -> None:
    pruning = Pruning([frozenset(), frozenset("a"), frozenset("b")])
    assert pruning.allowed(0) is None
    pruning.note(0, 4.0)
    assert pruning.allowed(1) == 12.0
    pruning.note(1, 2.0)
    assert pruning.allowed(2) == 6.0
    pruning.note(2, 0.01)
    assert pruning.allowed(1) == 1.0
    assert pruning.allowed(0) is None


def test_what_is_no_contender_after_its_warm_up_gets_no_samples_and_says_how_slow_it_is() -> None:
    _, (first, slower, close) = choose(1.0, 2.5, 1.4)
    assert slower.wall == []
    assert slower.ended == "2.5 times as slow as the fastest in its warm-up (2.5 s)"
    assert slower.cold == 2.5
    assert len(first.wall) == len(close.wall) == 3
    assert close.ended is None


def test_what_is_in_force_is_measured_however_slow_it_is() -> None:
    _, (first, fast) = choose(50.0, 0.5)
    assert (first.ended, len(first.wall)) == (None, 3)
    assert len(fast.wall) >= 3


def test_what_is_slower_alone_is_not_tried_together_with_others() -> None:
    bench, taken = choose(1.0, 1.6, 0.5, 90.0, 0.7, 90.0, differences=("", "a", "b", "c", "ab", "bc"))
    assert [one.ended for one in taken[4:]] == ["not tried: a alone is slower", "not tried: c alone is slower"]
    assert [model.passes for model in bench.models[4:]] == [0, 0]
    assert bench.told[-1][0] in {0, 1, 2}


def test_what_is_faster_alone_is_tried_together_with_others() -> None:
    _, taken = choose(1.0, 0.9, 0.8, 0.7, differences=("", "a", "b", "ab"))
    assert [one.ended for one in taken] == [None] * 4


def test_without_choosing_everything_is_measured_to_its_end() -> None:
    bench = Bench(steadily(1.0), steadily(100.0))
    assert [len(one.wall) for one in bench.measure(0.0, 3)] == [3, 3]
