"""Copying over any terminal: one function, which says what it did."""

from __future__ import annotations

from textual.widget import Widget


def copy(widget: Widget, text: str, what: str) -> None:
    """Copy by OSC 52, the only way that reaches the user's own machine over SSH; it has no acknowledgement."""
    if not text:
        widget.notify("there is nothing to copy yet", severity="warning", markup=False)
        return
    widget.app.copy_to_clipboard(text)
    widget.notify(f"copied {what}: {len(text):,} characters", markup=False)
