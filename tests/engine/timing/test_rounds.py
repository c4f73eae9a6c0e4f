"""Samples are taken as they should be, seen on a clock that only made-up models move."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from encoder_tui.core.timing.pruning import Pruning
from encoder_tui.engine.timing.rounds import BLOCK, ROUNDS, Ended, Taken, Wishes, take_samples


class FakeClock:
    """A clock that stands still unless it is moved; the processor works twice as long as the wall says."""

    def __init__(self) -> None:
        self.now = 0.0

    def wall(self) -> float:
        return self.now

    def cpu(self) -> float:
        return 2 * self.now


class FakeModel:
    """A model whose n-th pass takes `seconds(n)`; it writes what is done with it into a journal."""

    def __init__(self, name: str, clock: FakeClock, seconds: Callable[[int], float], journal: list[str]) -> None:
        self.name = name
        self.passes = 0
        self.marks: list[float] = []
        self.has_clock = False
        self.allowed: float | None = None
        self._clock = clock
        self._seconds = seconds
        self._journal = journal

    def prepare(self) -> None:
        self._journal.append(f"{self.name} prepares")

    def run(self) -> None:
        seconds = self._seconds(self.passes)
        self.passes += 1
        if self.allowed is not None and seconds > self.allowed:
            self._clock.now += self.allowed
            raise Ended("broken off")
        self._clock.now += seconds

    def allow(self, seconds: float | None) -> None:
        self.allowed = seconds

    def finish(self) -> None:
        pass

    def mark(self) -> None:
        self.marks = [*self.marks[-1:], self._clock.now]

    def device_seconds(self) -> float | None:
        """A device that is busy for half of the time."""
        return (self.marks[1] - self.marks[0]) / 2 if self.has_clock else None

    def reset_peak(self) -> None:
        self._journal.append(f"{self.name} resets")

    def read_peak(self) -> None:
        self._journal.append(f"{self.name} reads after {self.passes}")


class Bench:
    """Made-up models and what was done with them."""

    def __init__(self, *seconds: Callable[[int], float]) -> None:
        self.clock = FakeClock()
        self.journal: list[str] = []
        self.models = [
            FakeModel(name, self.clock, each, self.journal) for name, each in zip("ABCDEF", seconds, strict=False)
        ]
        self.told: list[tuple[int, int]] = []

    def measure(
        self,
        min_time: float = 1.0,
        min_samples: int = 5,
        between: Callable[[], None] = lambda: None,
        pruning: Pruning | None = None,
    ) -> list[Taken]:
        def told(index: int, taken: Taken) -> None:
            self.told.append((index, len(taken.wall)))

        wishes = Wishes(min_time, min_samples)
        return take_samples(self.models, wishes, self.clock, between, told, pruning=pruning)


def steadily(seconds: float) -> Callable[[int], float]:
    return lambda number: seconds


def test_the_cold_pass_is_told_apart_and_no_sample_holds_it() -> None:
    (taken,) = Bench(lambda number: 5.0 if number == 0 else 0.1).measure()
    assert taken.cold == 5.0
    assert taken.wall == pytest.approx([0.1] * len(taken.wall))


def test_the_warm_up_goes_on_until_three_passes_are_alike() -> None:
    slowing = [9.0, 0.4, 0.3, 0.2, 0.10, 0.105, 0.10]
    bench = Bench(lambda number: slowing[number] if number < len(slowing) else 0.1)
    (taken,) = bench.measure(min_time=2.0)
    assert taken.warm_up == 6
    assert max(taken.wall) == pytest.approx(0.1)
    assert "A reads after 7" in bench.journal


def test_a_model_that_never_gets_steady_is_measured_all_the_same() -> None:
    (taken,) = Bench(lambda number: 0.1 if number % 2 else 0.3).measure()
    assert 5 <= taken.warm_up <= 6
    assert taken.finished


def test_a_sample_takes_long_enough_for_the_clock() -> None:
    fast, slow = Bench(steadily(0.0001), steadily(0.02)).measure()
    assert fast.calls * 0.0001 >= BLOCK
    assert fast.wall == pytest.approx([0.0001] * len(fast.wall))
    assert slow.calls == 1


def test_seconds_of_the_processor_are_those_of_one_pass_too() -> None:
    (taken,) = Bench(steadily(0.001)).measure()
    assert taken.cpu == pytest.approx([0.002] * len(taken.wall))


def test_seconds_of_a_device_that_has_a_clock_stand_beside_those_of_the_wall() -> None:
    bench = Bench(steadily(0.001), steadily(0.001))
    bench.models[1].has_clock = True
    without, with_clock = bench.measure()
    assert without.device == []
    assert with_clock.device == pytest.approx([0.0005] * len(with_clock.wall))


def test_models_take_turns_in_alternating_order() -> None:
    bench = Bench(steadily(0.125), steadily(0.125))
    bench.measure(min_time=1.25)
    turns = [index for index, samples in bench.told if samples]
    assert turns[:8] == [0, 1, 1, 0, 0, 1, 1, 0]
    assert len(turns) == 2 * ROUNDS


def test_what_a_turn_begins_with_is_not_counted_where_models_take_turns() -> None:
    bench = Bench(steadily(0.125), steadily(0.125))
    first, _ = bench.measure(min_time=1.25)
    assert bench.models[0].passes == 1 + first.warm_up + ROUNDS + len(first.wall)
    alone = Bench(steadily(0.125))
    (taken,) = alone.measure(min_time=1.25)
    assert alone.models[0].passes == 1 + taken.warm_up + len(taken.wall)


@pytest.mark.parametrize(("min_time", "min_samples"), [(2.0, 5), (0.0, 7), (0.5, 40)])
def test_every_model_gets_its_time_and_its_samples(min_time: float, min_samples: int) -> None:
    for taken in Bench(steadily(0.03), steadily(1.5)).measure(min_time, min_samples):
        assert taken.finished
        assert len(taken.wall) >= min_samples
        assert sum(taken.wall) * taken.calls >= min_time - 1e-9


def test_a_model_that_ends_leaves_the_others_and_keeps_its_samples() -> None:
    def failing(number: int) -> float:
        if number == 8:
            raise Ended("out of memory")
        return 0.1

    first, second = Bench(failing, steadily(0.1)).measure(min_samples=50)
    assert (first.ended, first.finished) == ("out of memory", False)
    assert len(first.wall) > 0
    assert (second.ended, second.finished) == (None, True)


def test_a_model_that_ends_in_its_first_pass_has_no_samples() -> None:
    def failing(number: int) -> float:
        raise Ended("out of memory")

    first, second = Bench(failing, steadily(0.1)).measure()
    assert (first.cold, first.wall, first.ended) == (None, [], "out of memory")
    assert second.finished


def test_breaking_off_between_samples_leaves_what_was_told() -> None:
    class Enough(Exception):
        pass

    bench = Bench(steadily(0.1))

    def between() -> None:
        if bench.models[0].passes > 9:
            raise Enough

    with pytest.raises(Enough):
        bench.measure(between=between)
    assert bench.told[-1][1] >= 4


def test_a_clock_that_stands_still_ends_too() -> None:
    (taken,) = Bench(steadily(0.0)).measure(min_time=0.0)
    assert taken.finished
    assert set(taken.wall) == {0.0}


def test_memory_is_watched_from_the_cold_pass_to_the_end_of_the_warm_up() -> None:
    bench = Bench(steadily(0.1), steadily(0.1))
    bench.measure()
    assert bench.journal[:6] == [
        "A prepares",
        "A resets",
        "A reads after 4",
        "B prepares",
        "B resets",
        "B reads after 4",
    ]
