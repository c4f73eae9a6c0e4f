"""The keys of the Tasks pane, and what they copy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from encoder_tui.core.models.placement import InForce
from encoder_tui.core.settings import Settings
from encoder_tui.core.tasks.masked import MaskedAnswer, Prediction
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.tasks import TasksPane
from encoder_tui.window.panes.tasks.masked import MaskedView
from encoder_tui.window.panes.tasks.vectors import VectorsView
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.cycle import Cycle
from tests.support.canned_outputs import canned
from tests.support.still import until

__all__ = ["canned"]

pytestmark = pytest.mark.usefixtures("canned", "no_engine")

PAIR = ("builtin:bert", "builtin:modernbert")


@asynccontextmanager
async def window() -> AsyncIterator[tuple[EncoderApp, Pilot[int], TasksPane]]:
    """The window at the Tasks pane."""
    app = EncoderApp(Settings(model=PAIR, text="Bread.", pane="tasks"))
    async with app.run_test(size=(120, 40)) as pilot:
        yield app, pilot, app.query_one(TasksPane)


async def test_turned_to_from_another_pane_it_hears_its_keys() -> None:
    app = EncoderApp(Settings(model=PAIR, text="Bread."))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f6")
        await until(pilot, lambda: bool(app.query(TasksPane)))
        pane = app.query_one(TasksPane)
        await until(pilot, lambda: app.focused is not None and pane in app.focused.ancestors)
        first = pane.view.id
        await pilot.press("v")
        await until(pilot, lambda: pane.view.id != first)
        await pilot.press("V")
        await until(pilot, lambda: pane.view.id == first)


async def test_what_is_copied_is_the_view_in_front_under_a_header() -> None:
    async with window() as (app, pilot, pane):
        view = pane.view
        assert isinstance(view, VectorsView)
        await pilot.press("y")
        assert not app.clipboard
        await pilot.press("r")
        await until(pilot, lambda: bool(view.summary()) and not view.asker.status and not view.asker.is_asking)
        await pilot.press("y")
        labels, *rows = [line.split("\t") for line in app.clipboard.splitlines()]
        assert labels == ["model", "text", "1", "2", "3"]
        assert [row[:2] for row in rows] == [[name, str(number)] for name in PAIR for number in (1, 2, 3)]
        assert float(rows[0][2]) == pytest.approx(1)

        view.query_one("#vector-show", Cycle).value = "vectors"
        await pilot.pause()
        await pilot.press("y")
        labels, *rows = [line.split("\t") for line in app.clipboard.splitlines()]
        assert labels[:5] == ["model", "text", "pooling", "norm", "1"]
        assert [row[:3] for row in rows[:2]] == [[PAIR[0], "1", "mean"], [PAIR[0], "1", "cls"]]
        assert {len(row) for row in rows} == {len(labels)}


async def test_predictions_are_copied_under_a_header() -> None:
    async with window() as (app, pilot, pane):
        pane.query_one("#tasks-view", Choice).chosen = "masked"
        await until(pilot, lambda: isinstance(pane.view, MaskedView))
        force = InForce("cpu", "float32", "sdpa", "checkpoint", 1)
        pane.view.asker.answers[app.session.slots[0]] = MaskedAnswer(force, [[Prediction(200, 0.5)]])
        await until(pilot, lambda: bool(pane.view.copied()))
        await pilot.press("y")
        header, row = [line.split("\t") for line in app.clipboard.splitlines()]
        assert header == ["model", "mask", "token", "id", "probability"]
        assert (row[:2], row[3:]) == ([PAIR[0], "1"], ["200", "0.5"])


async def test_the_memory_of_the_engine_is_in_the_first_line() -> None:
    async with window() as (_, pilot, pane):
        await pilot.press("r")
        line = pane.query_one("#tasks-about")
        await until(pilot, lambda: "memory: weights 1.0 GB" in str(line.render()))
