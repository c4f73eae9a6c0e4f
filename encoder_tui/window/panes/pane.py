"""The base class of all panes: their views and the row of view names, the focus, keys, and a part of the report."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.binding import Binding
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Input, TextArea

from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.key_line import possible_changed

if TYPE_CHECKING:
    from textual.dom import DOMNode

    from encoder_tui.core.report.material import Material

VIEW_KEYS: Final = (
    Binding("v", "view(1)", "View", id="view.next"),
    Binding("V", "view(-1)", "Previous view", show=False, id="view.previous"),
)
"""The keys of every pane's views. Each pane puts them into its own list, at their place in the line of keys."""


class Pane(Vertical):
    """One pane of the window.

    A subclass composes a `Choice` with the id `VIEW_CHOICE` and the names `VIEWS`. If only one view is shown at a time,
    the views are in a `ContentSwitcher` whose id is `VIEW_CHOICE` with an s at the end. A view's id is its name.
    """

    VIEWS: ClassVar[Sequence[str]]
    """The names of the views, in order."""
    VIEW_CHOICE: ClassVar[str]
    """The id of the `Choice` among the views."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._bringing = asyncio.Lock()

    # Called by the window

    @classmethod
    def widgets_with_keys(cls) -> Sequence[tuple[str | None, type[DOMNode]]]:
        """The classes inside this pane that have keys, each with the name of its view; None for a dialog."""
        return ()

    @classmethod
    def shell_command(cls, view: str, text: str, source: str | None) -> Sequence[str]:
        """The arguments of `encoder-tui` that print what `view` shows of a text or a source; empty if none do."""
        return ()

    def possible(self, action: str) -> bool:
        """Whether the line of keys shows an action's key.

        This is for actions that explain why they do nothing now. For an action that would silently do nothing,
        `check_action` returns None: its key is not in the line, but help lists it.
        """
        return True

    def take_focus(self) -> None:
        """Take the focus when the window turns to this pane."""
        # Immediately: the next key is meant for it.
        self.screen.set_focus(next((widget for widget in self.query("*") if widget.focusable), None))

    def add_to_report(self, material: Material) -> None:
        """Add the pane's results to a report."""

    # Views

    @property
    def view_choice(self) -> Choice:
        """The row of the views' names."""
        return self.query_one(f"#{self.VIEW_CHOICE}", Choice)

    @property
    def view_switcher(self) -> ContentSwitcher:
        """The container of the views."""
        return self.query_one(f"#{self.VIEW_CHOICE}s", ContentSwitcher)

    @property
    def view_name(self) -> str:
        """The name of the view in front."""
        return self.view_switcher.current or self.VIEWS[0]

    @property
    def view(self) -> Widget:
        """The view in front."""
        return self.view_switcher.get_child_by_id(self.view_name)

    @property
    def to_move_in(self) -> Widget | None:
        """The widget of the current view that takes movement keys; not a text field, in which v would be typed."""
        inside = (self.view, *self.view.query("*"))
        return next((one for one in inside if one.focusable and not isinstance(one, TextArea | Input)), None)

    def action_view(self, step: int) -> None:
        """Show the next view."""
        self.view_choice.action_move(step)

    @on(Choice.Changed)
    async def _view_chosen(self, event: Choice.Changed) -> None:
        if event.choice.id == self.VIEW_CHOICE:
            event.stop()
            await self.bring_view(event.name)

    async def open_view(self, name: str) -> None:
        """Choose a view; when this returns, the view is mounted and in front."""
        self.view_choice.chosen = name
        await self.bring_view(name)

    async def bring_view(self, name: str) -> None:
        """Put the chosen view in front, making it if it is new. Nothing happens if it is in front already."""
        switcher = self.view_switcher
        # One at a time: the palette opens views too, at the same time as the pane's own messages.
        async with self._bringing:
            if name == switcher.current:
                return
            if name not in {child.id for child in switcher.children} and (made := self.make_view(name)) is not None:
                await switcher.add_content(made, id=name)
            switcher.current = name
            self.view_opened(name)
        possible_changed(self)

    def make_view(self, name: str) -> Widget | None:
        """Return a view that is made when it is first opened; None if the pane composes it itself."""
        return None

    def view_opened(self, name: str) -> None:
        """Show the content of the view that has come to the front."""
