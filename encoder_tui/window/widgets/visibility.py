"""Whether a widget is visible."""

from __future__ import annotations

from textual.widget import Widget


def is_shown(widget: Widget) -> bool:
    """Return whether neither a widget nor any of its ancestors is hidden."""
    return all(node.display for node in widget.ancestors_with_self)
