"""What the Timing pane looks like, compared to the byte with pictures that were looked at; its seconds are made up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from textual.pilot import Pilot

from encoder_tui.core.settings import Settings, data_path
from encoder_tui.core.timing.files import save
from encoder_tui.core.timing.plan import Plan
from encoder_tui.core.timing.run import Run
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.timing import TimingPane, measurable
from encoder_tui.window.panes.timing.plan_line import PlanLine
from encoder_tui.window.widgets.choice import Choice
from tests.support import made_up_runs
from tests.support.still import still, until

pytestmark = pytest.mark.usefixtures("no_engine", "home")

PAIR = ("builtin:bert", "builtin:modernbert")
SIZES = [(80, 24), (120, 40)]
Before = Callable[[Pilot[int]], Awaitable[None]]


def window() -> EncoderApp:
    return EncoderApp(Settings(model=PAIR, pane="timing", text="A lens in a lighthouse.", offline=True))


async def ready(pilot: Pilot[int]) -> TimingPane:
    """The pane once both models are there, with a counted collection in the session."""
    session = pilot.app.session  # type: ignore[attr-defined]
    await until(pilot, lambda: all(slot.tokenizer is not None for slot in session.slots))
    session.counts = made_up_runs.counts(PAIR)
    return pilot.app.query_one(TimingPane)


async def show(pilot: Pilot[int], pane: TimingPane, run: Run, view: str = "latency") -> None:
    pane.measurer.run, pane.measurer.ending = run, "measured in 42 s"
    if not run.plan.best:
        pane.query_one(PlanLine).take(run.plan)
    pane.query_one("#timing-view", Choice).chosen = view
    pane.redraw()
    await until(pilot, lambda: view in {"best", "cost", "saved"} or pane.query_one("#timing-table").display)
    pane.take_focus()
    await still(pilot)


def showing(view: str, *keys: str) -> Before:
    async def before(pilot: Pilot[int]) -> None:
        pane = await ready(pilot)
        await show(pilot, pane, made_up_runs.whole(measurable.timed_models(pane.session)), view)
        await pilot.press(*keys)
        await still(pilot)

    return before


@pytest.mark.parametrize("size", SIZES)
def test_a_plan_before_it_starts(snap_compare: object, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[int]) -> None:
        await ready(pilot)
        await still(pilot)

    assert snap_compare(window(), terminal_size=size, run_before=before)  # type: ignore[operator]


@pytest.mark.parametrize("size", SIZES)
def test_a_sweep_that_grows(snap_compare: object, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[int]) -> None:
        pane = await ready(pilot)
        pane.session.is_measuring = True
        pane.measurer._working = asyncio.create_task(asyncio.sleep(600))
        await show(pilot, pane, made_up_runs.begun(measurable.timed_models(pane.session), 3))

    assert snap_compare(window(), terminal_size=size, run_before=before)  # type: ignore[operator]


@pytest.mark.parametrize("size", [*SIZES, (200, 60)])
def test_the_curves_and_what_they_say(snap_compare: object, size: tuple[int, int]) -> None:
    before = showing("latency", "down", "down", "down", "down")
    assert snap_compare(window(), terminal_size=size, run_before=before)  # type: ignore[operator]


@pytest.mark.parametrize("size", SIZES)
def test_what_documents_cost(snap_compare: object, size: tuple[int, int]) -> None:
    assert snap_compare(window(), terminal_size=size, run_before=showing("cost"))  # type: ignore[operator]


@pytest.mark.parametrize("size", SIZES)
def test_the_settings_that_were_tried(snap_compare: object, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[int]) -> None:
        pane = await ready(pilot)
        await show(pilot, pane, made_up_runs.best(measurable.timed_models(pane.session)), "best")

    assert snap_compare(window(), terminal_size=size, run_before=before)  # type: ignore[operator]


@pytest.mark.parametrize("view", ["throughput", "memory", "samples"])
def test_other_plots(snap_compare: object, view: str) -> None:
    before = showing(view, *(("a",) if view == "memory" else ("down",)))
    assert snap_compare(window(), terminal_size=(120, 40), run_before=before)  # type: ignore[operator]


def test_a_run_laid_under_another(snap_compare: object) -> None:
    async def before(pilot: Pilot[int]) -> None:
        pane = await ready(pilot)
        models = measurable.timed_models(pane.session)
        pane.under = made_up_runs.whole(models, Plan([16, 128, 1024, 4096]))
        await show(pilot, pane, made_up_runs.whole(models))

    assert snap_compare(window(), terminal_size=(120, 40), run_before=before)  # type: ignore[operator]


@pytest.mark.parametrize("size", SIZES)
def test_runs_that_were_kept(snap_compare: object, size: tuple[int, int]) -> None:
    async def before(pilot: Pilot[int]) -> None:
        pane = await ready(pilot)
        models = measurable.timed_models(pane.session)
        run = made_up_runs.whole(models)
        for hour in range(3):
            assert run.environment is not None
            run.environment = msgspec.structs.replace(run.environment, started=f"2026-03-04T0{hour}:06:07+00:00")
            save(run, data_path() / "timing")
        await show(pilot, pane, run, "saved")

    assert snap_compare(window(), terminal_size=size, run_before=before)  # type: ignore[operator]
