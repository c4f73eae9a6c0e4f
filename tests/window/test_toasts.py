"""What the window says for a moment: each sentence once, and nothing of it left behind."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from textual.events import MouseDown
from textual.notifications import Notification
from textual.pilot import Pilot
from textual.widgets._toast import ToastRack

from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.textual_fixes.toasts import Lasting
from tests.support.in_process import tasks_in_process
from tests.support.still import until

__all__ = ["tasks_in_process"]

pytestmark = pytest.mark.usefixtures("tasks_in_process", "no_engine", "home")


def toasts(app: EncoderApp) -> list[str]:
    """The sentences on the screen, from the top."""
    return [str(toast.render()) for toast in app.screen.query("Toast")]


def holders(pilot: Pilot[int]) -> int:
    return len(pilot.app.screen.query("ToastHolder"))


async def test_the_same_words_again_take_the_place_of_the_first() -> None:
    app = EncoderApp(Settings(model=("builtin:bert",)))
    async with app.run_test(notifications=True) as pilot:
        for words in ("one", "two", "one", "one"):
            app.notify(words, markup=False)
            await pilot.pause()
        await until(pilot, lambda: toasts(app) == ["two", "one"])


async def test_what_held_a_toast_that_ran_out_as_another_came_is_gone() -> None:
    app = EncoderApp(Settings(model=("builtin:bert",)))
    async with app.run_test(notifications=True) as pilot:
        for number in range(4):
            app.notify(f"short {number}", timeout=0.3)
            await until(pilot, lambda number=number: f"short {number}" in toasts(app))
            # A busy window: others are shown before the timer of this one, which is due, has run.
            time.sleep(0.4)
            app.screen.query_one(ToastRack).show(app._notifications)
            app.notify(f"another {number}", timeout=20)
            await until(pilot, lambda number=number: f"another {number}" in toasts(app))
        await until(pilot, lambda: toasts(app) == [f"another {number}" for number in range(4)])
        app.notify("last")
        await until(pilot, lambda: "last" in toasts(app))
        assert holders(pilot) <= len(toasts(app)) + 1


async def test_a_press_upon_a_toast_that_has_just_gone_is_for_nobody() -> None:
    app = EncoderApp(Settings(model=("builtin:bert",)))
    async with app.run_test(notifications=True) as pilot:
        app.notify("gone in a moment", timeout=60)
        await until(pilot, lambda: bool(app.screen.query("Toast")) and app.screen.query_one("Toast").region.area > 0)
        toast = app.screen.query_one("Toast")
        x, y = toast.region.x + 3, toast.region.y + 1
        holder = toast.parent
        assert holder is not None
        toast._detach()  # as removing does, some time before the window is laid out anew
        assert app.screen.get_widget_at(x, y)[0] is toast
        await app.on_event(MouseDown(None, x, y, 0, 0, 1, False, False, False, screen_x=x, screen_y=y))
        assert app._exception is None
        toast._attach(holder)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What spins in the event loop is heard of: no timeout of asyncio would ever have its turn."""

    def over(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


async def test_a_notification_that_runs_out_before_its_toast_is_made_does_not_stop_the_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = EncoderApp(Settings(model=("builtin:bert",)))
    async with app.run_test(notifications=True) as pilot:
        # As if the time ran out between the look at what has expired and the making of the toast.
        monkeypatch.setattr(Notification, "has_expired", False)
        monkeypatch.setattr(Lasting, "has_expired", False)
        with within(20):
            app.notify("late", timeout=-1)
            await until(pilot, lambda: toasts(app) == ["late"])
            await until(pilot, lambda: toasts(app) == [])


async def test_a_notification_that_runs_out_while_another_is_taken_in_does_not_end_the_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = EncoderApp(Settings(model=("builtin:bert",)))
    async with app.run_test(notifications=True) as pilot:
        app.notify("first", timeout=60)
        await until(pilot, lambda: toasts(app) == ["first"])
        (first,) = app._notifications
        looks = iter([False])
        # There at the first look at what has run out, gone at the next.
        has_expired = property(lambda one: next(looks, True) if one.identity == first.identity else False)
        monkeypatch.setattr(Lasting, "has_expired", has_expired)
        app.notify("second", timeout=60)
        await until(pilot, lambda: toasts(app) == ["second"])
        assert app._exception is None


def test_a_late_notification_has_expired_and_its_toast_has_time_left() -> None:
    late, early = (Lasting("words", timeout=seconds) for seconds in (-1, 60))
    assert (late.has_expired, early.has_expired) == (True, False)
    assert late.time_left > 0
    assert early.time_left > 50
