"""One model's parameters as a tree that is filled as it is unfolded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.style import Style
from rich.text import Text
from textual.binding import Binding
from textual.message import Message
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.parameters import tree as parameter_tree
from encoder_tui.core.parameters.description import Description, Parameter, shape_text, share
from encoder_tui.core.parameters.tree import Node
from encoder_tui.core.text.numbers import binary_size, count
from encoder_tui.core.text.safe import visible
from encoder_tui.window.widgets.model_letters import letter_style
from encoder_tui.window.widgets.table import fitted

MOST_AT_ONCE: Final = 20_000
"""The most lines that expanding everything may create; more would block the window for seconds."""

OPENED: Final = 8
"""Modules with at most this many children are unfolded at first."""

COLUMNS: Final = (("numel", 0, 0), ("share", 7, 44), ("bytes", 8, 66), ("dtype", 9, 84))
"""The number columns: name, width (0: that of the largest number), and the least width of a tree that shows it."""


class ParameterTree(Tree[Node]):
    """The parameters of a model, with numbers in columns at the right."""

    COMPONENT_CLASSES = {"parameters--number", "parameters--badge", "parameters--match"}
    DEFAULT_CSS = """
    ParameterTree { background: $background; padding: 0; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    ParameterTree:focus { background-tint: $background 0%; }
    ParameterTree:ansi > .tree--cursor { background: $surface-lighten-2; }
    ParameterTree:ansi:focus > .tree--cursor { background: $block-cursor-background; }
    ParameterTree .parameters--number { color: $text-muted; }
    ParameterTree .parameters--badge { color: $text-secondary; text-style: italic; }
    ParameterTree .parameters--match { color: $text-warning; text-style: bold; }
    """
    BINDINGS = [
        Binding("j", "cursor_down", "Down", show=False, id="move.down"),
        Binding("k", "cursor_up", "Up", show=False, id="move.up"),
        Binding("ctrl+d", "page_down", "Page down", show=False, id="move.page-down"),
        Binding("ctrl+u", "page_up", "Page up", show=False, id="move.page-up"),
        Binding("g", "scroll_home", "Top", show=False, id="move.first"),
        Binding("G", "scroll_end", "Bottom", show=False, id="move.last"),
        Binding("left,h", "fold_or_parent", "Fold", show=False, id="move.left"),
        Binding("right,l", "unfold_or_child", "Unfold", show=False, id="move.right"),
    ]

    class Opened(Message):
        """A parameter was chosen with enter."""

        def __init__(self, tree: ParameterTree, parameter: Parameter) -> None:
            super().__init__()
            self.tree = tree
            self.parameter = parameter

        @property
        def control(self) -> ParameterTree:
            return self.tree

    def __init__(self, number: int) -> None:
        super().__init__("", id=f"tree-{number}")
        self.number = number
        self.guide_depth = 2
        self.auto_expand = True
        self.description: Description | None = None
        self.by_size = False
        self._model: Node | None = None
        self._found: frozenset[str] = frozenset()

    def show(self, description: Description) -> None:
        """Show a model from the top; nothing happens if it is shown already."""
        if description is self.description:
            return
        self.description = description
        self._model = parameter_tree.build_with_checkpoint(description)
        small = (child for child in self._model.children if not child.is_stack and len(child.children) <= OPENED)
        self._refill([child.path for child in small if child.children])

    def forget(self) -> None:
        """Show nothing, because the model has no description (any more)."""
        if self.description is not None:
            self.description = self._model = None
            self.clear()

    def _refill(self, expanded: Iterable[str], at: str | None = None) -> None:
        assert self._model is not None
        self.clear()
        self.root.data = self._model
        self.root.set_label(visible(self._model.label))
        self._fill(self.root)
        self.root.expand()
        for path in expanded:
            node = self._node_of(path)
            if node is not None:
                self._fill(node)
                node.expand()
        self._go(self._node_of(at) if at else self.root)

    def _fill(self, node: TreeNode[Node]) -> None:
        """Add a node's children, once."""
        if node.data is None or node.children:
            return
        children = node.data.children
        if self.by_size:
            children = sorted(children, key=lambda child: -child.numel)
        for child in children:
            if child.children:
                node.add(child.label, child)
            else:
                node.add_leaf(child.label, child)

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Node]) -> None:
        self._fill(event.node)

    def on_tree_node_selected(self, event: Tree.NodeSelected[Node]) -> None:
        if event.node.data is not None and event.node.data.parameter is not None:
            self.post_message(self.Opened(self, event.node.data.parameter))

    # Where the cursor is

    @property
    def current(self) -> Node | None:
        """The node under the cursor."""
        return None if self.cursor_node is None or self._model is None else self.cursor_node.data

    def reveal(self, name: str) -> None:
        """Unfold the modules around a parameter and put the cursor on it."""
        node = self._node_of(name)
        if node is not None:
            parent = node.parent
            while parent is not None:
                parent.expand()
                parent = parent.parent
            self._go(node)

    def _node_of(self, path: str) -> TreeNode[Node] | None:
        """The node of a path, with everything above it filled."""
        node = self.root
        while node.data is not None and node.data.path != path:
            self._fill(node)
            below = (child for child in node.children if child.data is not None and child.data.leads_to(path))
            following = next(below, None)
            if following is None:
                return None
            node = following
        return node

    def _go(self, node: TreeNode[Node] | None) -> None:
        if node is not None:
            _ = self.last_line  # reading this numbers the lines
            self.move_cursor(node)
            self.scroll_to_node(node, animate=False)

    def action_fold_or_parent(self) -> None:
        """Fold the node under the cursor, or go to its parent."""
        node = self.cursor_node
        if node is not None and node.is_expanded and node.allow_expand and not node.is_root:
            node.collapse()
        else:
            self.action_cursor_parent()

    def action_unfold_or_child(self) -> None:
        """Unfold the node under the cursor, or go to its first child."""
        node = self.cursor_node
        if node is None or not node.allow_expand:
            return
        if not node.is_expanded:
            node.expand()
        else:
            self.action_cursor_down()

    # Everything at once

    def expand_everything(self) -> bool:
        """Unfold everything. If that is too many lines, unfold only the modules above the layers and return False."""
        if self._model is None:
            return True
        fits = sum(1 for _ in self._model.walk()) <= MOST_AT_ONCE
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            self._fill(node)
            if node.data is not None and (fits or not node.data.is_stack):
                node.expand()
                waiting += node.children
        return fits

    def fold_everything(self) -> None:
        """Fold all but the model itself."""
        for child in self.root.children:
            child.collapse_all()
        _ = self.last_line
        self._go(self.root)

    def sort(self, by_size: bool) -> None:
        """Sort the children of every node by size, or in the order of the model."""
        if self._model is None or by_size == self.by_size:
            return
        self.by_size = by_size
        expanded = []
        waiting = list(self.root.children)
        while waiting:
            node = waiting.pop(0)
            if node.is_expanded and node.data is not None:
                expanded.append(node.data.path)
                waiting += node.children
        self._refill(expanded, None if self.current is None else self.current.path)

    def mark(self, names: Iterable[str]) -> None:
        """Mark the parameters that a search found."""
        found = frozenset(names)
        if found != self._found:
            self._found = found
            self.refresh()
            self._invalidate()

    # Drawing

    def get_label_width(self, node: TreeNode[Node]) -> int:
        """Return 1: every line is cut to the visible width, so none makes the tree wider."""
        return 1

    def render_label(self, node: TreeNode[Node], base_style: Style, style: Style) -> Text:
        """Return a line: the name, a description, and the numbers in their columns."""
        data = node.data
        if data is None or self._model is None:
            return Text("")
        depth, parent = 0, node.parent
        while parent is not None:
            depth, parent = depth + 1, parent.parent
        width = self.scrollable_content_region.width
        room = max(width - depth * self.guide_depth, 12)
        is_cursor = node is self.cursor_node and self.has_focus
        quiet = Style.null() if is_cursor else self._colour("number")
        numbers = self._numbers(data, self._model.numel, width)
        icon = "" if not node.allow_expand else self.ICON_NODE_EXPANDED if node.is_expanded else self.ICON_NODE
        name = visible(data.label)
        left = Text(icon, style=style)
        if node.is_root:
            style_of_letter = Style.null() if is_cursor else letter_style(self, self.number, True)
            left.append(f"{LETTERS[self.number]} ", style_of_letter)
        is_found = data.path in self._found
        left.append(name, self._colour("match") + Style(bold=True) if is_found else style)
        for words, kind in self._about(data):
            badge = self._colour("badge") if kind == "badge" else quiet
            left.append(f"  {words}", Style.null() if is_cursor else badge)
        left.truncate(max(room - len(numbers), 4), overflow="ellipsis", pad=True)
        left.append(numbers, quiet)
        left.stylize(style if is_cursor else Style.null())
        return left

    def _colour(self, name: str) -> Style:
        """The colour of a component, mixed with the background; a partial style would leave it unmixed."""
        return Style(color=self.get_component_rich_style(f"parameters--{name}").color)

    def _about(self, data: Node) -> list[tuple[str, str]]:
        """Return the words after a name: a shape, the description of a stack, badges."""
        words = []
        if data.is_outside:
            words += [(count(len(data.children), "tensor"), "number")] if data.children else []
        elif data.is_stack:
            words.append((parameter_tree.stack_label(data), "number"))
        elif data is self._model:
            words.append((count(len(data.parameters), "parameter"), "number"))
        elif data.parameter is not None:
            words.append((shape_text(data.parameter.shape).replace(" ", ""), "number"))
        return [*words, *((visible(badge), "badge") for badge in data.badges)]

    def _numbers(self, data: Node, whole: int, width: int) -> str:
        if data.is_outside:
            return ""
        cells = {
            "numel": f"{data.numel:,}",
            "share": share(data.numel, whole),
            "bytes": binary_size(data.bytes),
            "dtype": data.dtype,
        }
        shown = [(cells[name], room or len(f"{whole:,}")) for name, room, needed in COLUMNS if width >= needed]
        return "".join(f" {fitted(cell, room, 'right')}" for cell, room in shown)
