"""Take samples: the cold pass, the warm-up, and rounds in which models take turns.

This is plain Python over a runner and a clock, so tests can use invented ones.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from encoder_tui.core.timing.pruning import Pruning

BLOCK: Final = 0.005
"""The minimum seconds of a sample: some ten thousand times as long as reading the clock."""
ROUNDS: Final = 5
"""How many turns of each model share the minimum time."""
STEADY: Final = 0.10
"""Warm-up passes that differ by no more than this share are steady."""
STEADY_PASSES: Final = 3
WARM_UP_TIME: Final = 1.0
"""Seconds of warm-up after which an unsteady machine is measured as it is."""
SETTLING_PASS: Final = 0.5
"""A turn begins with a pass that does not count, because the caches hold another model's weights; a pass longer than
this many seconds is not preceded by one.
"""


class Runner(Protocol):
    """A model with its input."""

    def prepare(self) -> None:
        """Apply the settings; not measured."""

    def run(self) -> None:
        """Run one pass; it is finished when `finish` returns."""

    def finish(self) -> None:
        """Wait until the device has finished."""

    def mark(self) -> None:
        """Let the device record its own time when it gets here, without waiting for it."""

    def device_seconds(self) -> float | None:
        """Return the seconds between the last two marks by the device's own clock; None if it has none."""

    def reset_peak(self) -> None:
        """Restart the memory peak."""

    def read_peak(self) -> None:
        """Record the most memory used since `reset_peak`."""

    def allow(self, seconds: float | None) -> None:
        """Limit the seconds of a pass; a longer pass ends the point. None for no limit."""


class Clock(Protocol):
    """A wall clock and a processor clock, in seconds."""

    def wall(self) -> float:
        """Return the time of the wall clock."""

    def cpu(self) -> float:
        """Return the processor time of this process, over all threads."""


class SystemClock:
    """The most precise clocks of Python."""

    def wall(self) -> float:
        return time.perf_counter()

    def cpu(self) -> float:
        return time.process_time()


class Ended(Exception):
    """Raised by a runner whose point cannot continue; the message is the reason."""


@dataclass
class Taken:
    """The samples of one runner, in seconds per pass; `fastest` is the fastest pass of its warm-up."""

    cold: float | None = None
    warm_up: int = 0
    calls: int = 1
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    device: list[float] = field(default_factory=list)
    spent: float = 0.0
    retaken: int = 0
    ended: str | None = None
    finished: bool = False
    fastest: float | None = None


@dataclass(frozen=True)
class Wishes:
    """The minimum of seconds and samples for each runner."""

    min_time: float = 1.0
    min_samples: int = 5


def take_samples(
    runners: Sequence[Runner],
    wishes: Wishes,
    clock: Clock,
    between: Callable[[], None],
    told: Callable[[int, Taken], None],
    disturbed: Callable[[], bool] = lambda: False,
    pruning: Pruning | None = None,
) -> list[Taken]:
    """Measure the runners in rounds, each in turn, with the order reversed every other round.

    `between` is called between passes that do not count and between samples, and may raise to stop. `told` is called
    after each runner's warm-up, after each of its turns, and when it has ended. If `disturbed` returns true, something
    disturbed the sample since `between`, and the sample is taken again. A runner that raises `Ended` leaves the rounds
    with the samples it has. If only the fastest matters, `pruning` decides what is worth its time.
    """
    taken = [Taken() for _ in runners]

    def attempt(index: int, work: Callable[[Runner, Taken], None]) -> None:
        try:
            work(runners[index], taken[index])
        except Ended as reason:
            taken[index].ended = str(reason)
        told(index, taken[index])

    for index in range(len(runners)):
        if pruning is not None:
            if (reason := pruning.not_tried(index)) is not None:
                taken[index].ended = reason
                told(index, taken[index])
                continue
            runners[index].allow(pruning.allowed(index))
        attempt(index, lambda runner, into: _warm_up(runner, into, wishes, clock, between))
        if pruning is not None:
            runners[index].allow(None)
            pruning.note(index, taken[index].fastest)
    for index in range(len(runners)):
        reason = None if pruning is None else pruning.not_pursued(index)
        if taken[index].ended is None and reason is not None:
            taken[index].ended = reason
            told(index, taken[index])
    for turn in range(1_000_000):
        left = [index for index, into in enumerate(taken) if into.ended is None and not into.finished]
        if not left:
            break
        for index in left if turn % 2 == 0 else reversed(left):
            attempt(
                index,
                lambda runner, into: _take_turn(runner, into, wishes, clock, between, disturbed, len(runners) > 1),
            )
    return taken


def _warm_up(runner: Runner, taken: Taken, wishes: Wishes, clock: Clock, between: Callable[[], None]) -> None:
    """Run the cold pass, then passes until they are steady; sets how many passes make a sample."""
    between()
    runner.prepare()
    runner.reset_peak()
    taken.cold, _, _ = _timed(runner, 1, clock)
    passes: list[float] = []
    limit = max(WARM_UP_TIME, wishes.min_time)
    while not _is_steady(passes) and sum(passes) < limit:
        between()
        passes.append(_timed(runner, 1, clock)[0])
        taken.warm_up += 1
    runner.read_peak()
    estimate = min(passes[-STEADY_PASSES:])
    taken.fastest = min(passes)
    taken.calls = max(1, math.ceil(BLOCK / estimate)) if estimate > 0 else 1000


def _is_steady(passes: Sequence[float]) -> bool:
    last = passes[-STEADY_PASSES:]
    return len(last) == STEADY_PASSES and max(last) - min(last) <= STEADY * min(last)


def _take_turn(
    runner: Runner,
    taken: Taken,
    wishes: Wishes,
    clock: Clock,
    between: Callable[[], None],
    disturbed: Callable[[], bool],
    settle: bool,
) -> None:
    """Take samples for a share of the minimum time, at least one."""
    between()
    runner.prepare()
    if settle and (taken.wall or [taken.cold or 0.0])[-1] < SETTLING_PASS:
        _timed(runner, 1, clock)
    spent = 0.0
    while spent == 0.0 or spent < wishes.min_time / ROUNDS:
        between()
        wall, cpu, device = _timed(runner, taken.calls, clock)
        if disturbed():
            taken.retaken += 1
            continue
        taken.wall.append(wall)
        taken.cpu.append(cpu)
        if device is not None:
            taken.device.append(device)
        # A clock that does not advance must not cause an endless loop.
        spent += max(wall * taken.calls, 1e-9)
    taken.spent += spent
    taken.finished = taken.spent >= wishes.min_time and len(taken.wall) >= wishes.min_samples


def _timed(runner: Runner, calls: int, clock: Clock) -> tuple[float, float, float | None]:
    """Return the seconds of one pass by the wall, the processor and the device, as the mean of `calls` passes."""
    runner.finish()
    with _no_garbage_collection():
        cpu = clock.cpu()
        wall = clock.wall()
        runner.mark()
        for _ in range(calls):
            runner.run()
        runner.mark()
        runner.finish()
        wall = clock.wall() - wall
        cpu = clock.cpu() - cpu
    device = runner.device_seconds()
    return wall / calls, cpu / calls, None if device is None else device / calls


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Switch off Python's garbage collector, which runs at random times; `timeit` and `torch.utils.benchmark` do so
    too.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
