"""An app that never waits for its terminal, and that ends when the terminal does.

It overrides `App._display` to drop frames, and draws whole screens with the private compositor: Textual has no public
way to skip a frame or to draw unchanged cells. Tried with Textual 8.2.8.
"""

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
    """An app that handles signals, slow terminals and closed terminals."""

    def __init__(self) -> None:
        super().__init__()
        self._leaving = Leaving(self._ask_to_leave, self.give_back)

    def get_driver_class(self) -> type[Driver]:
        driver = super().get_driver_class()
        if driver.__name__ == "LinuxDriver":
            from encoder_tui.window.terminal.driver import TerminalDriver  # noqa: PLC0415  # not on Windows

            driver = TerminalDriver
        return driver

    def draw_everything(self) -> None:
        """Draw every cell, even if it has not changed."""
        if self.is_running and self.screen_stack:
            self._display(self.screen, self.screen._compositor.render_update(full=True))

    async def on_event(self, event: Event) -> None:
        """Redraw everything even if the size is unchanged, and ignore mouse events for removed widgets.

        If the terminal was smaller in between, it has lost its contents, while to Textual nothing has changed. And
        Textual looks up the parent of the widget under the mouse, which an expired toast does not have any more. The
        release of a button is always handled.
        """
        if isinstance(event, MouseDown | MouseMove) and not event.is_forwarded and self._is_gone(event):
            return
        await super().on_event(event)
        if isinstance(event, Resize) and self.screen_stack and event.size == self.screen._compositor.size:
            self.draw_everything()

    def _is_gone(self, event: MouseEvent) -> bool:
        """Return whether the widget that is drawn under the mouse has been removed since."""
        if not self.screen_stack:
            return True
        try:
            widget, _ = self.screen.get_widget_at(event.x, event.y)
        except NoWidget:
            return False
        return not (widget is self.screen or widget.is_attached)

    @property
    def is_leaving(self) -> bool:
        """Whether the window is ending because of a signal or because its terminal was closed."""
        return self._leaving.is_asked

    def leave(self, code: int) -> None:
        """End with this exit code, by force if necessary. Safe to call in any thread."""
        self._leaving.leave(code)

    def listen_to_signals(self) -> None:
        """End the window at SIGTERM, SIGHUP and SIGINT."""
        self._leaving.listen()

    def give_back(self) -> None:
        """Release what must be released if the window is ended by force; called in another thread."""
        if (restore := getattr(self._driver, "restore_by_force", None)) is not None:
            restore()

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        # A frame that a slow terminal would show much later is dropped; once it has caught up, everything is drawn.
        has_room = getattr(self._driver, "has_room", None)
        if has_room is None or has_room():
            super()._display(screen, renderable)

    def _ask_to_leave(self, code: int) -> None:
        # Without a loop the window has not started or has ended.
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self.exit, code)
