"""What the Parameters pane copies."""

from __future__ import annotations

from textual.widget import Widget

from encoder_tui.models import ModelError, parse_name
from encoder_tui.panes.parameters.descriptions import Descriptions
from encoder_tui.panes.parameters.difference import DifferenceView
from encoder_tui.panes.parameters.tables import ConfigView, RolesView
from encoder_tui.panes.parameters.trees import TreesView
from encoder_tui.parameters import table_tsv
from encoder_tui.reproduce import parameter_snippet
from encoder_tui.session import Session
from encoder_tui.widgets.clipboard import copy


class Copying(Widget):
    """The part of the pane that copies names, tables and Python."""

    session: Session
    descriptions: Descriptions

    @property
    def view_name(self) -> str:
        raise NotImplementedError

    @property
    def trees(self) -> TreesView:
        raise NotImplementedError

    def action_copy_name(self) -> None:
        """Copy the name of what the cursor is on."""
        node = self.trees.focused_tree.current
        copy(self, "" if node is None else node.path or node.label, "the name")

    def action_copy_table(self) -> None:
        """Copy every parameter of the model in front, tab-separated; in a table, the table."""
        view = self.query_one(f"#{self.view_name}")
        if isinstance(view, RolesView | ConfigView | DifferenceView):
            copy(self, view.tsv(), "the table")
            return
        description = self.trees.focused_tree.description
        copy(self, "" if description is None else table_tsv(description), "the table")

    def action_copy_python(self) -> None:
        """Copy the Python that gets the tensor."""
        tree = self.trees.focused_tree
        node, description = tree.current, tree.description
        if node is None or description is None:
            return
        parameter = node.parameter or node.parameters[0]
        try:
            name = parse_name(self.session.slots[tree.index].name)
        except ModelError as error:
            self.session.notice(str(error), "error")
            return
        files = self.descriptions.entries[tree.index].files
        snippet = parameter_snippet(
            name,
            parameter.name,
            is_checkpoint=description.source == "checkpoint",
            # The weights of a model of the Hub may just not be fetched yet.
            has_weights=files is None or files.has_weights or files.repo is not None,
        )
        copy(self, snippet, "the Python")
