"""Copying in any terminal: one function, which reports what it did. Saving uses the same texts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from textual.widget import Widget

_taken: ContextVar[list[str] | None] = ContextVar("_taken", default=None)


@contextmanager
def taking() -> Iterator[list[str]]:
    """Collect in a list what is copied meanwhile, instead of in the clipboard, to save it."""
    taken: list[str] = []
    token = _taken.set(taken)
    try:
        yield taken
    finally:
        _taken.reset(token)


def copy(widget: Widget, text: str, what: str, why_none: str = "there is nothing to copy yet") -> None:
    """Copy with OSC 52, the only way that reaches the user's own machine over SSH; the terminal does not confirm it.

    `why_none` is shown if there is no text.
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
