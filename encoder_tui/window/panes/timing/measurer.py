"""What the Timing pane does with the engine: asks it to measure, and draws only when it waits for that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Final

from textual.containers import Vertical

from encoder_tui.client.client import EngineError, TaskFailed
from encoder_tui.core.models.placement import Offers, OffersRequest, Placement, placement_of
from encoder_tui.core.outputs.runs import Batch
from encoder_tui.core.settings import data_path
from encoder_tui.core.text.safe import visible
from encoder_tui.core.timing.best import best_run
from encoder_tui.core.timing.files import FileProblem, csv_of, save
from encoder_tui.core.timing.plan import LONGEST, Plan, PlanError, TimedModel
from encoder_tui.core.timing.run import Run, sweep
from encoder_tui.core.timing.samples import DRAWN, Measurement
from encoder_tui.core.timing.text_run import encoded, text_run
from encoder_tui.core.tokens.tokenizer import ModelTokenizer, TokenizationError
from encoder_tui.protocol.frames import Progress
from encoder_tui.protocol.operations import MEASURE, OFFERS
from encoder_tui.window.dialogs.save import Saveable, SaveDialog
from encoder_tui.window.panes.timing import words
from encoder_tui.window.panes.timing.plan_line import PlanLine
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.key_line import possible_changed

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
        models, there = self._models_with_tokenizers()
        if not models:
            return
        hello = self.session.hello
        devices = [device.name for device in hello.devices] if hello is not None and hello.devices else [None]
        if self.session.settings.device is not None:
            devices = [self.session.settings.device]
        try:
            plan = self.query_one(PlanLine).plan()
            words.refuse_what_is_not_offered(self.session, plan)
            self.measure(text_run(models, there, words.text_at_hand(self.session), devices, plan))
        except (PlanError, TokenizationError) as error:
            self.notify(visible(str(error)), severity="warning", markup=False)

    def _models_with_tokenizers(self) -> tuple[list[TimedModel], list[ModelTokenizer]]:
        """The models and their tokenizers; none, and a word about it, until all are there."""
        models = words.timed_models(self.session)
        tokenizers = [self.session.slots[model.slot].tokenizer for model in models]
        there = [tokenizer for tokenizer in tokenizers if tokenizer is not None]
        if not models or len(there) < len(models):
            self.notify(words.no_models(self.session), severity="warning", markup=False)
            return [], []
        return models, there

    def action_best(self) -> None:
        """Measure which threads, dtype and attention are the fastest for the text at hand."""
        if self.is_measuring:
            self.notify("a run is under way; x stops it", severity="warning", markup=False)
            return
        models, tokenizers = self._models_with_tokenizers()
        text = words.text_at_hand(self.session)
        try:
            plan = self.query_one(PlanLine).plan()
            inputs = {
                model.slot: encoded(tokenizer, text, min(model.limit or LONGEST, LONGEST))
                for model, tokenizer in zip(models, tokenizers, strict=True)
            }
        except (PlanError, TokenizationError) as error:
            self.notify(visible(str(error)), severity="warning", markup=False)
            return
        asked = placement_of(self.session.settings)
        if models:
            self._begin(
                Run(Plan(best=True), [], [], [], "best"), self._best(models, asked, inputs, True in plan.compiled)
            )

    async def _best(self, models: list[TimedModel], asked: Placement, inputs: dict[int, Batch], compiled: bool) -> None:
        """Ask what each model could run with, then measure that."""
        self.redraw()
        offers: dict[int, Offers | str] = {}
        for model in models:
            try:
                request = OffersRequest(model.source, asked)
                found = await self.session.engine.run(OFFERS, request, self._hear_progress)
                offers[model.slot] = found
            except (EngineError, TaskFailed) as error:
                offers[model.slot] = str(error)
        self.run = run = best_run(models, offers, asked, inputs, compiled=compiled)
        await self._measure(run)

    def measure(self, run: Run) -> None:
        """Begin a run."""
        self._begin(run, self._measure(run))

    def _begin(self, run: Run, work: Coroutine[None, None, None]) -> None:
        self.run, self.ending, self.activity = run, "", "the engine is asked"
        self.session.is_measuring = True
        self._working = asyncio.create_task(work)
        # The line of keys shows other keys while a run is under way.
        self._working.add_done_callback(self._ended)
        self.begin()
        possible_changed(self)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Tell that nothing is measured any more; of a search that knew no settings yet, nothing stays.

        Not at the end of the work itself: a key that stops it may come before its first step.
        """
        if task is self._working:
            self.session.is_measuring = False
            if self.run is not None and not self.ending:
                self.run, self.ending = (self.run, "stopped") if self.run.columns else (None, "")
            if self.is_mounted:
                self.redraw()
        possible_changed(self)

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
            if self.run is run:
                run.next = []
                self.ending = ending
                self._save(run)

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

    def action_export(self) -> None:
        """Ask for a path to save the run on the screen to, as CSV."""
        run = self.run
        if run is None or not run.has_results:
            self.notify("nothing was measured yet", severity="warning", markup=False)
            return
        started = "" if run.environment is None else run.environment.started[:19].replace(":", "")

        async def made() -> str:
            return csv_of(run)

        self.app.push_screen(SaveDialog([Saveable("run", f"timing-{started}.csv", made)]))
