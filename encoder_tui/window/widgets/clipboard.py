"""Copying over any terminal: one function, which says what it did. Saving takes the same texts another way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from textual.widget import Widget

_taken: ContextVar[list[str] | None] = ContextVar("_taken", default=None)


@contextmanager
def taking() -> Iterator[list[str]]:
    """What is copied meanwhile stands in the list and not in the clipboard: so is saved what can be copied."""
    taken: list[str] = []
    token = _taken.set(taken)
    try:
        yield taken
    finally:
        _taken.reset(token)


def copy(widget: Widget, text: str, what: str, why_none: str = "there is nothing to copy yet") -> None:
    """Copy by OSC 52, the only way that reaches the user's own machine over SSH; it has no acknowledgement.

    `why_none` is said where there is no text.
    """
    taken = _taken.get()
    if taken is not None:
        taken.append(text)
        return
    if not text:
        widget.notify(why_none, severity="warning", markup=False)
        return
    widget.app.copy_to_clipboard(text)
    widget.notify(f"copied {what}: {len(text):,} characters", markup=False)
