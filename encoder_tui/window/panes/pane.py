"""What all panes have in common: views and the row that chooses among them, the focus, keys, a part of the report."""

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
"""The keys of every pane's views. Each pane lists them among its own, where they stand in the line of keys."""


class Pane(Vertical):
    """One pane of the window.

    A subclass composes a `Choice` with the id `VIEW_CHOICE` and the names `VIEWS`. If its views take each other's
    place, they lie in a `ContentSwitcher` whose id is that of the choice with an s at its end. A view has its name
    as its id.
    """

    VIEWS: ClassVar[Sequence[str]]
    """The names of the views, in their order."""
    VIEW_CHOICE: ClassVar[str]
    """The id of the `Choice` among the views."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._bringing = asyncio.Lock()

    # What the window asks

    @classmethod
    def widgets_with_keys(cls) -> Sequence[tuple[str | None, type[DOMNode]]]:
        """The classes in this pane, besides itself, that have keys, each with the view it is in; None for a dialog."""
        return ()

    @classmethod
    def shell_command(cls, view: str, text: str, source: str | None) -> Sequence[str]:
        """The words after `encoder-tui` that print what `view` shows of a text or a source; empty without any."""
        return ()

    def possible(self, action: str) -> bool:
        """Whether the line of keys shows an action's key.

        For actions that say why they do nothing now. What would do nothing without a word gets None from
        `check_action`: its key is not in the line, and help lists it all the same.
        """
        return True

    def take_focus(self) -> None:
        """Take the focus when the window turns to this pane."""
        # At once: the next key is meant for it.
        self.screen.set_focus(next((widget for widget in self.query("*") if widget.focusable), None))

    def add_to_report(self, material: Material) -> None:
        """Add what the pane has found out to a report."""

    # Views

    @property
    def view_choice(self) -> Choice:
        """The row of the views' names."""
        return self.query_one(f"#{self.VIEW_CHOICE}", Choice)

    @property
    def view_switcher(self) -> ContentSwitcher:
        """What holds the views."""
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
        """What can be moved in in the view in front: no text field, where the next v would be a letter."""
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
        """Choose a view; on return it is in front, and mounted if it is new."""
        self.view_choice.chosen = name
        await self.bring_view(name)

    async def bring_view(self, name: str) -> None:
        """Put the chosen view in front, making it if it is new. Nothing happens if it is in front already."""
        switcher = self.view_switcher
        # One at a time: the palette opens views beside the pane's own messages.
        async with self._bringing:
            if name == switcher.current:
                return
            if name not in {child.id for child in switcher.children} and (made := self.make_view(name)) is not None:
                await switcher.add_content(made, id=name)
            switcher.current = name
            self.view_opened(name)
        possible_changed(self)

    def make_view(self, name: str) -> Widget | None:
        """A view that is made when it is first opened; None if the pane composes it itself."""
        return None

    def view_opened(self, name: str) -> None:
        """Another view has come to the front: show what it is to show."""
