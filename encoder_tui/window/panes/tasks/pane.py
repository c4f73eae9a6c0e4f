"""The Tasks pane: uses the models for what they are for."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.dom import DOMNode
from textual.widgets import ContentSwitcher, Input, Static, TextArea

from encoder_tui.core.defaults import MAXIMUM, TRAINED
from encoder_tui.core.tasks.masked import MASK
from encoder_tui.window.panes.pane import VIEW_KEYS, Pane
from encoder_tui.window.panes.tasks.encoding import encoding
from encoder_tui.window.panes.tasks.similarity import SimilarityView
from encoder_tui.window.panes.tasks.texts import Texts
from encoder_tui.window.panes.tasks.view import TasksState, TaskView
from encoder_tui.window.session.session import Session
from encoder_tui.window.textual_fixes import workers
from encoder_tui.window.theme import QUIET
from encoder_tui.window.widgets.about_line import about_line
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.clipboard import copy
from encoder_tui.window.widgets.key_line import possible_changed
from encoder_tui.window.widgets.shaded_grid import ShadedGrid

if TYPE_CHECKING:
    pass

VIEW_CLASSES: Final = {
    "similarity": "similarity.SimilarityView",
    "vectors": "vectors.VectorsView",
    "dimensions": "dimensions.DimensionsView",
    "tokens": "token_states.TokenStatesView",
    "terms": "terms.TermsView",
    "pairs": "pairs.PairsView",
    "predict": "predict.PredictView",
    "masked": "masked.MaskedView",
    "triplets": "triplets.TripletsView",
}
"""The views, with the class of each, which is imported when the view is first shown."""
LOCAL: Final = {"builtin", "directory"}
"""Sources of models whose weights lie beside their configuration, or nowhere."""


class TasksPane(Pane):
    """Every model's answers to the question of the view in front."""

    VIEWS = tuple(VIEW_CLASSES)
    VIEW_CHOICE = "tasks-view"
    DEFAULT_CSS = """
    TasksPane { height: 1fr; }
    TasksPane > #tasks-about { height: 1; }
    TasksPane > #tasks-sentence { height: auto; max-height: 3; padding: 0 1; text-style: bold; }
    TasksPane > #tasks-views { height: 1fr; }
    """
    BINDINGS = [
        Binding("r", "run", "Run", id="tasks.run", tooltip="Put the question of the view to every model"),
        Binding(
            "x,escape",
            "cancel",
            "Cancel",
            id="tasks.cancel",
            tooltip="Cancel the current question; in a text field, leave it",
        ),
        *VIEW_KEYS,
        Binding("e", "edit", "Edit", id="tasks.edit", tooltip="Go to the text field of the view"),
        Binding(
            "d",
            "document",
            "Text or document",
            show=False,
            id="tasks.text-or-document",
            tooltip="Use the open document instead of the view's own texts, or these again",
        ),
        Binding(
            "u", "unload", "Unload", show=False, id="tasks.unload", tooltip="Free the memory of weights and outputs"
        ),
        Binding(
            "a",
            "add_trained",
            "Add builtin:tiny",
            id="tasks.add-trained",
            tooltip="Add builtin:tiny, which was trained on the sample documents, beside models with random weights",
        ),
        Binding(
            "p",
            "copy_python",
            "Copy Python",
            show=False,
            id="tasks.copy-python",
            tooltip="Copy Python code that gives what the view shows, with the library that models are deployed with",
        ),
        Binding("y", "copy", "Copy the view", show=False, id="tasks.copy", tooltip="Copy what the view shows"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        texts = Texts(session)
        asker = encoding(session, texts, self._answered, self._summary_changed)
        self.state = TasksState(session, texts, asker)

    @classmethod
    def widgets_with_keys(cls) -> Sequence[tuple[str | None, type[DOMNode]]]:
        # Not for the first paint.
        from encoder_tui.window.panes.tasks.predict import PredictView  # noqa: PLC0415
        from encoder_tui.window.panes.tasks.token_states import TokenStatesView  # noqa: PLC0415
        from encoder_tui.window.widgets.scrolling_text import ScrollingText  # noqa: PLC0415

        return [
            ("similarity", SimilarityView),
            ("similarity", ShadedGrid),
            ("tokens", TokenStatesView),
            ("predict", PredictView),
            ("predict", ScrollingText),
        ]

    @classmethod
    def shell_command(cls, view: str, text: str, source: str | None) -> Sequence[str]:
        if view == "predict":
            return ["predict", text]
        return ["predict", f"{text} {MASK}"] if view == "masked" else ["encode", text]

    def compose(self) -> ComposeResult:
        yield Static(id="tasks-about", markup=False)
        yield Static(id="tasks-sentence", markup=False)
        yield Choice(self.VIEWS, id=self.VIEW_CHOICE)
        yield self.state.texts
        with ContentSwitcher(initial=self.VIEWS[0], id="tasks-views"):
            view = SimilarityView(self.state)
            view.id = self.VIEWS[0]
            yield view

    def on_mount(self) -> None:
        self.session.models_changed.subscribe(self, lambda _: self._show())
        self.session.engine_memory.changed.subscribe(self, lambda _: self._show_words())
        self.take_focus()

    def on_resize(self) -> None:
        self._show()

    @property
    def view(self) -> TaskView:
        """The view in front."""
        found = super().view
        assert isinstance(found, TaskView)
        return found

    def _show(self) -> None:
        if not self.is_mounted or not self.size.width:
            return
        # First the view, which forgets answers of models that are gone; the words are of what it then has.
        self.view.show()
        self._show_words()
        possible_changed(self)

    @on(Texts.Changed)
    def _answered(self) -> None:
        if self.is_mounted:
            self.view.draw()
            self._summary_changed()

    def _show_words(self) -> None:
        width = self.size.width
        if not self.is_mounted or not width:
            return
        held = self.session.engine_memory.summary
        left = Content.styled(f" {self.view.about}", QUIET).truncate(max(width - len(held) - 3, 8), ellipsis=True)
        self.query_one("#tasks-about", Static).update(about_line(left, held, width))
        # Three lines at most; words that wrap leave some cells of a line empty.
        asker = self.view.asker
        said = self.view.summary()
        if not said and asker.errors and not asker.answers:
            said = "No model could answer; below is why"
        summary = Content(said).truncate(3 * width - 24, ellipsis=True)
        self.query_one("#tasks-sentence", Static).update(summary)

    @on(TaskView.SummaryChanged)
    def _summary_changed(self) -> None:
        if self.is_mounted:
            self._show_words()
            possible_changed(self)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "cancel":
            return self.view.asker.is_asking or isinstance(self.app.focused, TextArea | Input) or None
        if action == "add_trained":
            return self.has_only_random or None
        return True

    # Views

    def make_view(self, name: str) -> TaskView:
        module, class_name = VIEW_CLASSES[name].split(".")
        # Not needed for the first paint.
        imported = importlib.import_module(f"encoder_tui.window.panes.tasks.{module}")
        made = getattr(imported, class_name)(self.state)
        assert isinstance(made, TaskView)
        return made

    def view_opened(self, name: str) -> None:
        self.state.texts.display = self.view.takes_texts
        self.call_after_refresh(self._show)
        if not self.view_choice.has_focus:
            self.take_focus()

    def take_focus(self) -> None:
        """Take the focus in the current view."""
        self.screen.set_focus(self.to_move_in or self.view_choice)  # immediately: the next key is meant for it

    # Keys

    def action_run(self) -> None:
        """Put the question of the view in front to every model."""
        self.view.ask()

    def action_cancel(self) -> None:
        """Cancel the current question; in a text field, leave it."""
        if isinstance(self.app.focused, TextArea | Input):
            self.take_focus()
        elif self.view.cancel():
            # Weights may have been loaded by then.
            workers.start(self, self.session.engine_memory.ask, group="memory")

    def action_document(self) -> None:
        """Use the open document instead of the view's own texts, or these again."""
        if not self.view.take_document():
            self.session.notice("this view has texts of its own; e edits them", "warning")

    def action_unload(self) -> None:
        """Free the memory of weights and outputs."""
        self.view.cancel()
        # Not awaited here: while the engine is busy or hung, every key would wait.
        workers.start(self, self.session.engine_memory.unload, group="unload", exclusive=True)

    def action_edit(self) -> None:
        """Go to the text field of the view, if it has one."""
        place = self.state.texts if self.view.takes_texts else self.view
        for field in place.query(TextArea):
            field.focus()

    @property
    def has_only_random(self) -> bool:
        """Whether every model that has loaded lacks weights, so that no answer means anything."""
        files = [slot.files for slot in self.session.slots]
        return all(one is not None and not one.has_weights and one.source in LOCAL for one in files)

    def action_add_trained(self) -> None:
        """Add the built-in model that is trained, beside models with random weights or in place of the last."""
        if len(self.session.slots) < MAXIMUM:
            self.session.add(TRAINED)
        else:
            self.session.replace(MAXIMUM - 1, TRAINED)

    def action_copy_python(self) -> None:
        """Copy Python code that gives what the view shows."""
        copy(self, self.view.python(), "the Python code", "there is nothing to reproduce yet; press r")

    def action_copy(self) -> None:
        """Copy what the current view shows."""
        copy(self, self.view.copied(), "the values", self.view.why_not_copied)
