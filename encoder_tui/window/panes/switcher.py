"""The panes of the window, one of them in front, and the row of their names."""

from __future__ import annotations

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.events import Click
from textual.widgets import ContentSwitcher

from encoder_tui.window.panes.pane import Pane
from encoder_tui.window.panes.registry import PANES, titled
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.choice import Choice


class PaneChoice(Choice):
    """The row of panes. A click on a name moves the focus to its pane, not to the row."""

    FOCUS_ON_CLICK = False

    def __init__(self, first: str) -> None:
        super().__init__([pane.title for pane in PANES.values()], chosen=PANES[first].title, id="pane-choice")

    def on_click(self, event: Click) -> None:
        event.prevent_default()
        if (title := self.name_at(event.x)) is not None:
            self.app.call_later(self.app.run_action, f"app.pane('{titled(title).name}')")


class PaneSwitcher(ContentSwitcher):
    """Owns the panes: makes each when it is first opened, and shows one at a time."""

    def __init__(self, session: Session, first: str) -> None:
        super().__init__(initial=first, id="panes")
        self.session = session
        self._first = first

    def compose(self) -> ComposeResult:
        yield PANES[self._first].make(self.session)

    @property
    def front(self) -> Pane | None:
        """The pane in front; None before the first is mounted."""
        found = self.visible_content
        assert found is None or isinstance(found, Pane)
        return found

    @property
    def made(self) -> Iterator[Pane]:
        """The panes that have been opened so far."""
        return (child for child in self.children if isinstance(child, Pane))

    async def make(self, name: str) -> None:
        """Make a pane behind the one in front, unless it has been made."""
        if name not in {child.id for child in self.children}:
            await self.add_content(PANES[name].make(self.session))

    async def bring(self, name: str) -> None:
        """Put a pane in front, making it if it is new. Nothing happens if it is in front already."""
        if name == self.current:
            return
        await self.make(name)
        self.current = name
        self.session.memory.remember(pane=name)
