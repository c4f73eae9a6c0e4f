"""The panes of the window: one line each."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from encoder_tui.window.panes.pane import Pane
    from encoder_tui.window.session.session import Session


@dataclass(frozen=True)
class PaneEntry:
    """A pane: its name (also that of its help page, and its widget's id), number, title and class."""

    name: str
    number: int
    title: str
    module: str
    class_name: str

    @property
    def key(self) -> str:
        """The function key that opens the pane: F2 for number 1, because F1 is help."""
        return f"f{self.number + 1}"

    @property
    def shown_key(self) -> str:
        """The function key as people write it: `F2`."""
        return self.key.upper()

    def load(self) -> type[Pane]:
        """Import the pane's class."""
        loaded: type[Pane] = getattr(importlib.import_module(self.module), self.class_name)
        return loaded

    def make(self, session: Session) -> Pane:
        """Make the pane's widget."""
        made = self.load()(session)
        made.id = self.name
        return made

    def views(self) -> Sequence[str]:
        """The names of its views."""
        return self.load().VIEWS


PANES: Final = {
    entry.name: entry
    for entry in (
        PaneEntry("tokens", 1, "Tokens", "encoder_tui.window.panes.tokens", "TokensPane"),
        PaneEntry("parameters", 2, "Parameters", "encoder_tui.window.panes.parameters", "ParametersPane"),
        PaneEntry("documents", 3, "Documents", "encoder_tui.window.panes.documents", "DocumentsPane"),
        PaneEntry("outputs", 4, "Outputs", "encoder_tui.window.panes.outputs", "OutputsPane"),
        PaneEntry("tasks", 5, "Tasks", "encoder_tui.window.panes.tasks", "TasksPane"),
        PaneEntry("timing", 6, "Timing", "encoder_tui.window.panes.timing", "TimingPane"),
    )
}
"""Every pane by its name. `core.settings.PANES` has the same names: settings are read without the window."""

NO_DOCUMENT: Final = f"no document is open; {PANES['documents'].shown_key} opens one"


def titled(title: str) -> PaneEntry:
    """The pane with this title."""
    return next(pane for pane in PANES.values() if pane.title == title)


def key_range() -> str:
    """The function keys of all panes: `F2–F7`."""
    first, *others = (pane.shown_key for pane in PANES.values())
    return f"{first}–{others[-1]}" if others else first
