"""A window that watches a measurement is not measured: the engine waits for it, and takes disturbed samples again."""

from __future__ import annotations

import threading
import time

import msgspec
import pytest

from encoder_tui.core.timing.samples import DRAWN, KEY, Measurement
from encoder_tui.engine.job import Job, JobCancelled
from encoder_tui.engine.timing.rounds import Wishes, take_samples
from encoder_tui.engine.timing.watching import DRAWING, SETTLING, Window
from encoder_tui.protocol import frames
from tests.engine.timing.test_rounds import FakeClock, FakeModel


class Screen:
    """The app's end of a job: draws what it is told, and tells of keys."""

    def __init__(self, is_drawing: bool = True) -> None:
        self.job = Job(1, self._hear)
        self.numbers: list[int] = []
        self._is_drawing = is_drawing

    def _hear(self, message: object) -> None:
        if isinstance(message, frames.Partial):
            number = msgspec.msgpack.decode(message.value, type=Measurement).number
            self.numbers.append(number)
            if self._is_drawing:
                self.job.hear(DRAWN, number)


def test_the_engine_goes_on_when_the_window_has_drawn() -> None:
    screen = Screen(is_drawing=False)
    window = Window(screen.job, True)
    engine = threading.Thread(target=lambda: [window.tell(Measurement()) for _ in range(2)])
    engine.start()
    while not screen.numbers:
        time.sleep(0.001)
    screen.job.hear(DRAWN, 0)
    engine.join(0.05)
    assert screen.numbers == [1]
    screen.job.hear(DRAWN, 1)
    while len(screen.numbers) < 2:
        time.sleep(0.001)
    screen.job.hear(DRAWN, 2)
    engine.join(DRAWING)
    assert not engine.is_alive()


def test_a_window_that_hangs_does_not_hold_up_the_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("encoder_tui.engine.timing.watching.DRAWING", 0.01)
    screen = Screen(is_drawing=False)
    Window(screen.job, True).tell(Measurement())
    assert screen.numbers == [1]


def test_a_cancellation_ends_the_wait_for_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("encoder_tui.engine.timing.watching.DRAWING", 60)
    screen = Screen(is_drawing=False)
    threading.Timer(0.02, screen.job.cancel).start()
    with pytest.raises(JobCancelled):
        Window(screen.job, True).tell(Measurement())


def test_where_nobody_watches_nothing_is_numbered_or_waited_for() -> None:
    screen = Screen(is_drawing=False)
    pauses: list[float] = []
    window = Window(screen.job, False, 0.5, sleep=pauses.append)
    window.tell(Measurement())
    screen.job.hear(KEY)
    window.settle()
    assert (screen.numbers, pauses) == ([0], [0.5])
    screen.job.hear(KEY)
    assert not window.was_disturbed()


def test_a_sample_begins_when_the_echo_of_the_last_key_is_over() -> None:
    screen = Screen()
    now = [time.monotonic()]
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        now[0] += seconds

    window = Window(screen.job, True, now=lambda: now[0], sleep=sleep)
    window.settle()
    assert naps == []
    screen.job.hear(KEY)
    now[0] = screen.job.noted(KEY).at + SETTLING / 4
    window.settle()
    assert naps == pytest.approx([SETTLING * 3 / 4])


def test_a_sample_into_which_a_key_fell_is_taken_again_and_no_sample_holds_the_echo() -> None:
    screen = Screen()
    clock = FakeClock()
    window = Window(screen.job, True, now=lambda: float("inf"))
    pressed = {9, 12, 13}

    def seconds(number: int) -> float:
        if number in pressed:
            screen.job.hear(KEY)
            return 5.0
        return 0.1

    model = FakeModel("A", clock, seconds, [])
    (taken,) = take_samples(
        [model], Wishes(1.0, 5), clock, window.settle, lambda index, taken: None, window.was_disturbed
    )
    assert taken.retaken == len(pressed)
    assert taken.wall == pytest.approx([0.1] * len(taken.wall))
    assert model.passes == 1 + taken.warm_up + len(taken.wall) + taken.retaken


def test_models_take_turns_with_a_frame_between_each_and_none_inside() -> None:
    """The whole conversation, on a clock that drawing moves too: no sample has a frame's time in it."""
    screen = Screen()
    clock = FakeClock()
    journal: list[str] = []
    window = Window(screen.job, True)
    models = [FakeModel(name, clock, lambda number: 0.125, journal) for name in "AB"]

    def told(index: int, taken: object) -> None:
        window.tell(Measurement())
        clock.now += 3.0

    results = take_samples(models, Wishes(1.25, 5), clock, window.settle, told, window.was_disturbed)
    assert [set(taken.wall) for taken in results] == [{0.125}, {0.125}]
    assert screen.numbers == list(range(1, len(screen.numbers) + 1))
    assert len(screen.numbers) == 12
