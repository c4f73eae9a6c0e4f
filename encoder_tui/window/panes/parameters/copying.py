"""The texts that the Parameters pane copies."""

from __future__ import annotations

from textual.widget import Widget

from encoder_tui.core.parameters.description import table_tsv
from encoder_tui.core.report.reproduce import parameter_snippet
from encoder_tui.window.panes.parameters.card_view import CardView
from encoder_tui.window.panes.parameters.descriptions import Descriptions
from encoder_tui.window.panes.parameters.difference_view import DifferenceView
from encoder_tui.window.panes.parameters.role_and_config_views import ConfigView, RolesView
from encoder_tui.window.panes.parameters.tree import ParameterTree
from encoder_tui.window.session.session import Session


def name(tree: ParameterTree) -> str:
    """Return the name under the cursor; empty if there is none."""
    node = tree.current
    return "" if node is None else node.path or node.label


def table(view: Widget, tree: ParameterTree) -> str:
    """Return every parameter of the current model, tab-separated; if the view is a table, that table."""
    if isinstance(view, CardView | RolesView | ConfigView | DifferenceView):
        return view.tsv()
    return "" if tree.description is None else table_tsv(tree.description)


def python(session: Session, descriptions: Descriptions, tree: ParameterTree) -> str | None:
    """Return Python code that gets the tensor; None if there is none. Raises `ModelError` for an invalid model name."""
    node, description = tree.current, tree.description
    if node is None or description is None:
        return None
    slot, entry = session.slot_of(tree.number), descriptions.entry_of(tree.number)
    if slot is None or entry is None:
        return None
    files = entry.files
    return parameter_snippet(
        session.loader.parse(slot.name),
        (node.parameter or node.parameters[0]).name,
        is_checkpoint=description.source == "checkpoint",
        # The weights of a model of the Hub may not be downloaded yet.
        class_name=description.class_name if description.class_name == description.head_class else "AutoModel",
        has_weights=files is None or files.has_weights or files.repo is not None,
    )
