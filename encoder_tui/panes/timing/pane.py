"""The Timing pane: a plan, the curves as they grow, a table, and what they say."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from encoder_tui import plots
from encoder_tui.engine.client import EngineError, TaskFailed
from encoder_tui.engine.contract import MEASURE
from encoder_tui.engine.protocol import Progress
from encoder_tui.panes.timing import results, words
from encoder_tui.panes.timing.chart import PLOTS, SCALES, Chart, plot_of
from encoder_tui.panes.timing.plan_line import PlanLine
from encoder_tui.panes.timing.saved import SavedRuns
from encoder_tui.session import Session
from encoder_tui.settings import data_path
from encoder_tui.timing import DRAWN, Measurement
from encoder_tui.timing_files import FileProblem, csv_of, save, write_private
from encoder_tui.timing_plan import PlanError
from encoder_tui.timing_run import Run, sweep
from encoder_tui.timing_text import text_run
from encoder_tui.tokens import TokenizationError
from encoder_tui.widgets.choice import Choice
from encoder_tui.widgets.clipboard import copy
from encoder_tui.widgets.table import Table

FRAME: Final = 0.25
"""Seconds between two frames while measuring."""
VIEWS: Final = (*PLOTS, "saved")
WIDE: Final = 100
"""Columns from which on the table stands beside the plot."""


class TimingPane(Vertical):
    """Latency, throughput and memory by length, measured while one watches."""

    BINDINGS = [
        Binding("s", "start", "Start"),
        Binding("x", "stop", "Stop"),
        Binding("n", "notebook", "Text at hand"),
        Binding("v", "view(1)", "View"),
        Binding("V", "view(-1)", "Previous view", show=False),
        Binding("a", "scale", "Axes"),
        Binding("e", "edit", "Plan"),
        Binding("c", "export", "CSV", show=False),
        Binding("u", "clear_under", "Take the laid run away", show=False),
        Binding("y", "copy", "Copy table", show=False),
        Binding("escape", "leave", "Leave the plan", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(id="timing")
        self.session = session
        self.run: Run | None = None
        self.under: Run | None = None
        self.ending = ""
        self.scale = SCALES[0]
        self._activity = ""
        self._working: asyncio.Task[None] | None = None
        self._drawing: set[asyncio.Task[None]] = set()
        self._drawn_at = 0.0
        self._shown: dict[str, Content] = {}

    @property
    def is_measuring(self) -> bool:
        """Whether a run is under way."""
        return self._working is not None and not self._working.done()

    def compose(self) -> ComposeResult:
        yield PlanLine(self.session.settings)
        yield Static(id="timing-sentence", markup=False)
        yield Static(id="timing-settings", markup=False)
        yield Choice(VIEWS, id="timing-view")
        with Horizontal(id="timing-body"):
            yield Chart()
            yield Table([], id="timing-table")
            yield SavedRuns()
        yield Static(id="timing-words", markup=False)
        yield Static(id="timing-detail", markup=False)

    def on_mount(self) -> None:
        self.session.models_changed.subscribe(self, lambda _: self.redraw())
        self.session.text_changed.subscribe(self, lambda _: self.redraw())
        self.session.engine_changed.subscribe(self, lambda _: self._learn_devices())
        self._learn_devices()
        self.query_one("#timing-table", Table).display = False
        self.query_one(SavedRuns).display = False
        self.take_focus()
        self.redraw()

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.width < WIDE, "-narrow")
        self.set_class(event.size.height < 30, "-low")
        self.call_after_refresh(self.redraw)

    def on_show(self) -> None:
        self.redraw()

    def on_unmount(self) -> None:
        for task in [self._working, *self._drawing]:
            if task is not None:
                task.cancel()

    def take_focus(self) -> None:
        """Not a text field: there a digit would be text and no pane."""
        there = (widget for widget in self.query("#timing-saved, #timing-table, #timing-view") if widget.display)
        min(there, key=lambda widget: widget.id == "timing-view").focus()

    def _learn_devices(self) -> None:
        hello = self.session.hello
        if hello is not None and hello.devices:
            self.query_one(PlanLine).offer_devices([device.name for device in hello.devices])

    # Measuring

    def planned(self) -> Run | str:
        """The run that the plan asks for, or why there is none."""
        models = words.timed_models(self.session)
        if not models:
            return words.no_models(self.session)
        try:
            plan = self.query_one(PlanLine).plan()
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
            self.notify(planned, severity="warning", markup=False)
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
            there = [tokenizer for tokenizer in tokenizers if tokenizer is not None]
            self.measure(text_run(models, there, words.text_at_hand(self.session), devices, plan))
        except (PlanError, TokenizationError) as error:
            self.notify(str(error), severity="warning", markup=False)

    def measure(self, run: Run) -> None:
        """Begin a run."""
        if self.query_one("#timing-view", Choice).chosen == "saved":
            self.query_one("#timing-view", Choice).chosen = PLOTS[0]
            self._show_view()
        self.run, self.ending, self._activity = run, "", "the engine is asked"
        self.query_one("#timing-table", Table).cursor = 0
        self.session.is_measuring = True
        self._working = asyncio.create_task(self._measure(run))
        self.take_focus()

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
        if self.run is not None and self.run.environment is None and progress.text != self._activity:
            self._activity = progress.text
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
            await self._draw()
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

    # Drawing

    @property
    def _is_in_sight(self) -> bool:
        return self.is_mounted and self.display and self.app.screen is self.screen

    def _keep(self, drawing: object) -> None:
        task: asyncio.Task[None] = asyncio.create_task(drawing)  # type: ignore[arg-type]
        self._drawing.add(task)
        task.add_done_callback(self._drawing.discard)

    def redraw(self) -> None:
        """Draw everything as it is now, soon."""
        self._keep(self._draw())

    async def _draw(self) -> None:
        """Build the plot in a thread, then draw all at once; what is as before is left alone."""
        if not self._is_in_sight or not self.size.width:
            return
        self._drawn_at = time.monotonic()
        self._show_texts()
        run, chart = self.run, self.query_one(Chart)
        plot = self.query_one("#timing-view", Choice).chosen
        if plot == "saved":
            return
        self._show_table(run)
        if run is None or not run.has_results:
            chart.show([], words.what_will_stand_here(self.session, run))
            return
        row = self.query_one("#timing-table", Table).cursor
        title, curves, axes = plot_of(run, plot, self.scale, row, self.under)
        width, height = chart.size
        lines = await asyncio.to_thread(plots.curves, curves, axes, width - 1, height - 1)
        if run is self.run and self.is_mounted:
            chart.show([[(f" {title}"[: width - 1], None)], *lines] if lines else [], ["nothing to plot yet"])

    def _show_table(self, run: Run | None) -> None:
        table = self.query_one("#timing-table", Table)
        had_none = not table.display
        table.display = run is not None
        if run is None:
            return
        if had_none and self.query_one("#timing-view", Choice).has_focus:
            table.focus()
        table.columns = results.columns(run)
        room = sum(column.width + 2 for column in table.columns)
        table.styles.width = "1fr" if self.has_class("-narrow") else min(room + 1, self.size.width * 6 // 10)
        rows = [results.table_row(run, row) for row in range(len(run.rows))]
        table.show_rows(len(rows), rows.__getitem__)

    def _show_texts(self) -> None:
        run, width = self.run, self.size.width
        self._say("timing-sentence", words.sentence(self, width))
        self._say("timing-settings", words.settings(run, width))
        self._say("timing-words", words.remarks(self.session, run, width, self.has_class("-low")))
        row = self.query_one("#timing-table", Table).cursor
        self._say("timing-detail", words.detail(run, row, width))

    def _say(self, name: str, content: Content) -> None:
        if self._shown.get(name) != content:
            self._shown[name] = content
            widget = self.query_one(f"#{name}", Static)
            widget.display = bool(content.plain)
            widget.update(content)

    @property
    def activity(self) -> str:
        """What the engine does before it measures."""
        return self._activity

    @on(PlanLine.Changed)
    @on(Table.Moved)
    def _something_changed(self) -> None:
        self.redraw()

    @on(Choice.Changed, "#timing-view")
    def _show_view(self) -> None:
        """The list of kept runs takes the place of plot and table."""
        kept = self.query_one(SavedRuns)
        is_list = self.query_one("#timing-view", Choice).chosen == "saved"
        had_focus = self.screen.focused in {kept, self.query_one("#timing-table", Table)}
        kept.display = is_list
        self.query_one(Chart).display = not is_list
        self.query_one("#timing-table", Table).display = not is_list and self.run is not None
        if is_list:
            kept.look(data_path() / "timing")
        if had_focus or is_list:
            self.take_focus()
        self.redraw()

    @on(SavedRuns.Chosen)
    def _use_saved(self, event: SavedRuns.Chosen) -> None:
        """Open a kept run, lay it under the one on the screen, or run it again."""
        if event.deed == "under":
            self.under = event.run
        elif self.is_measuring:
            self.notify("a run is under way; x stops it", severity="warning", markup=False)
            return
        elif event.deed == "repeat":
            self.query_one(PlanLine).take(event.run.plan)
            self.under = event.run
            self.measure(event.run.again())
            return
        else:
            self.run, self.ending = event.run, f"reopened {event.name}"
            self.query_one(PlanLine).take(event.run.plan)
        self.query_one("#timing-view", Choice).chosen = PLOTS[0]

    @on(PlanLine.Submitted)
    def _submitted(self) -> None:
        self.action_start()

    # Keys

    def action_view(self, step: int) -> None:
        """Show another plot."""
        self.query_one("#timing-view", Choice).action_move(step)

    def action_scale(self) -> None:
        """Linear or logarithmic axes."""
        self.scale = SCALES[(SCALES.index(self.scale) + 1) % len(SCALES)]
        self.redraw()

    def action_edit(self) -> None:
        """Go to the plan."""
        self.query_one("#lengths").focus()

    def action_leave(self) -> None:
        """From the plan to the table, where single keys are commands."""
        self.take_focus()

    def action_copy(self) -> None:
        """Copy the table, tab-separated."""
        text = "" if self.run is None else results.tsv(self.run, results.columns(self.run))
        copy(self, text, "the table")

    def action_clear_under(self) -> None:
        """Show the run on the screen alone again."""
        self.under = None
        self.redraw()

    def action_export(self) -> None:
        """Write the run on the screen as CSV into the folder the program was started in."""
        if self.run is None or not self.run.has_results:
            self.notify("nothing was measured yet", severity="warning", markup=False)
            return
        started = "" if self.run.environment is None else self.run.environment.started[:19].replace(":", "")
        path = Path.cwd() / f"timing-{started}.csv"
        try:
            write_private(path, csv_of(self.run))
        except OSError as error:
            self.notify(f"{path} cannot be written: {error.strerror}", severity="error", markup=False)
        else:
            self.notify(f"written to {path}", markup=False)
