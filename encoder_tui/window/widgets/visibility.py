"""Whether a widget is on the screen."""

from __future__ import annotations

from textual.widget import Widget


def is_shown(widget: Widget) -> bool:
    """Whether neither a widget nor what it stands in is hidden."""
    return all(node.display for node in widget.ancestors_with_self)
