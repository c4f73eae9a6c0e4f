"""What a pane can copy, to save instead."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from textual.app import App
from textual.binding import Binding

from encoder_tui.core.text.spreadsheet import safe_table
from encoder_tui.window.dialogs.save import Saveable
from encoder_tui.window.panes.pane import Pane
from encoder_tui.window.widgets.clipboard import taking


def saveables(app: App[Any], pane: Pane) -> list[Saveable]:
    """Return everything that the pane's keys copy, with default file names."""
    found = []
    for binding in pane.BINDINGS:
        if isinstance(binding, Binding) and binding.action.startswith("copy"):
            what = binding.description.removeprefix("Copy").strip() or "values"
            is_table = "table" in what
            if what.endswith("Python"):
                file_name = f"{pane.id}.py"
            else:
                file_name = f"{pane.id}-{what.replace(' ', '-')}.{'tsv' if is_table else 'txt'}"
            found.append(Saveable(what, file_name, _maker(app, pane, binding.action, is_table)))
    return found


def _maker(app: App[Any], pane: Pane, action: str, is_table: bool) -> Callable[[], Awaitable[str]]:
    async def make() -> str:
        with taking() as taken:
            await app.run_action(action, pane)
        content = taken[0] if taken else ""
        return safe_table(content) if is_table else content

    return make
