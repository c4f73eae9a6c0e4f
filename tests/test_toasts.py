"""What the window says for a moment: each sentence once, and nothing of it left behind."""

from __future__ import annotations

import time

import pytest
from textual.events import MouseDown
from textual.pilot import Pilot
from textual.widgets._toast import ToastRack

from encoder_tui.app import EncoderApp
from encoder_tui.settings import Settings
from tests.in_process import tasks_in_process
from tests.still import until

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
