"""The Timing pane: a plan, curves that grow while measuring, a table, and sentences about them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.dom import DOMNode
from textual.events import Resize
from textual.widgets import Input, Static

from encoder_tui.core.defaults import BESIDE
from encoder_tui.core.report.material import Material, ReportedTiming
from encoder_tui.core.settings import data_path
from encoder_tui.core.text.safe import shorten, visible
from encoder_tui.core.timing.best import options
from encoder_tui.core.timing.files import csv_of
from encoder_tui.core.timing.plan import Plan, PlanError
from encoder_tui.core.timing.run import Run
from encoder_tui.core.timing.samples import Mode
from encoder_tui.core.timing.words import conclusion
from encoder_tui.core.tokens.tokenizer import TokenizationError
from encoder_tui.window.dialogs.save import Saveable, SaveDialog
from encoder_tui.window.panes.pane import VIEW_KEYS, Pane
from encoder_tui.window.panes.timing import copying, measurable, words
from encoder_tui.window.panes.timing.best_table import BestTable
from encoder_tui.window.panes.timing.chart import PLOTS, SCALES, Chart, plot_of
from encoder_tui.window.panes.timing.cost_table import CostTable
from encoder_tui.window.panes.timing.figures import Figures
from encoder_tui.window.panes.timing.measurer import Change, Measurer
from encoder_tui.window.panes.timing.plan_line import PlanLine
from encoder_tui.window.panes.timing.saved_runs import SavedRuns
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets import plots
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.clipboard import copy
from encoder_tui.window.widgets.key_line import possible_changed
from encoder_tui.window.widgets.table import Table

WIDE: Final = 100
"""The width in columns from which the table is beside the plot."""
HIGH: Final = 40
"""The height in lines from which, in a wide window, the samples of the current point are under the table."""
TINY: Final = 72
"""The width in columns that the settings of the plan need in one line."""
FRAME: Final = 0.25
"""Seconds between two frames while measuring."""


class TimingPane(Pane):
    """Latency, throughput and memory by length, drawn while they are measured."""

    VIEWS = (*PLOTS, "best", "cost", "saved")
    VIEW_CHOICE = "timing-view"
    BINDINGS = [
        Binding("s", "start", "Start", id="timing.start", tooltip="Measure what the plan asks for"),
        Binding("x", "stop", "Stop", id="timing.stop", tooltip="Stop measuring; what was measured stays"),
        Binding(
            "n",
            "notebook",
            "Current text",
            id="timing.text-at-hand",
            tooltip="Measure the current text, cut to 512 tokens, on every device",
        ),
        Binding(
            "b",
            "best",
            "Best settings",
            id="timing.best",
            tooltip="Find which threads, dtype and attention are fastest for the current text",
        ),
        *VIEW_KEYS,
        Binding("a", "scale", "Axes", id="timing.axes", tooltip="Linear or logarithmic axes"),
        Binding("e", "edit", "Plan", id="timing.plan", tooltip="Change the plan"),
        Binding("c", "export", "CSV", show=False, id="timing.csv", tooltip="Save the run to a CSV file"),
        Binding(
            "u",
            "clear_under",
            "Remove the overlay",
            show=False,
            id="timing.take-the-laid-run-away",
            tooltip="Show only the current run again",
        ),
        Binding(
            "y",
            "copy",
            "Copy table",
            show=False,
            id="timing.copy-table",
            tooltip="Copy the table in front, tab-separated",
        ),
        Binding("escape", "leave", "Leave the plan", id="timing.leave"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.measurer = Measurer(session, self._measurer_changed)
        self.under: Run | None = None
        self.scale = SCALES[0]
        self._shown: dict[str, Content] = {}
        self._drawing: set[asyncio.Task[None]] = set()
        self._drawn_at = 0.0

    @classmethod
    def widgets_with_keys(cls) -> Sequence[tuple[str | None, type[DOMNode]]]:
        return [("best", BestTable), ("saved", SavedRuns)]

    @classmethod
    def shell_command(cls, view: str, text: str, source: str | None) -> Sequence[str]:
        return ["time", "--best"] if view == "best" else ["time", "--lengths", "128,512"]

    @property
    def view_name(self) -> str:
        return self.view_choice.chosen

    def compose(self) -> ComposeResult:
        yield PlanLine(self.session.settings)
        yield Static(id="timing-sentence", markup=False)
        yield Static(id="timing-settings", markup=False)
        yield Choice(self.VIEWS, id=self.VIEW_CHOICE)
        with Horizontal(id="timing-body"):
            yield Chart(id="timing-plot")
            yield Figures()
            yield BestTable()
            yield CostTable()
            yield SavedRuns()
        yield Static(id="timing-words", markup=False)
        yield Static(id="timing-detail", markup=False)

    def on_mount(self) -> None:
        self.session.models_changed.subscribe(self, lambda _: self.redraw())
        self.session.text_changed.subscribe(self, lambda _: self.redraw())
        self.session.document_changed.subscribe(self, lambda _: self.redraw())
        self.session.engine_changed.subscribe(self, lambda _: self._learn_devices())
        # Do not draw under a dialog, in which models may change places.
        self.app.screen_change_signal.subscribe(self, lambda _: self.redraw())
        self._learn_devices()
        self._show_figures(False)
        self.query_one(SavedRuns).display = self.query_one(CostTable).display = False
        self.query_one(BestTable).display = False
        self.take_focus()
        self.redraw()

    def on_unmount(self) -> None:
        self.measurer.close()
        for task in self._drawing:
            task.cancel()

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.width < WIDE, "-narrow")
        self.set_class(event.size.width >= BESIDE and event.size.height >= HIGH, "-large")
        self.set_class(event.size.height < 30, "-low")
        self.set_class(event.size.width < TINY, "-tiny")
        self.call_after_refresh(self.redraw)

    def on_show(self) -> None:
        self.redraw()

    def take_focus(self) -> None:
        """Focus a widget that is not a text field, so that digits select panes."""
        places = self.query("#timing-saved, #timing-best, #timing-cost, #timing-table, #timing-view")
        there = (widget for widget in places if widget.display)
        # At once, because the next key is for it.
        self.screen.set_focus(min(there, key=lambda widget: widget.id == "timing-view"))

    def _learn_devices(self) -> None:
        hello = self.session.hello
        if hello is not None and hello.devices:
            self.query_one(PlanLine).offer_devices(hello.devices)

    def possible(self, action: str) -> bool:
        """Return whether an action would do something now, for the footer."""
        if action == "leave":
            return isinstance(self.app.focused, Input)
        if action in {"start", "notebook", "best", "stop"}:
            return self.measurer.is_measuring == (action == "stop")
        if action == "copy":
            return self.measurer.run is not None or self.query_one(SavedRuns).display
        return True

    def add_to_report(self, material: Material) -> None:
        """Add the current run."""
        run = self.measurer.run
        if run is not None and run.has_results:
            points = [(run.label(place[1]), run.samples[place]) for place, _ in run.records()]
            names = {run.label(column): about.name for column, about in enumerate(run.columns)}
            material.timing = ReportedTiming(points, names, run.environment, conclusion(run))

    # Measuring

    def _plan(self) -> Plan:
        """Return the plan in the fields. Raises `PlanError`."""
        return self.query_one(PlanLine).plan()

    def action_start(self) -> None:
        """Start the sweep of the plan."""

        def start() -> None:
            run = measurable.sweep_run(self.session, self._plan)
            if not run.planned:
                raise PlanError("no model accepts any of these lengths")
            self.measurer.measure(run)

        self._begin(start)

    def action_notebook(self) -> None:
        """Measure the current text, cut to 512 tokens, on every device."""
        self._begin(lambda: self.measurer.measure(measurable.run_of_text(self.session, self._plan)))

    def action_best(self) -> None:
        """Find the fastest threads, dtype and attention for the current text."""

        def start() -> None:
            models, inputs = measurable.search_inputs(self.session)
            self.measurer.look_for_best(models, inputs, True in self._plan().compiled)

        self._begin(start)

    def _begin(self, start: Callable[[], None]) -> None:
        """Start a run, unless one is in progress or `start` fails."""
        if self.measurer.is_measuring:
            self._warn("a run is under way; x stops it")
            return
        try:
            start()
        except (PlanError, TokenizationError) as error:
            self._warn(str(error))
        else:
            self._begun()

    def _warn(self, sentence: str) -> None:
        self.notify(visible(sentence), severity="warning", markup=False)

    def _begun(self) -> None:
        """Show the new run in place of the list of saved runs."""
        view = self.view_choice
        is_best = self.measurer.run is not None and self.measurer.run.plan.best
        if is_best or view.chosen not in PLOTS:
            view.chosen = "best" if is_best else PLOTS[0]
            self._show_view()
        self.query_one("#timing-table", Table).cursor = 0
        self.take_focus()
        possible_changed(self)

    async def _measurer_changed(self, change: Change) -> None:
        """Draw what changed, and return once it is on the screen.

        Samples are not drawn if the last frame was a moment ago. A new row always is: its first pass may take long,
        and meanwhile nothing else will be.
        """
        if change == "run":
            possible_changed(self)
            await self.draw()
            return
        wait = self._drawn_at + FRAME - time.monotonic()
        if wait > 0 and change == "row":
            await asyncio.sleep(wait)
        if wait <= 0 or change == "row":
            await self.draw()
        is_on_screen = asyncio.Event()
        if self._is_in_sight and self.call_after_refresh(is_on_screen.set):
            await is_on_screen.wait()

    def action_stop(self) -> None:
        """Stop measuring; what was measured stays."""
        if not self.measurer.stop():
            self.notify("nothing is being measured", markup=False)

    # Drawing

    def redraw(self) -> None:
        """Draw everything as it is now, soon."""
        task = asyncio.create_task(self.draw())
        self._drawing.add(task)
        task.add_done_callback(self._drawing.discard)

    @property
    def _is_in_sight(self) -> bool:
        return self.is_mounted and self.display and self.app.screen is self.screen

    async def draw(self) -> None:
        """Build the plot in a thread, then draw everything at once; unchanged parts are left alone."""
        if not self._is_in_sight or not self.size.width:
            return
        self._drawn_at = time.monotonic()
        self._show_texts()
        run, chart = self.measurer.run, self.query_one("#timing-plot", Chart)
        plot = self.view_name
        if plot == "best":
            self.query_one(BestTable).look(run, not self.measurer.is_measuring)
        if plot == "cost":
            self.query_one(CostTable).look(self.session, run, self.session.document_or_text)
        if plot not in PLOTS:
            return
        self._show_table(run)
        if run is None or not run.has_results or run.plan.best:
            chart.show([], words.what_will_stand_here(self.session, run))
            return
        await self._draw_plot(chart, run, plot)
        point = self.query_one(Figures).point
        if point.display and point.size:
            await self._draw_plot(point, run, "samples")

    async def _draw_plot(self, chart: Chart, run: Run, plot: str) -> None:
        row = self.query_one("#timing-table", Table).cursor
        title, curves, axes = plot_of(run, plot, self.scale, row, self.under)
        width, height = chart.size
        lines = await asyncio.to_thread(plots.curves, curves, axes, width - 1, height - 1)
        if run is self.measurer.run and self.is_mounted:
            chart.show([[(shorten(f" {title}", width - 1), None)], *lines] if lines else [], ["nothing to plot yet"])

    def _show_table(self, run: Run | None) -> None:
        figures = self.query_one(Figures)
        had_none = not figures.display
        has_table = run is not None and not run.plan.best
        self._show_figures(has_table)
        if run is None or not has_table:
            return
        if had_none and self.view_choice.has_focus:
            figures.table.focus()
        figures.take(run, None if self.has_class("-narrow") else self.size.width, self.has_class("-large"))

    def _show_figures(self, are_shown: bool) -> None:
        is_plotted = self.view_choice.chosen == "samples"
        self.query_one(Figures).show(are_shown, self.has_class("-large") and not is_plotted)

    def _show_texts(self) -> None:
        run, width = self.measurer.run, self.size.width
        if run is not None:
            line = words.run_summary(run, self.measurer, width)
        else:
            try:
                line = words.plan_summary(measurable.sweep_run(self.session, self._plan))
            except PlanError as error:
                line = str(error)
        self._say("timing-sentence", words.headline(line, width))
        view = self.view_name
        is_plot = view in PLOTS
        under = self.under if is_plot else None
        self._say("timing-settings", words.settings(self.session, run, under, width))
        is_low = self.has_class("-low")
        self._say("timing-words", words.remarks(run, width, is_low))
        # Reserve the final height, so that the plot above does not move.
        self.query_one("#timing-words").styles.height = lines = words.room_for_remarks(run, is_low)
        row = self.query_one("#timing-table", Table).cursor
        self._say("timing-detail", words.detail(run, row, width))
        self.query_one("#timing-words").display = lines > 0 and (is_plot or view == "best")
        self.query_one("#timing-detail").display = run is not None and is_plot and not run.plan.best

    def _say(self, name: str, content: Content) -> None:
        if self._shown.get(name) != content:
            self._shown[name] = content
            widget = self.query_one(f"#{name}", Static)
            widget.display = bool(content.plain)
            widget.update(content)

    @on(Chart.Resized)
    @on(PlanLine.Changed)
    @on(Table.Moved)
    def _something_changed(self) -> None:
        self.redraw()

    async def bring_view(self, name: str) -> None:
        # Views are not switched: widgets that a view does not need are hidden.
        self._show_view()

    def _show_view(self) -> None:
        """Show the plot and table, or in their place the costs, the best settings or the saved runs."""
        kept, cost, best = self.query_one(SavedRuns), self.query_one(CostTable), self.query_one(BestTable)
        view = self.view_name
        had_focus = self.screen.focused in {kept, cost, best, self.query_one("#timing-table", Table)}
        kept.display, cost.display, best.display = view == "saved", view == "cost", view == "best"
        self.query_one("#timing-plot").display = view in PLOTS
        run = self.measurer.run
        self._show_figures(view in PLOTS and run is not None and not run.plan.best)
        if view == "saved":
            kept.look(data_path() / "timing")
        if had_focus or view not in PLOTS:
            self.take_focus()
        self.redraw()

    @on(SavedRuns.Chosen)
    def _use_saved(self, event: SavedRuns.Chosen) -> None:
        """Open a saved run, show it as an overlay, or run it again."""
        if event.deed == "under":
            self.under = event.run
        elif event.deed == "repeat":
            self._begin(lambda: self._repeat(event.run))
            return
        elif self.measurer.is_measuring:
            self._warn("a run is under way; x stops it")
            return
        else:
            self.measurer.show(event.run, f"reopened {event.name}")
            self.query_one(PlanLine).take(event.run.plan)
        is_best = event.run.plan.best and event.deed == "open"
        self.view_choice.chosen = "best" if is_best else PLOTS[0]

    def _repeat(self, run: Run) -> None:
        self.query_one(PlanLine).take(run.plan)
        self.under = None if run.plan.best else run
        self.measurer.measure(run.again(measurable.timed_models(self.session)))

    @on(BestTable.Taken)
    def _run_with(self, event: BestTable.Taken) -> None:
        """Run with settings that were tried, and put them into the plan."""
        self.session.run_with(**event.settings)
        self.query_one(PlanLine).run_with(self.session.settings)
        said = options(event.settings, Mode())
        self.notify(f"models use these settings until the window is closed; in a command: {said}", markup=False)

    @on(PlanLine.Submitted)
    def _submitted(self) -> None:
        self.action_start()

    # Keys

    def action_scale(self) -> None:
        """Switch between linear and logarithmic axes."""
        self.scale = SCALES[(SCALES.index(self.scale) + 1) % len(SCALES)]
        self.redraw()

    def action_edit(self) -> None:
        """Focus the plan."""
        self.query_one("#lengths").focus()

    def action_leave(self) -> None:
        """Leave the plan for the table, where single keys are commands."""
        self.take_focus()

    def action_copy(self) -> None:
        """Copy the table in front, tab-separated."""
        of_view = self.query(f"#timing-{self.view_name}").results(Table)
        copy(self, copying.table(self.measurer.run, next(of_view, None)), "the table")

    def action_export(self) -> None:
        """Ask for a path to save the current run as CSV."""
        run = self.measurer.run
        if run is None or not run.has_results:
            self._warn("nothing was measured yet")
            return
        started = "" if run.environment is None else run.environment.started[:19].replace(":", "")

        async def made() -> str:
            return csv_of(run)

        self.app.push_screen(SaveDialog([Saveable("run", f"timing-{started}.csv", made)]))

    def action_clear_under(self) -> None:
        """Remove the overlay."""
        self.under = None
        self.redraw()
