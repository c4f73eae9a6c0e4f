"""The Timing pane's run, and the engine's work on it; no widget, so that it can be tested without a window."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Literal

from encoder_tui.client.client import EngineError, OperationFailed
from encoder_tui.core.models.placement import Offers, placement_of
from encoder_tui.core.outputs.runs import Batch
from encoder_tui.core.settings import data_path
from encoder_tui.core.text.numbers import duration
from encoder_tui.core.timing.best import best_run
from encoder_tui.core.timing.files import FileProblem, save
from encoder_tui.core.timing.plan import Plan, TimedModel
from encoder_tui.core.timing.run import Run
from encoder_tui.core.timing.samples import DRAWN, Measurement
from encoder_tui.protocol.frames import Progress
from encoder_tui.protocol.models import OffersRequest
from encoder_tui.protocol.operations import MEASURE, OFFERS
from encoder_tui.window.session.session import Session

Change = Literal["run", "row", "samples"]
"""What changed: the run as a whole (its start, end, or preparation), the current row, or the samples of that row."""


class Measurer:
    """A run and its state: `activity` is how the engine prepares the run, `ending` how the run ended.

    `on_change` draws what changed, and returns once it is on the screen: the engine waits for that before it goes on
    measuring, so that drawing does not disturb samples.
    """

    def __init__(self, session: Session, on_change: Callable[[Change], Awaitable[None]]) -> None:
        self.session = session
        self.run: Run | None = None
        self.ending = ""
        self.activity = ""
        self._on_change = on_change
        self._working: asyncio.Task[None] | None = None
        self._telling: set[asyncio.Task[None]] = set()

    @property
    def is_measuring(self) -> bool:
        """Whether a run is in progress."""
        return self._working is not None and not self._working.done()

    def measure(self, run: Run) -> None:
        """Start a run."""
        self._begin(run, self._measure(run))

    def look_for_best(self, models: Sequence[TimedModel], inputs: Mapping[int, Batch], compiled: bool) -> None:
        """Start a search for the fastest settings of each model; `inputs` are by slot."""
        self._begin(Run(Plan(best=True), [], [], [], "best"), self._look_for_best(models, inputs, compiled))

    def show(self, run: Run, ending: str) -> None:
        """Show a run that was measured before; `ending` says where it comes from."""
        self.run, self.ending = run, ending

    def stop(self) -> bool:
        """Stop measuring and keep the results; return whether a run was in progress."""
        if self._working is None or not self.is_measuring:
            return False
        self._working.cancel()
        return True

    def close(self) -> None:
        """Stop all work: the pane has been removed."""
        for task in [self._working, *self._telling]:
            if task is not None:
                task.cancel()

    def _begin(self, run: Run, work: Coroutine[None, None, None]) -> None:
        self.run, self.ending, self.activity = run, "", "asking the engine"
        self.session.is_measuring = True
        self._working = asyncio.create_task(work)
        self._working.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Report that measuring has ended; a search that had no settings yet leaves nothing.

        This is not at the end of the task itself, because a key may stop it before its first step.
        """
        if task is self._working:
            self.session.is_measuring = False
            if self.run is not None and not self.ending:
                self.run, self.ending = (self.run, "stopped") if self.run.columns else (None, "")
            self._tell("run")

    async def _look_for_best(self, models: Sequence[TimedModel], inputs: Mapping[int, Batch], compiled: bool) -> None:
        """Request the settings that each model supports, then measure them."""
        self._tell("run")
        asked = placement_of(self.session.settings)
        offers: dict[int, Offers | str] = {}
        for model in models:
            try:
                request = OffersRequest(model.source, asked)
                found = await self.session.engine.run(OFFERS, request, self._hear_progress)
                offers[model.slot] = found
            except (EngineError, OperationFailed) as error:
                offers[model.slot] = str(error)
        self.run = run = best_run(models, offers, asked, inputs, compiled=compiled)
        await self._measure(run)

    async def _measure(self, run: Run) -> None:
        """Run the request, and save its results whatever happens."""
        self._tell("run")
        begun = time.monotonic()
        ending = "stopped"
        try:
            answer = await self.session.engine.run(MEASURE, run.request(), self._hear_progress, self._hear)
        except (EngineError, OperationFailed) as error:
            ending = str(error)
        else:
            run.hear(answer)
            ending = f"measured in {duration(max(time.monotonic() - begun, 1))}"
        finally:
            if self.run is run:
                run.next = []
                self.ending = ending
                self._save(run)

    def _save(self, run: Run) -> None:
        """Save the run, unless it has no samples."""
        if run.has_results:
            try:
                save(run, data_path() / "timing")
            except FileProblem as error:
                self.session.notice(str(error), "warning")

    def _hear_progress(self, progress: Progress) -> None:
        """Show how the engine prepares the run; while it measures, drawing only happens when it waits for it."""
        if self.run is not None and self.run.environment is None and progress.text != self.activity:
            self.activity = progress.text
            self._tell("run")

    def _hear(self, measurement: Measurement) -> None:
        if self.run is not None and self.is_measuring:
            self.run.hear(measurement)
            self._keep(self._show_and_note("row" if self.run.next else "samples", measurement.number))

    async def _show_and_note(self, change: Change, number: int) -> None:
        """Draw a partial answer, then let the engine go on."""
        await self._on_change(change)
        self.session.engine.note(DRAWN, number)

    def _tell(self, change: Change) -> None:
        async def tell() -> None:
            await self._on_change(change)

        self._keep(tell())

    def _keep(self, telling: Coroutine[None, None, None]) -> None:
        """Hold a task until it ends, because asyncio does not."""
        task = asyncio.create_task(telling)
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
