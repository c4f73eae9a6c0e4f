"""The window: panes, keys, palette, and the strip of settings in force."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding
from textual.content import Content
from textual.events import Event, InputEvent, Resize
from textual.notifications import Notify
from textual.screen import Screen
from textual.widgets import ContentSwitcher, Static

from encoder_tui.core.settings import Settings, log_path
from encoder_tui.core.text.safe import visible
from encoder_tui.window.main_screen import MainScreen, TooSmall, TopLine
from encoder_tui.window.panes.switcher import PANES, PaneChoice, PaneSwitching
from encoder_tui.window.report import Keeping
from encoder_tui.window.session.session import Session
from encoder_tui.window.terminal.app import TerminalApp
from encoder_tui.window.terminal.screen_guard import own_screen, write_crash_report
from encoder_tui.window.textual_fixes import memory, workers
from encoder_tui.window.textual_fixes.late_errors import came_too_late
from encoder_tui.window.theme import legible
from encoder_tui.window.widgets.key_line import KeyLine
from encoder_tui.window.widgets.safety_filter import Fence
from encoder_tui.window.window_actions import WindowActions

if TYPE_CHECKING:
    from textual.command import Provider


def _palette() -> type[Provider]:
    """The entries of the palette, imported when it is opened."""
    from encoder_tui.window.palette import Actions  # noqa: PLC0415

    return Actions


class EncoderApp(PaneSwitching, WindowActions, Keeping, TerminalApp):
    """Composes the panes and routes between them; what they share is the session."""

    CSS_PATH = "app.tcss"
    TITLE = "encoder-tui"
    BINDINGS = [
        Binding("f1", "help", "Help", priority=True, id="window.help"),
        Binding("question_mark", "help", "Help", show=False, id="window.help-letter"),
        *(
            # The F-keys before any field that has the focus: TextArea has uses of its own for F6 and F7.
            Binding(f"f{pane.number + 1}", f"pane('{name}')", pane.title, False, priority=True, id=f"window.{name}")
            for name, pane in PANES.items()
        ),
        *(
            Binding(str(pane.number), f"pane('{name}')", pane.title, show=False, id=f"window.{name}-digit")
            for name, pane in PANES.items()
        ),
        # At once, not in the queue of the widget that has the focus: keys typed ahead of it are meant for the next.
        Binding("tab", "app.focus_next", "Next", show=False, priority=True, id="window.focus-next"),
        Binding("shift+tab", "app.focus_previous", "Previous", show=False, priority=True, id="window.focus-previous"),
        Binding("ctrl+p", "command_palette", "Palette", show=False, priority=True, id="window.palette"),
        Binding("m", "models", "Models", id="window.models"),
        Binding("f8", "maximize", "Fill the window", show=False, priority=True, id="window.maximize"),
        Binding("f9", "screenshot", "Screenshot", show=False, priority=True, id="window.screenshot"),
        Binding("ctrl+s", "save", "Save to a file", show=False, id="window.save"),
        Binding("ctrl+q", "quit", "Quit", priority=True, id="window.quit"),
        # A text field that has the focus undoes with it.
        Binding("ctrl+z", "suspend_process", "Suspend", show=False, id="window.suspend"),
    ]
    COMMANDS = {_palette}
    ALLOW_IN_MAXIMIZED_VIEW = "KeyLine"

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._filters.insert(0, Fence())
        if settings.theme is not None and settings.theme in self.available_themes:
            self.theme = settings.theme
        self._keymap = self._normalize_keymap(settings.keys)
        self.session = Session(self, settings)
        self.report: Path | None = None
        last = self.session.memory.state.pane
        self._first_pane = settings.pane or (last if last in PANES else next(iter(PANES)))

    def get_default_screen(self) -> Screen[None]:
        return MainScreen(id="_default")

    def get_css_variables(self) -> dict[str, str]:
        """The theme's colours, made legible."""
        self.theme_variables = legible(super().get_css_variables(), self.current_theme.ansi)
        return self.theme_variables

    def compose(self) -> ComposeResult:
        yield TopLine(self.session)
        if len(PANES) > 1:
            titles = [pane.title for pane in PANES.values()]
            yield PaneChoice(titles, chosen=PANES[self._first_pane].title, id="pane-choice")
        yield Static(id="banner", markup=False)
        with ContentSwitcher(initial=self._first_pane, id="panes"):
            yield PANES[self._first_pane].make(self.session)
        yield TooSmall(id="too-small", markup=False)
        yield KeyLine()

    def on_mount(self) -> None:
        self.session.models_changed.subscribe(self, lambda _: self._show_banner())
        self.session.noticed.subscribe(self, self._show_notice)
        self.session.engine_changed.subscribe(self, self._tell_of_engine)
        self._show_banner()
        if self.session.settings.keys or self.session.settings.theme not in {None, self.theme}:
            workers.start(self, self._check_settings, group="settings")
        if self.is_web:
            # The driver does not notice when the server behind its pipe is gone.
            parent = os.getppid()
            self.set_interval(2, lambda: self.exit() if os.getppid() != parent else None)
        self.call_after_refresh(self._first_frame_is_there)

    async def _first_frame_is_there(self) -> None:
        """Begin what can wait until something is seen: the tokenizers, the engines, collecting garbage."""
        if not gc.isenabled():
            # What the start made stays for good; a collection need not look through it every time.
            gc.freeze()
            gc.enable()
        self.set_interval(memory.EVERY, memory.give_back)
        await self.session.start()

    async def on_unmount(self) -> None:
        await self.session.close()

    async def _check_settings(self) -> None:
        """Say what of the configuration cannot be followed; the rest is in force."""
        from encoder_tui.window import keys  # noqa: PLC0415  # only where keys were remapped

        settings = self.session.settings
        if settings.theme not in {None, self.theme}:
            there = ", ".join(sorted(self.available_themes))
            self.session.notice(f"there is no theme {settings.theme!r}; there are {there}", "warning")
        for problem in await asyncio.to_thread(keys.problems, settings.keys):
            self.session.notice(f"[keys]: {problem}", "warning")

    def give_back(self) -> None:
        self.session.kill_engines()
        super().give_back()
        self.session.memory.write()

    def _show_banner(self) -> None:
        banner = self.query_one("#banner", Static)
        banner.update(Content(self.session.banner))
        banner.display = bool(self.session.banner)

    def on_notify(self, event: Notify) -> None:
        from encoder_tui.window.textual_fixes import toasts  # noqa: PLC0415  # after the first paint

        toasts.take(self, event)

    def _show_notice(self, notice: tuple[str, str]) -> None:
        sentence, severity = notice
        self.notify(visible(sentence), severity=severity, markup=False)  # type: ignore[arg-type]

    def _tell_of_engine(self, state: Any) -> None:
        if state.status in {"died", "stopped"}:
            way = "; «Restart engine» in the palette (ctrl+p) starts it again" if state.status == "stopped" else ""
            self.notify(f"{visible(state.text)}{way}", severity="error", markup=False)

    async def on_event(self, event: Event) -> None:
        """Before anything is drawn for a key or the mouse, the engine hears of it if it is measuring."""
        if isinstance(event, InputEvent) and self._exit:
            return  # typed ahead of the end: what it would be for is going
        if isinstance(event, InputEvent | Resize) and not event.is_forwarded:
            self.session.touched()
        await super().on_event(event)

    # Keys

    def action_models(self) -> None:
        """Choose the models."""
        from encoder_tui.window.dialogs.models import ModelsDialog  # noqa: PLC0415  # after the first paint

        if not isinstance(self.screen, ModelsDialog):
            self.push_screen(ModelsDialog(self.session))

    def action_restart_engine(self) -> None:
        """Start another engine, also where it was given up."""
        workers.start(self, self.session.restart_engine, group="engine", exclusive=True)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette has beside the actions that have keys."""
        yield from super().get_system_commands(screen)
        yield from self.keeping_commands()
        yield SystemCommand("Restart engine", "End the engine and start another", self.action_restart_engine)

    def _handle_exception(self, error: Exception) -> None:
        """End the window with a report instead of Textual's crash screen, which prints local variables."""
        if came_too_late(error):
            return
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
            self.report = write_crash_report(error, log_path())
            self._close_messages_no_wait()


def run(settings: Settings) -> int:
    """Open the window; the exit code of the program."""
    memory.share_heap()  # before there is a second thread
    with own_screen():
        app = EncoderApp(settings)
        if settings.theme is None and app.console.color_system == "standard" and not app.no_color:
            # Of sixteen colours no theme is left but greys; the terminal's own are the better ones.
            app.theme = "ansi-dark"
        app.listen_to_signals()
        try:
            result = app.run()
        finally:
            app.session.memory.write()  # however it ended
    if app.session.memory.complaint:
        print(f"encoder-tui: {visible(app.session.memory.complaint)}", file=sys.stderr)  # noqa: T201
    if app.return_code not in {None, 0}:
        if app.report and settings.debug:
            print(app.report.read_text("utf-8"), file=sys.stderr)  # noqa: T201
        where = f"; {app.report} has the traceback" if app.report else ""
        print(f"encoder-tui: something went wrong and the window closed{where}", file=sys.stderr)  # noqa: T201
        return 1
    return result or 0
