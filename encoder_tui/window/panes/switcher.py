"""The panes: what there is, which is in front, and which has the keys."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Final, cast

from textual import on
from textual.app import App
from textual.events import Click
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.choice import Choice


@dataclass(frozen=True)
class Pane:
    """A pane: its key (F2 and 1 for number 1), its title, and its class, imported when it is first shown."""

    number: int
    title: str
    module: str
    class_name: str

    def make(self, session: Session) -> Widget:
        """The pane's widget; its id is the pane's name."""
        made: Widget = getattr(importlib.import_module(self.module), self.class_name)(session)
        return made


PANES: Final = {
    "tokens": Pane(1, "Tokens", "encoder_tui.window.panes.tokens", "TokensPane"),
    "parameters": Pane(2, "Parameters", "encoder_tui.window.panes.parameters", "ParametersPane"),
    "documents": Pane(3, "Documents", "encoder_tui.window.panes.documents", "DocumentsPane"),
    "outputs": Pane(4, "Outputs", "encoder_tui.window.panes.outputs", "OutputsPane"),
    "timing": Pane(5, "Timing", "encoder_tui.window.panes.timing", "TimingPane"),
}


def _titled(title: str) -> str:
    return next(name for name, pane in PANES.items() if pane.title == title)


class PaneChoice(Choice):
    """The row of panes. A press on a name is for its pane, which has the keys then, and not for the row."""

    FOCUS_ON_CLICK = False

    def on_click(self, event: Click) -> None:
        event.prevent_default()
        if (title := self.name_at(event.x)) is not None:
            self.app.call_later(cast(PaneSwitching, self.app).action_pane, _titled(title))


class PaneSwitching(App[Any]):
    """The part of the window that brings panes to the front."""

    session: Session

    async def action_pane(self, name: str) -> None:
        """Open a pane and give it the keys."""
        await self._show_pane(name)
        pane: Any = self.query_one("#panes", ContentSwitcher).visible_content
        focused = self.screen.focused
        if not pane.is_mounted or (focused is not None and pane in focused.ancestors):
            return  # one that is still being made takes them itself
        # At once: the next key may be there already and is meant for this pane.
        if hasattr(pane, "take_focus"):
            pane.take_focus()
        else:
            self.screen.set_focus(next((widget for widget in pane.query("*") if widget.focusable), None))

    async def _show_pane(self, name: str) -> None:
        """Bring a pane to the front, making it when it is opened first."""
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        self.screen.minimize()
        switcher = self.query_one("#panes", ContentSwitcher)
        if name == switcher.current:
            return
        if not switcher.query(f"#{name}"):
            await switcher.add_content(PANES[name].make(self.session), id=name)
        switcher.current = name
        self.session.remember(pane=name)
        for choice in self.query(PaneChoice):
            choice.chosen = PANES[name].title

    @on(Choice.Changed, "#pane-choice")
    async def _pane_chosen(self, event: Choice.Changed) -> None:
        # The window may be closing; or another pane was chosen before this was heard of.
        if not self.query("#panes") or event.name != event.choice.chosen:
            return
        name = _titled(event.name)
        if name == self.query_one("#panes", ContentSwitcher).current:
            return  # the row only follows
        if self.screen.focused is event.choice:
            # Somebody walks along the row: a pane that is made on the way does not take the next arrow.
            await self._show_pane(name)
            self.screen.set_focus(event.choice)
        else:
            await self.action_pane(name)
