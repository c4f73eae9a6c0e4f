"""An app that never waits for its terminal, and that ends when that does."""

from __future__ import annotations

import contextlib
from typing import Any

from textual.app import App
from textual.driver import Driver
from textual.errors import NoWidget
from textual.events import Event, MouseDown, MouseEvent, MouseMove, Resize
from textual.screen import Screen

from encoder_tui.window.terminal.leaving import Leaving


class TerminalApp(App[int]):
    """What a window does about signals, slow terminals and terminals that are gone."""

    def __init__(self) -> None:
        super().__init__()
        self._leaving = Leaving(self._ask_to_leave, self.give_back)

    def get_driver_class(self) -> type[Driver]:
        driver = super().get_driver_class()
        if driver.__name__ == "LinuxDriver":
            from encoder_tui.window.terminal.driver import TerminalDriver  # noqa: PLC0415  # not there on Windows

            driver = TerminalDriver
        return driver

    def draw_everything(self) -> None:
        """Draw every cell, whatever the terminal shows now."""
        if self.is_running and self.screen_stack:
            self._display(self.screen, self.screen._compositor.render_update(full=True))

    async def on_event(self, event: Event) -> None:
        """Draw everything again for a size that is no other, and hear no mouse upon what has gone but its release.

        The terminal was smaller in between and has lost what it showed then; to Textual nothing has changed. And it
        looks for the parent of what the mouse is upon, which a toast that has just run out has no longer.
        """
        if isinstance(event, MouseDown | MouseMove) and not event.is_forwarded and self._is_gone(event):
            return
        await super().on_event(event)
        if isinstance(event, Resize) and self.screen_stack and event.size == self.screen._compositor.size:
            self.draw_everything()

    def _is_gone(self, event: MouseEvent) -> bool:
        """Whether what is drawn under the mouse has been taken off since."""
        if not self.screen_stack:
            return True
        try:
            widget, _ = self.screen.get_widget_at(event.x, event.y)
        except NoWidget:
            return False
        return not (widget is self.screen or widget.is_attached)

    @property
    def is_leaving(self) -> bool:
        """Whether a signal, or the terminal's end, has asked for the window's."""
        return self._leaving.is_asked

    def leave(self, code: int) -> None:
        """End with this exit code, by force if need be; from any thread."""
        self._leaving.leave(code)

    def listen_to_signals(self) -> None:
        """End at the signals that mean it."""
        self._leaving.listen()

    def give_back(self) -> None:
        """What must be done where the window is ended by force; called from another thread."""
        if (restore := getattr(self._driver, "restore_by_force", None)) is not None:
            restore()

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        # A frame that a slow terminal would show much later is not drawn; once it has caught up, all is.
        has_room = getattr(self._driver, "has_room", None)
        if has_room is None or has_room():
            super()._display(screen, renderable)

    def _ask_to_leave(self, code: int) -> None:
        # Without a loop there is no window yet, or none any more.
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self.exit, code)
