"""The trees of all models side by side, a search over them, and the details of the node under the cursor."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.events import DescendantFocus, Resize
from textual.widgets import Static, Tree

from encoder_tui.core.defaults import BESIDE, LETTERS
from encoder_tui.core.parameters import search as parameter_search
from encoder_tui.core.parameters.correspondence import counterpart
from encoder_tui.core.parameters.description import Description
from encoder_tui.core.text.safe import visible
from encoder_tui.window.panes.parameters.descriptions import Described
from encoder_tui.window.panes.parameters.detail import detail_lines
from encoder_tui.window.panes.parameters.role_and_config_views import ConfigView, RolesView
from encoder_tui.window.panes.parameters.tree import ParameterTree

HIGH = 40
"""Lines needed to show the roles and some of the settings below them."""
NARROWEST = 50
"""Columns that a tree needs for its names and numbers; with fewer, the trees are placed above each other."""


class TreesView(Vertical):
    """One tree for each model, side by side, or one above the other in a narrow window."""

    DEFAULT_CSS = """
    TreesView { height: 1fr; }
    TreesView > #sides { height: 1fr; layout: grid; }
    TreesView .side { width: 1fr; height: 1fr; }
    TreesView .side > .words { height: auto; max-height: 3; padding: 0 1; color: $text-muted; }
    TreesView .side.-failed > .words { color: $text-error; }
    TreesView #detail { height: 4; border-top: solid $foreground 15%; }
    TreesView.-wide { layout: horizontal; }
    TreesView.-wide #detail { dock: bottom; }
    TreesView > #beside { display: none; width: 42%; border-left: solid $foreground 15%; padding: 0 0 0 1; }
    TreesView.-wide > #beside { display: block; }
    TreesView #beside RolesView { height: auto; border-bottom: solid $foreground 15%; }
    TreesView #beside #roles-table { height: auto; max-height: 20; }
    """

    def __init__(self, by_size: bool = False) -> None:
        super().__init__()
        self._by_size = by_size
        self.entries: list[Described] = []
        self._focused = 0
        self._config: ConfigView | None = None
        self.roles: RolesView | None = None
        """The roles of all models, beside the trees in a wide window."""
        self._hits: list[tuple[int, str]] = []
        self._hit = -1

    def compose(self) -> ComposeResult:
        with Container(id="sides"):
            for number in range(len(LETTERS)):
                with Vertical(classes="side", id=f"side-{number}"):
                    yield Static(classes="words", markup=False)
                    tree = ParameterTree(number)
                    tree.by_size = self._by_size
                    yield tree
        yield Static(id="detail", markup=False)

    async def on_resize(self, event: Resize) -> None:
        is_wide = event.size.width >= BESIDE and event.size.height >= HIGH
        self.set_class(is_wide, "-wide")
        self._arrange()
        self._show_detail()
        if is_wide and self.roles is None:
            roles, config = RolesView(), ConfigView()
            await self.mount(Vertical(roles, config, id="beside"))
            # Stored only now, because they cannot show anything before they are mounted.
            self.roles, self._config = roles, config
            self.call_after_refresh(self._show_beside)

    def _arrange(self) -> None:
        """Place as many trees side by side as fit."""
        number = max(len(self.entries), 1)
        room = self.size.width * 58 // 100 if self.has_class("-wide") else self.size.width
        self.query_one("#sides").styles.grid_size_columns = max(min(number, room // NARROWEST), 1)

    def _show_beside(self) -> None:
        """In a wide window, show the roles and settings of all models beside the trees."""
        if self.roles is not None and self._config is not None and self.has_class("-wide"):
            self.roles.show([*self.known.values()], [*self.known])
            self._config.show([*self.known.values()], [*self.known])
            self._show_detail()

    @property
    def known(self) -> dict[int, Description | None]:
        """The descriptions, by the numbers of the letters."""
        return {entry.number: entry.description for entry in self.entries}

    @property
    def focused_tree(self) -> ParameterTree:
        """The tree that has the focus, or had it last."""
        return self.tree_of(self._focused)

    @property
    def tree_to_move_in(self) -> ParameterTree | None:
        """The tree that has the focus, or had it last; if its model failed, another one; None if no tree is ready."""
        there = [number for number, description in self.known.items() if description is not None]
        if self._focused in there:
            return self.focused_tree
        is_failed = any(entry.is_failed for entry in self.entries if entry.number == self._focused)
        return self.tree_of(there[0]) if is_failed and there else None

    def tree_of(self, number: int) -> ParameterTree:
        """Return the tree of a letter, by its number."""
        return self.query_one(f"#tree-{number}", ParameterTree)

    def show(self, entries: list[Described]) -> None:
        """Show the models; for one without a description, show the reason."""
        self.entries = entries
        # Matches in a model that was removed or is not described yet cannot be visited.
        self._hits = [hit for hit in self._hits if self.known.get(hit[0]) is not None]
        self._arrange()
        by_number = {entry.number: entry for entry in entries}
        for number in range(len(LETTERS)):
            side = self.query_one(f"#side-{number}")
            side.display = number in by_number
            if number not in by_number:
                continue
            entry, tree = by_number[number], self.tree_of(number)
            words = entry.message
            if entry.description is not None:
                words = "; ".join(entry.description.remarks)
                tree.show(entry.description)
            else:
                tree.forget()
            tree.display = entry.description is not None
            side.set_class(entry.is_failed, "-failed")
            line = side.query_one(".words", Static)
            line.update(Content(visible(f"{LETTERS[number]}  {words}")))
            line.display = bool(words)
        if self._focused not in by_number:
            self._focused = min(by_number, default=0)
        self._show_beside()
        self._show_detail()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        if isinstance(event.widget, ParameterTree):
            self._focused = event.widget.number
            self._show_detail()

    @on(Tree.NodeHighlighted)
    def _moved(self, event: Tree.NodeHighlighted[object]) -> None:
        if event.control is self.focused_tree:
            self._show_detail()

    def _show_detail(self) -> None:
        node = self.focused_tree.current if self.entries else None
        detail = self.query_one("#detail", Static)
        if node is None or self._focused not in self.known:
            detail.update(Content(""))
        else:
            detail.update(detail_lines(self._focused, node, self.known, self.size.width))
            if self.roles is not None and node.parameters:
                self.roles.point((node.parameter or node.parameters[0]).role)

    # Search

    def search(self, query: str) -> str:
        """Mark the matches of a search, go to the first one, and return the numbers of matches in words."""
        self._hits = []
        counts = []
        for number, description in self.known.items():
            names = [] if description is None else parameter_search.matches(description, query)
            self.tree_of(number).mark(names)
            self._hits += [(number, name) for name in names]
            counts.append(f"{LETTERS[number]} {len(names):,}")
        self._hit = -1
        if not query.strip():
            return ""
        if not self._hits:
            return "nothing found"
        self.step(1, focus=False)
        return f"{self._hit + 1:,} of {len(self._hits):,}: {', '.join(counts)}"

    def step(self, step: int, focus: bool = True) -> str:
        """Go to the next or previous match, and return its number in words."""
        if not self._hits:
            return "nothing found"
        self._hit = (self._hit + step) % len(self._hits)
        number, name = self._hits[self._hit]
        self._focused = number
        self.tree_of(number).reveal(name)
        if focus:
            self.tree_of(number).focus()
        self._show_detail()
        return f"{self._hit + 1:,} of {len(self._hits):,}"

    # Both trees

    def jump(self) -> str:
        """Go to the same role in the next model that has it. Return an empty string, or why there is none."""
        node = self.focused_tree.current
        # The key may be pressed before any description was requested.
        source = self.known.get(self._focused)
        if node is None or source is None:
            return "there is nothing to jump from yet"
        parameter = node.parameter or next(iter(node.parameters), None)
        if parameter is None:
            return "there is nothing to jump from yet"
        numbers = [*self.known]
        here = numbers.index(self._focused)
        for number in [*numbers[here + 1 :], *numbers[:here]]:
            target = self.known[number]
            name = None if target is None else counterpart(parameter, source, target)
            if name is not None:
                self.tree_of(number).reveal(name)
                self.tree_of(number).focus()
                return ""
        return "no other model has this role"
