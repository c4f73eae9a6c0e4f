"""The private parts of Textual that the window needs, one function each.

Tried with Textual 8.2.8. Every function says why Textual's public interface is not enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual._callback import invoke as _invoke
from textual._wrap import compute_wrap_offsets as _compute_wrap_offsets
from textual.app import App
from textual.filter import LineFilter


def filter_first(app: App[Any], line_filter: LineFilter) -> None:
    """Apply a filter to every drawn line, before all others. Textual has no public way to add a filter."""
    app._filters.insert(0, line_filter)


def set_keys(app: App[Any], keys: Mapping[str, str]) -> None:
    """Bind keys by their ids before the first screen exists: `App.set_keymap` refreshes a screen, which must exist."""
    app._keymap = app._normalize_keymap(keys)


def key_of(app: App[Any], binding_id: str) -> str | None:
    """Return the key that the user chose for a binding; None for its default. Textual has no public access to it."""
    return app._keymap.get(binding_id)


def is_exiting(app: App[Any]) -> bool:
    """Return whether `App.exit` was called: keys typed ahead still arrive after it. No public attribute says so."""
    return app._exit


def has_failed(app: App[Any]) -> bool:
    """Return whether an exception has already ended the app; no public attribute says so."""
    return app._exception is not None


def end_with(app: App[Any], error: Exception) -> None:
    """End the app because of an exception, as `App._handle_exception` does, but without printing local variables.

    Textual's crash screen prints them, and with them the user's text; it cannot be switched off.
    """
    app._return_code = 1
    if app._exception is None:
        app._exception = error
        app._exception_event.set()
        app._close_messages_no_wait()


async def invoke(callback: Any) -> Any:
    """Call a function of the palette, which may be a coroutine, as Textual does. No public function does both."""
    return await _invoke(callback)


def compute_wrap_offsets(text: str, width: int, tab_size: int) -> list[int]:
    """Return where Textual's text area wraps a line. Another rule would draw the cursor in the wrong place."""
    return _compute_wrap_offsets(text, width, tab_size)
