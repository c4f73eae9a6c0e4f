"""The Parameters pane: trees, roles and configurations of all models side by side, and single tensors."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.content import Content
from textual.dom import DOMNode
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Input, Static

from encoder_tui.core.models.names import ModelError
from encoder_tui.core.parameters import correspondence
from encoder_tui.core.report.material import Material
from encoder_tui.core.text.safe import visible
from encoder_tui.window.panes.pane import VIEW_KEYS, Pane
from encoder_tui.window.panes.parameters import copying
from encoder_tui.window.panes.parameters.card_view import CardView
from encoder_tui.window.panes.parameters.descriptions import Descriptions
from encoder_tui.window.panes.parameters.difference_view import DifferenceView
from encoder_tui.window.panes.parameters.role_and_config_views import ConfigView, RolesView
from encoder_tui.window.panes.parameters.tensor_view import TensorView
from encoder_tui.window.panes.parameters.tree import ParameterTree
from encoder_tui.window.panes.parameters.trees_view import TreesView
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.clipboard import copy
from encoder_tui.window.widgets.field import Field
from encoder_tui.window.widgets.key_line import possible_changed
from encoder_tui.window.widgets.lines import Lines
from encoder_tui.window.widgets.table import Table

SEARCHED = ("trees", "config")
"""Views that have a search line."""


class ParametersPane(Pane):
    """What is inside each model, tensor by tensor, and how the architectures correspond."""

    VIEWS = ("card", "trees", "roles", "config", "tensor", "difference")
    VIEW_CHOICE = "parameters-view"
    BINDINGS = [
        *VIEW_KEYS,
        Binding("slash", "search", "Search", id="parameters.search", tooltip="Find a parameter or a setting"),
        Binding("n", "step(1)", "Next found", show=False, id="parameters.next-found"),
        Binding("N", "step(-1)", "Previous found", show=False, id="parameters.previous-found"),
        Binding(
            "o", "jump", "Other model", id="parameters.other-model", tooltip="Go to the same role in the other model"
        ),
        Binding("s", "sort", "Sort", id="parameters.sort", tooltip="Sort by size, or back to the order of the model"),
        Binding("x", "expand", "Expand all", show=False, id="parameters.expand-all"),
        Binding("z", "fold", "Fold all", show=False, id="parameters.fold-all"),
        Binding(
            "H",
            "head",
            "Head",
            show=False,
            id="parameters.head",
            tooltip="Add the head that config.json names (architectures) as a branch, or take it away",
        ),
        Binding(
            "y",
            "copy_name",
            "Copy name",
            show=False,
            id="parameters.copy-name",
            tooltip="Copy the name under the cursor; the cards as `encoder-tui info` prints them",
        ),
        Binding(
            "t",
            "copy_table",
            "Copy table",
            show=False,
            id="parameters.copy-table",
            tooltip="Copy every parameter of the current model, tab-separated, or the table of the current view",
        ),
        Binding(
            "p",
            "copy_python",
            "Copy Python",
            show=False,
            id="parameters.copy-python",
            tooltip="Copy Python code that gets the tensor",
        ),
        Binding(
            "enter",
            "open_role",
            "Show in the trees",
            show=False,
            id="parameters.show-in-the-trees",
            tooltip="Go to the tensors of the role under the cursor, in every tree",
        ),
        Binding(
            "r",
            "retry",
            "Read again",
            show=False,
            id="parameters.read-again",
            tooltip="Read again what was stopped or could not be read",
        ),
        Binding("escape", "leave_search", "Back", id="parameters.leave"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.descriptions = Descriptions(session, self.show)
        self._is_focus_lent = False
        """Whether the row of views has the focus only until a widget exists that takes movement keys."""

    @classmethod
    def widgets_with_keys(cls) -> Sequence[tuple[str | None, type[DOMNode]]]:
        return [("trees", ParameterTree)]

    @classmethod
    def shell_command(cls, view: str, text: str, source: str | None) -> Sequence[str]:
        return ["info" if view == "card" else "params"]

    def compose(self) -> ComposeResult:
        yield Static(id="parameters-sentence", markup=False)
        yield Choice(self.VIEWS, id=self.VIEW_CHOICE)
        with ContentSwitcher(initial="card", id="parameters-views"):
            cards = CardView(self.session)
            cards.id = "card"
            yield cards
            trees = TreesView(self.session.memory.state.parameters_by_size)
            trees.id = "trees"
            yield trees
        with Horizontal(id="search-line"):
            yield Static("/", id="search-sign", markup=False)
            yield Field(placeholder="part of a name, a role, a dtype or a shape", compact=True, id="search")
            yield Static(id="search-count", markup=False)

    def on_mount(self) -> None:
        self.session.models_changed.subscribe(self, lambda _: self._models_changed())
        self.query_one("#search-line").display = False
        self._models_changed()
        self.take_focus()

    def on_unmount(self) -> None:
        self.descriptions.close()

    def on_resize(self) -> None:
        self._show_sentence()

    def _models_changed(self) -> None:
        self.descriptions.update()
        self.show()

    @property
    def trees(self) -> TreesView:
        return self.query_one(TreesView)

    def show(self) -> None:
        """Show what is known so far."""
        if not self.is_mounted:
            return
        self._show_sentence()
        possible_changed(self)
        view = self.view
        self.trees.show(self.descriptions.entries)
        if self.display and self._misses_focus:
            self.take_focus()
        if isinstance(view, RolesView | ConfigView):
            view.show(self.descriptions.known, [slot.number for slot in self.session.slots])
        elif isinstance(view, CardView | TensorView | DifferenceView):
            view.show(self.descriptions.entries)

    def _show_sentence(self) -> None:
        room = max(self.size.width - 2, 1)
        for short in (False, True):
            words = correspondence.sentence(self.descriptions.known, self.session.letters, short)
            if len(words) < room:
                break
        self.query_one("#parameters-sentence", Static).update(
            Content(f" {visible(words)}").truncate(room, ellipsis=True)
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "leave_search":
            view = self.view
            is_reading = isinstance(view, DifferenceView) and view.is_reading
            is_busy = is_reading or self.descriptions.is_reading
            return self.query_one("#search-line").display or isinstance(view, TensorView) or is_busy or None
        return action != "search" or self.view_name in {"card", *SEARCHED} or None

    def possible(self, action: str) -> bool:
        """Whether an action would do something now, for the line of keys."""
        if action in {"jump", "sort"}:
            return self.view_name == "trees" and (action == "sort" or len(self.session.slots) > 1)
        return True

    def add_to_report(self, material: Material) -> None:
        """Add the descriptions of the models."""
        material.descriptions = [entry.bare for entry in self.descriptions.entries]

    # Focus

    def take_focus(self) -> None:
        """Focus the widget that takes movement keys, or the row of views, so that the pane's keys work."""
        target = self.to_move_in
        self._is_focus_lent = target is None
        # Immediately: the next key is meant for it.
        self.screen.set_focus(target or self.view_choice)

    @property
    def to_move_in(self) -> Widget | None:
        view = self.view
        if isinstance(view, Lines):
            return view
        return self.trees.tree_to_move_in if view is self.trees else next(iter(view.query(Lines)), None)

    @property
    def _is_choosing(self) -> bool:
        """Whether the user has moved the focus to the row of views."""
        return self.screen.focused is self.view_choice and not self._is_focus_lent

    @property
    def _misses_focus(self) -> bool:
        """Whether the focus is nowhere, on a hidden tree, or only lent to the row of views."""
        focused = self.screen.focused
        if isinstance(focused, ParameterTree):
            return not focused.display
        return focused is None or (self._is_focus_lent and focused is self.view_choice)

    # Views

    def view_opened(self, name: str) -> None:
        self.query_one("#search-line").display = False
        if not self._is_choosing:
            self.take_focus()
        # A widget that is hidden while focused removes the focus later, even if another widget has it by then.
        self.call_after_refresh(self.show)

    def make_view(self, name: str) -> Widget | None:
        asking = {"tensor": TensorView, "difference": DifferenceView}
        return asking[name](self.session) if name in asking else {"roles": RolesView, "config": ConfigView}[name]()

    @on(ParameterTree.Opened)
    async def _open_tensor(self, event: ParameterTree.Opened) -> None:
        """Show the values of a parameter."""
        entry = self.descriptions.entry_of(event.tree.number)
        if entry is None or entry.files is None:
            return
        if not self.query(TensorView):
            await self.view_switcher.add_content(TensorView(self.session), id="tensor")
        self.query_one(TensorView).ask(event.tree.number, entry.files, event.parameter)
        self.view_choice.chosen = "tensor"

    def action_open_role(self) -> None:
        """Go to the tensors of a role, in every tree."""
        view = self.view
        roles = self.trees.roles if view is self.trees else view
        if isinstance(roles, RolesView) and roles.rows:
            row = roles.rows[roles.query_one(Table).cursor]
            for slot, cell in zip(self.session.slots, row.cells, strict=False):
                if cell is not None and cell.first is not None:
                    self.trees.tree_of(slot.number).reveal(cell.first)
            self.view_choice.chosen = "trees"

    # Search

    def action_search(self) -> None:
        """Open the search line, in the trees if the current view cannot be searched."""
        if self.view_name not in SEARCHED:
            self.view_choice.chosen = "trees"
            self.call_after_refresh(self.action_search)
            return
        self.query_one("#search-line").display = True
        self.query_one("#search", Input).focus()
        possible_changed(self)

    @on(Input.Changed, "#search")
    def _search_changed(self, event: Input.Changed) -> None:
        view = self.view
        if isinstance(view, TreesView | ConfigView):
            self._show_count(view.search(event.value))

    @on(Input.Submitted, "#search")
    def _search_done(self) -> None:
        self.take_focus()

    def _show_count(self, words: str) -> None:
        self.query_one("#search-count", Static).update(Content(words))

    def action_step(self, step: int) -> None:
        """Go to the next or previous match; in the tensor view, to the next or previous tensor."""
        if self.view_name == "trees":
            self._show_count(self.trees.step(step))
        elif self.view_name == "tensor":
            self._step_tensor(step)

    def _step_tensor(self, step: int) -> None:
        view = self.query_one(TensorView)
        if view.asked is None:
            return
        number, name = view.asked
        entry = self.descriptions.entry_of(number)
        if entry is not None and entry.files is not None and entry.description is not None:
            parameter = entry.description.neighbour(name, step)
            self.trees.tree_of(number).reveal(parameter.name)
            view.ask(number, entry.files, parameter)

    def action_leave_search(self) -> None:
        """Stop reading; or go from a tensor back to the trees; or close the search line."""
        view = self.view
        if isinstance(view, TensorView | DifferenceView) and view.is_reading:
            view.cancel()
            return
        if isinstance(view, TensorView):
            self.view_choice.chosen = "trees"
            return
        search = self.query_one("#search", Input)
        if self.query_one("#search-line").display:
            search.value = ""
            self.query_one("#search-line").display = False
            self.take_focus()
        elif self.descriptions.is_reading:
            self.descriptions.stop()

    def action_retry(self) -> None:
        """Read again what was stopped or could not be read."""
        self.descriptions.again()

    # Trees

    def action_jump(self) -> None:
        """Go to the same role in the other model."""
        if self.view_name == "trees" and (why := self.trees.jump()):
            self.session.notice(why, "warning")

    def action_sort(self) -> None:
        """Sort by size, or back to the order of the model."""
        by_size = not self.trees.focused_tree.by_size
        for tree in self.trees.query(ParameterTree):
            tree.sort(by_size)
        self.session.memory.remember(parameters_by_size=by_size)
        self.session.notice("sorted by size" if by_size else "in the order of the model")

    def action_head(self) -> None:
        """Describe the models with the heads that their configurations name, or without them again."""
        bare = [entry.bare for entry in self.descriptions.entries]
        if bare and all(one is not None and one.head_class is None for one in bare):
            self.session.notice("no configuration names a class with a head (architectures)", "warning")
            return
        self.descriptions.with_head = not self.descriptions.with_head
        self._models_changed()
        if self.view_name == "card":
            self.view_choice.chosen = "trees"
        self.session.notice("with heads" if self.descriptions.with_head else "without heads")

    def action_expand(self) -> None:
        """Unfold everything."""
        fits = [tree.expand_everything() for tree in self.trees.query(ParameterTree)]
        if not all(fits):
            self.session.notice("a model has too many parameters to unfold every layer at once", "warning")

    def action_fold(self) -> None:
        """Fold everything."""
        for tree in self.trees.query(ParameterTree):
            tree.fold_everything()

    def action_copy_name(self) -> None:
        """Copy the name under the cursor, or the cards."""
        if isinstance(view := self.view, CardView):
            copy(self, view.copied(), "the cards")
            return
        copy(self, copying.name(self.trees.focused_tree), "the name")

    def action_copy_table(self) -> None:
        """Copy every parameter of the current model, tab-separated, or the table of the current view."""
        copy(self, copying.table(self.view, self.trees.focused_tree), "the table")

    def action_copy_python(self) -> None:
        """Copy Python code that gets the tensor."""
        try:
            snippet = copying.python(self.session, self.descriptions, self.trees.focused_tree)
        except ModelError as error:
            self.session.notice(str(error), "error")
            return
        if snippet is not None:
            copy(self, snippet, "the Python code")
