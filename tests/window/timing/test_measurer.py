"""The Timing pane's run and the engine's work on it, without a window."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from encoder_tui.client.client import EngineError
from encoder_tui.core.models.placement import ModelSource
from encoder_tui.core.settings import data_path
from encoder_tui.core.timing import run as timing_run
from encoder_tui.core.timing.files import saved
from encoder_tui.core.timing.plan import TimedModel
from encoder_tui.core.timing.run import Run
from encoder_tui.core.timing.samples import Measurement, Samples
from encoder_tui.core.timing.words import conclusion
from encoder_tui.window.panes.timing.measurer import Change, Measurer
from tests.support import made_up_runs
from tests.support.still import eventually
from tests.window.timing.test_words import A, B

pytestmark = pytest.mark.usefixtures("home")


class Engine:
    """An engine that measures one point, and then waits for what it is told."""

    def __init__(self, whole: Run, error: EngineError | None = None) -> None:
        self.whole = whole
        self.error = error
        self.noted: list[int] = []
        self.goes_on = asyncio.Event()

    async def run(self, operation: Any, request: Any, on_progress: Any, hear: Any) -> Measurement:
        first = self.whole.samples[0, 0]
        hear(Measurement(self.whole.environment))
        hear(Measurement(samples=[Samples(first.point)], number=1))
        hear(Measurement(samples=[first], number=2))
        await self.goes_on.wait()
        if self.error is not None:
            raise self.error
        return Measurement(samples=list(self.whole.samples.values()))

    def note(self, word: str, number: int) -> None:
        self.noted.append(number)


def session_of(engine: Engine) -> Any:
    notices: list[str] = []
    return SimpleNamespace(
        engine=engine, is_measuring=False, notices=notices, notice=lambda sentence, _: notices.append(sentence)
    )


async def test_the_engine_goes_on_once_what_it_told_is_on_the_screen() -> None:
    whole = made_up_runs.whole([A, B])
    engine, is_drawn, changes = Engine(whole), asyncio.Event(), []

    async def draw(change: Change) -> None:
        changes.append(change)
        if change != "run":
            await is_drawn.wait()

    session = session_of(engine)
    measurer = Measurer(session, draw)
    measurer.measure(whole.again())
    assert session.is_measuring
    await eventually(lambda: "samples" in changes)
    assert changes[0] == "run"
    assert "row" in changes
    assert engine.noted == []
    is_drawn.set()
    await eventually(lambda: engine.noted == [0, 1, 2])
    engine.goes_on.set()
    await eventually(lambda: not measurer.is_measuring and changes[-1] == "run")
    assert not session.is_measuring
    assert measurer.ending == "measured in 1 s"
    assert measurer.run is not None
    assert conclusion(measurer.run) == conclusion(whole)
    assert len(saved(data_path() / "timing")) == 1


@pytest.mark.parametrize("ends", ["stopped", "it was killed"])
async def test_a_run_that_ends_early_is_kept_with_what_was_measured(ends: str) -> None:
    engine = Engine(made_up_runs.whole([A, B]), EngineError(ends))
    changes: list[Change] = []

    async def draw(change: Change) -> None:
        changes.append(change)

    measurer = Measurer(session_of(engine), draw)
    measurer.measure(engine.whole.again())
    await eventually(lambda: measurer.run is not None and measurer.run.has_results)
    if ends == "stopped":
        assert measurer.stop()
    else:
        engine.goes_on.set()
    await eventually(lambda: not measurer.is_measuring)
    assert measurer.ending == ends
    assert not measurer.stop()
    assert measurer.run is not None
    assert measurer.run.done == 1
    assert measurer.run.next == []
    assert len(saved(data_path() / "timing")) == 1


def test_what_is_said_of_the_same_samples_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = TimedModel(0, "builtin:modernbert", ModelSource("builtin:modernbert", "builtin:modernbert"), 8192)
    run = made_up_runs.best([model])
    told = conclusion(run)

    def computed(*_: object) -> None:
        raise AssertionError("it is known already")

    monkeypatch.setattr(timing_run, "ratio", computed)
    monkeypatch.setattr("encoder_tui.core.timing.samples.statistics", computed)
    assert conclusion(run) == told
    place = (0, run.groups[0][1].variant)
    run.samples[place] = made_up_runs.samples(run, *place, 0.5)
    with pytest.raises(AssertionError, match="known already"):
        conclusion(run)
