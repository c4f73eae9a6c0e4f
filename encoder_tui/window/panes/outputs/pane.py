"""The Outputs pane: runs the models on the text and shows their outputs."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.dom import DOMNode
from textual.widgets import ContentSwitcher, Input, Static

from encoder_tui.core.report.material import Material, ReportedRun
from encoder_tui.window.panes.outputs import words
from encoder_tui.window.panes.outputs.list_view import ListView, OutputTable
from encoder_tui.window.panes.outputs.runs import Question, Runs
from encoder_tui.window.panes.outputs.saving import SavePath, save, snippet
from encoder_tui.window.panes.outputs.view import OutputsState, OutputView
from encoder_tui.window.panes.pane import VIEW_KEYS, Pane
from encoder_tui.window.panes.registry import NO_DOCUMENT
from encoder_tui.window.session.session import Session
from encoder_tui.window.textual_fixes import workers
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.clipboard import copy
from encoder_tui.window.widgets.key_line import possible_changed

if TYPE_CHECKING:
    from encoder_tui.client.client import EngineState

VIEW_CLASSES: Final = {
    "list": "list_view.ListView",
    "map": "matrix_views.HeatmapView",
    "numbers": "matrix_views.NumbersView",
    "norms": "norms.NormsView",
    "attention": "attention.AttentionView",
}
"""The views, with the class of each, which is imported when the view is first shown."""
MODELS: Final = 8
"""Lines that models and remarks may use in any window; in a high one, a third of its height."""


class OutputsPane(Pane):
    """Every model's outputs for the current text."""

    VIEWS = tuple(VIEW_CLASSES)
    VIEW_CHOICE = "outputs-view"
    DEFAULT_CSS = """
    OutputsPane { height: 1fr; }
    OutputsPane > #outputs-text { height: 1; }
    OutputsPane > #outputs-models { height: auto; }
    OutputsPane > #outputs-sentence { height: auto; max-height: 3; padding: 0 1; text-style: bold; }
    OutputsPane > #outputs-views { height: 1fr; }
    """
    BINDINGS = [
        Binding(
            "r",
            "run",
            "Run",
            id="outputs.run",
            tooltip="Run every model on the text",
        ),
        Binding(
            "x,escape",
            "cancel",
            "Cancel",
            id="outputs.cancel",
            tooltip="Cancel the current run; in a text field, leave it",
        ),
        *VIEW_KEYS,
        Binding(
            "s",
            "run_with('hidden_states')",
            "Hidden states",
            id="outputs.hidden-states",
            tooltip="Run with the hidden states of all layers, or without them",
        ),
        Binding(
            "a",
            "run_with('attentions')",
            "Attentions",
            id="outputs.attentions",
            tooltip="Run with the attentions of all layers, or without them",
        ),
        Binding(
            "d",
            "document",
            "Text or document",
            show=False,
            id="outputs.text-or-document",
            tooltip="Use the open document instead of the text, or the text again",
        ),
        Binding(
            "u", "unload", "Unload", show=False, id="outputs.unload", tooltip="Free the memory of weights and outputs"
        ),
        Binding("w", "save", "Save", id="outputs.save", tooltip="Save the outputs to a file"),
        Binding("y", "copy", "Copy the view", show=False, id="outputs.copy", tooltip="Copy what the view shows"),
        Binding(
            "p",
            "copy_python",
            "Copy Python",
            show=False,
            id="outputs.copy-python",
            tooltip="Copy Python code that gives the same tensors with transformers",
        ),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.runs = Runs(session, self._show)
        self.state = OutputsState(session, self.runs)
        self._wishes: dict[str, bool] = {"hidden_states": False, "attentions": False}

    @classmethod
    def widgets_with_keys(cls) -> Sequence[tuple[str | None, type[DOMNode]]]:
        from encoder_tui.window.panes.outputs.tensor_view import Look  # noqa: PLC0415  # not for the first paint
        from encoder_tui.window.widgets.matrix import Matrix  # noqa: PLC0415

        return [("list", OutputTable), ("map", Look), ("map", Matrix)]

    @classmethod
    def shell_command(cls, view: str, text: str, source: str | None) -> Sequence[str]:
        return ["run", text, *(["--attentions"] if view == "attention" else [])]

    def compose(self) -> ComposeResult:
        yield Static(id="outputs-text", markup=False)
        yield Static(id="outputs-models", markup=False)
        yield Static(id="outputs-sentence", markup=False)
        yield SavePath(id="outputs-path")
        yield Choice(self.VIEWS, id=self.VIEW_CHOICE)
        with ContentSwitcher(initial="list", id="outputs-views"):
            view = ListView(self.state)
            view.id = "list"
            yield view

    def on_mount(self) -> None:
        self.session.models_changed.subscribe(self, lambda _: self.runs.models_changed())
        self.session.text_changed.subscribe(self, lambda _: self.runs.text_changed())
        self.session.document_changed.subscribe(self, lambda _: self.runs.text_changed())
        self.session.engine_changed.subscribe(self, self._engine_changed)
        self.session.engine_memory.changed.subscribe(self, lambda _: self.runs.memory_changed())
        self.screen.set_focus(self.query_one(OutputTable))

    def on_unmount(self) -> None:
        self.runs.close()

    def on_resize(self) -> None:
        self._show()

    def _engine_changed(self, state: EngineState) -> None:
        if state.status in {"died", "stopped"}:
            self.runs.engine_died()

    # From the runs to the screen

    @property
    def view(self) -> OutputView:
        """The view in front."""
        found = super().view
        assert isinstance(found, OutputView)
        return found

    def _show(self) -> None:
        if not self.is_mounted or not self.size.width:
            return
        self._show_words()
        self.view.show()
        possible_changed(self)

    def _show_words(self) -> None:
        width = self.size.width
        line = words.text_line(self.session, self.runs, width)
        self.query_one("#outputs-text", Static).update(line)
        lines = [words.model_line(slot, self.runs.of(slot), width) for slot in self.session.slots]
        # A remark may need two lines: it must not be cut.
        room = max(MODELS, self.size.height // 3)
        remarks = words.fitted(words.remarks(self.session, self.runs), width, room - len(lines))
        self.query_one("#outputs-models", Static).update(Content("\n").join([*lines, *remarks]))
        summary = self.view.summary() or words.runs_summary(self.session, self.runs)
        # Three lines at most; words that wrap leave some cells of a line empty.
        self.query_one("#outputs-sentence", Static).update(Content(summary).truncate(3 * width - 24, ellipsis=True))

    @on(OutputView.SummaryChanged)
    def _summary_changed(self) -> None:
        self._show_words()
        possible_changed(self)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "cancel":
            is_busy = self.runs.is_running or self.is_saving
            return is_busy or isinstance(self.app.focused, Input) or None
        return True

    def possible(self, action: str) -> bool:
        """Whether an action would do something now, for the line of keys."""
        if action == "save":
            return any(run.answer is not None and run.is_held for run in self.runs.runs)
        return True

    def add_to_report(self, material: Material) -> None:
        """Add the outputs, and what they are for."""
        if self.runs.runs:
            asked = self.runs.runs[0].question
            what = "the open document" if asked.of_document else "the text"
            there = self.session.document if asked.of_document else self.session.text
            has_changed = f"an earlier text, not the one in this report ({what} has changed)"
            material.run_of = what if asked.text == there else has_changed
        for slot in self.session.slots:
            run = self.runs.of(slot)
            if run is not None:
                material.runs.append(ReportedRun(slot.letter, slot.name, run.answer, run.error))

    # Views

    def make_view(self, name: str) -> OutputView:
        module, class_name = VIEW_CLASSES[name].split(".")
        # Not needed for the first paint.
        made = getattr(importlib.import_module(f"encoder_tui.window.panes.outputs.{module}"), class_name)(self.state)
        assert isinstance(made, OutputView)
        return made

    def view_opened(self, name: str) -> None:
        self.call_after_refresh(self._show)
        if not self.view_choice.has_focus:
            self.take_focus()

    def take_focus(self) -> None:
        """Take the focus in the current view; not in the path, which comes first and is hidden."""
        self.screen.set_focus(self.to_move_in or self.view_choice)  # immediately: the next key is meant for it

    @on(OutputTable.Opened)
    def _open(self) -> None:
        chosen = self.state.chosen()
        is_attention = chosen is not None and len(chosen.output.shape) == 4
        self.view_choice.chosen = "attention" if is_attention else "map"

    # Keys

    def action_run(self) -> None:
        """Run the models on the text."""
        self._start()

    def _start(self) -> None:
        self.runs.start(Question(self.runs.text, **self._wishes, of_document=self.runs.of_document))

    def action_run_with(self, what: str) -> None:
        """Run with more outputs, or without them again."""
        self._wishes[what] = not self._wishes[what]
        self._start()

    def action_cancel(self) -> None:
        """Cancel the current run; in a text field, leave it."""
        if isinstance(self.app.focused, Input):
            self.query_one(SavePath).display = False
            self.take_focus()
        elif self.is_saving:
            self.workers.cancel_group(self, "save")
            self.session.notice("nothing was saved; an existing file of that name is unchanged")
        elif self.runs.cancel():
            # Weights may have been loaded by then.
            workers.start(self, self.session.engine_memory.ask, group="memory")

    @property
    def is_saving(self) -> bool:
        """Whether a file is being written."""
        return any(worker.group == "save" and not worker.is_finished for worker in self.workers)

    def action_document(self) -> None:
        """Use the document of the Documents pane instead of the text, or the text again."""
        if self.session.document is None:
            self.session.notice(NO_DOCUMENT, "warning")
            return
        self.runs.of_document = not self.runs.of_document
        self.runs.text_changed()

    def action_unload(self) -> None:
        """Free the memory of weights and outputs."""
        # Not awaited here: while the engine is busy or hung, every key would wait.
        workers.start(self, self.runs.unload, group="unload", exclusive=True)

    def action_save(self) -> None:
        """Ask for a path to save the outputs to."""
        if any(run.answer is not None and run.is_held for run in self.runs.runs):
            self.query_one(SavePath).open()
        else:
            self.session.notice("there is nothing to save yet; press r to run the models", "warning")

    @on(SavePath.Chosen)
    def _save(self, event: SavePath.Chosen) -> None:
        self.take_focus()
        workers.start(self, partial(save, self.session, self.runs, event.path), group="save", exclusive=True)

    def action_copy_python(self) -> None:
        """Copy Python code that gives the same tensors with transformers."""
        runs = [run for run in self.runs.runs if run.answer is not None]
        copy(self, snippet(runs) if runs else "", "the Python code")

    def action_copy(self) -> None:
        """Copy what the current view shows."""
        copy(self, self.view.copied(), "the values", self.view.why_not_copied)
