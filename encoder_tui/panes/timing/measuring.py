"""What the Timing pane does with the engine: asks it to measure, and draws only when it waits for that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Final

from textual.containers import Vertical

from encoder_tui.display import visible
from encoder_tui.engine.client import EngineError, TaskFailed
from encoder_tui.engine.contract import MEASURE
from encoder_tui.engine.protocol import Progress
from encoder_tui.panes.timing import words
from encoder_tui.panes.timing.plan_line import PlanLine
from encoder_tui.session import Session
from encoder_tui.settings import data_path
from encoder_tui.timing import DRAWN, Measurement
from encoder_tui.timing_files import FileProblem, save
from encoder_tui.timing_plan import PlanError
from encoder_tui.timing_run import Run, sweep
from encoder_tui.timing_text import text_run
from encoder_tui.tokens import TokenizationError

FRAME: Final = 0.25
"""Seconds between two frames while measuring."""


class Measuring(Vertical):
    """A run and the work on it; a subclass draws it (`draw`)."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="timing")
        self.session = session
        self.run: Run | None = None
        self.ending = ""
        self.activity = ""
        self._working: asyncio.Task[None] | None = None
        self._drawing: set[asyncio.Task[None]] = set()
        self._drawn_at = 0.0

    async def draw(self) -> None:
        """Draw everything as it is now."""
        raise NotImplementedError

    def begin(self) -> None:
        """A run is about to begin: bring it into sight."""
        raise NotImplementedError

    def on_unmount(self) -> None:
        for task in [self._working, *self._drawing]:
            if task is not None:
                task.cancel()

    def redraw(self) -> None:
        """Draw everything as it is now, soon."""
        self._keep(self.draw())

    @property
    def is_measuring(self) -> bool:
        """Whether a run is under way."""
        return self._working is not None and not self._working.done()

    @property
    def _is_in_sight(self) -> bool:
        return self.is_mounted and self.display and self.app.screen is self.screen

    def _keep(self, drawing: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(drawing)
        self._drawing.add(task)
        task.add_done_callback(self._drawing.discard)

    def planned(self) -> Run | str:
        """The run that the plan asks for, or why there is none."""
        models = words.timed_models(self.session)
        if not models:
            return words.no_models(self.session)
        try:
            plan = self.query_one(PlanLine).plan()
            words.refuse_what_is_not_offered(self.session, plan)
        except PlanError as error:
            return str(error)
        return sweep(models, plan, *words.machine(self.session))

    def action_start(self) -> None:
        """Start the sweep of the plan."""
        if self.is_measuring:
            self.notify("a run is under way; x stops it", severity="warning", markup=False)
            return
        planned = self.planned()
        if isinstance(planned, str):
            self.notify(visible(planned), severity="warning", markup=False)
        elif not planned.planned:
            self.notify("no model takes any of these lengths", severity="warning", markup=False)
        else:
            self.measure(planned)

    def action_notebook(self) -> None:
        """Measure the text at hand, cut to 512 tokens, on every device."""
        if self.is_measuring:
            self.notify("a run is under way; x stops it", severity="warning", markup=False)
            return
        models = words.timed_models(self.session)
        tokenizers = [self.session.slots[model.slot].tokenizer for model in models]
        if not models or None in tokenizers:
            self.notify(words.no_models(self.session), severity="warning", markup=False)
            return
        hello = self.session.hello
        devices = [device.name for device in hello.devices] if hello is not None and hello.devices else [None]
        if self.session.settings.device is not None:
            devices = [self.session.settings.device]
        try:
            plan = self.query_one(PlanLine).plan()
            words.refuse_what_is_not_offered(self.session, plan)
            there = [tokenizer for tokenizer in tokenizers if tokenizer is not None]
            self.measure(text_run(models, there, words.text_at_hand(self.session), devices, plan))
        except (PlanError, TokenizationError) as error:
            self.notify(visible(str(error)), severity="warning", markup=False)

    def measure(self, run: Run) -> None:
        """Begin a run."""
        self.run, self.ending, self.activity = run, "", "the engine is asked"
        self.session.is_measuring = True
        self._working = asyncio.create_task(self._measure(run))
        self.begin()

    async def _measure(self, run: Run) -> None:
        """Ask the engine, and keep what it tells whatever happens."""
        self.redraw()
        begun = time.monotonic()
        ending = "stopped"
        try:
            answer = await self.session.engine.run(MEASURE, run.request(), self._hear_progress, self._hear)
        except (EngineError, TaskFailed) as error:
            ending = str(error)
        else:
            run.hear(answer)
            ending = f"measured in {words.duration(time.monotonic() - begun)}"
        finally:
            self.session.is_measuring = False
            if self.run is run:
                run.next = []
                self.ending = ending
                self._save(run)
                if self.is_mounted:
                    self.redraw()

    def _save(self, run: Run) -> None:
        """Keep what was measured; a run without a sample is none."""
        if run.has_results:
            try:
                save(run, data_path() / "timing")
            except FileProblem as error:
                self.session.notice(str(error), "warning")

    def _hear_progress(self, progress: Progress) -> None:
        """What the engine does before it measures; afterwards nothing is drawn but when it waits for it."""
        if self.run is not None and self.run.environment is None and progress.text != self.activity:
            self.activity = progress.text
            self.redraw()

    def _hear(self, measurement: Measurement) -> None:
        if self.run is not None and self.is_measuring:
            self.run.hear(measurement)
            self._keep(self._draw_and_tell(measurement.number, bool(self.run.next)))

    async def _draw_and_tell(self, number: int, is_new_row: bool) -> None:
        """Draw a partial answer, unless the last frame was a moment ago, and tell the engine to go on.

        A new row is always drawn: its first pass may take long, and meanwhile nothing else will be.
        """
        wait = self._drawn_at + FRAME - time.monotonic()
        if wait > 0 and is_new_row:
            await asyncio.sleep(wait)
        if wait <= 0 or is_new_row:
            await self.draw()
        if self._is_in_sight:
            self.call_after_refresh(self.session.engine.note, DRAWN, number)
        else:
            self.session.engine.note(DRAWN, number)

    def action_stop(self) -> None:
        """Stop measuring; what was measured stays."""
        if self._working is not None and self.is_measuring:
            self._working.cancel()
        else:
            self.notify("nothing is being measured", markup=False)
