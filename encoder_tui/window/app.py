"""The window: its panes and keys, and the actions of every pane: help, palette, maximising, screenshot, saving."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from textual import on
from textual.app import App, ComposeResult, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.command import CommandPalette
from textual.content import Content
from textual.events import Event, InputEvent, Resize
from textual.notifications import Notify
from textual.screen import Screen
from textual.theme import ThemeProvider
from textual.widgets import Input, Static, TextArea

from encoder_tui.core.settings import Settings, log_path, state_path
from encoder_tui.core.start_marker import MINUTE, StartMarker
from encoder_tui.core.text.safe import visible
from encoder_tui.window.main_screen import MainScreen, TooSmall, TopLine
from encoder_tui.window.panes.registry import PANES, key_range, titled
from encoder_tui.window.panes.switcher import PaneChoice, PaneSwitcher
from encoder_tui.window.session.session import Session
from encoder_tui.window.terminal.app import TerminalApp
from encoder_tui.window.terminal.screen_guard import own_screen, write_crash_report
from encoder_tui.window.textual_fixes import internals, memory, workers
from encoder_tui.window.textual_fixes.late_errors import came_too_late
from encoder_tui.window.theme import legible
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.key_line import KeyLine
from encoder_tui.window.widgets.safety_filter import Fence
from encoder_tui.window.widgets.visibility import is_shown

if TYPE_CHECKING:
    from textual.command import Provider

    from encoder_tui.client.client import EngineState
    from encoder_tui.window.help.screen import Topic


def _palette() -> type[Provider]:
    """The entries of the palette, imported when it is opened."""
    from encoder_tui.window.palette import Actions  # noqa: PLC0415

    return Actions


class EncoderApp(TerminalApp):
    """Composes the panes and switches between them; they share the session."""

    CSS_PATH = "app.tcss"
    TITLE = "encoder-tui"
    BINDINGS = [
        Binding("f1", "help", "Help", priority=True, id="window.help", tooltip="Explain this screen and its keys"),
        Binding("question_mark", "help", "Help", show=False, id="window.help-letter"),
        *(
            # F-keys have priority over the focused field, because TextArea uses F6 and F7 itself.
            Binding(pane.key, f"pane('{name}')", pane.title, False, priority=True, id=f"window.{name}")
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
        Binding("m", "models", "Models", id="window.models", tooltip="Add, replace, remove and swap models"),
        Binding(
            "f8",
            "maximize",
            "Fill the window",
            show=False,
            priority=True,
            id="window.maximize",
            tooltip="Show only the panel that has the focus, or everything again",
        ),
        Binding(
            "f9",
            "screenshot",
            "Screenshot",
            show=False,
            priority=True,
            id="window.screenshot",
            tooltip="Save a picture of the screen as SVG",
        ),
        Binding(
            "ctrl+s",
            "save",
            "Save to a file",
            show=False,
            id="window.save",
            tooltip="Save to a file what the pane can copy",
        ),
        Binding("ctrl+q", "quit", "Quit", priority=True, id="window.quit", tooltip="Close the window"),
        # A text field that has the focus undoes with it.
        Binding(
            "ctrl+z",
            "suspend_process",
            "Suspend",
            show=False,
            id="window.suspend",
            tooltip="Go back to the shell; fg continues",
        ),
    ]
    COMMANDS = {_palette}
    ALLOW_IN_MAXIMIZED_VIEW = "KeyLine"

    def __init__(self, settings: Settings, marker: StartMarker | None = None) -> None:
        """`marker` records whether the last start died, and tells the next start whether this one did."""
        super().__init__()
        self.marker = StartMarker(None) if marker is None else marker
        internals.filter_first(self, Fence())
        if settings.theme is not None and settings.theme in self.available_themes:
            self.theme = settings.theme
        internals.set_keys(self, settings.keys)
        self.session = Session(self, settings, self.marker.found_dead())
        self.marker.write()
        self.crash_report: Path | None = None
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
            yield PaneChoice(self._first_pane)
        yield Static(id="banner", markup=False)
        yield PaneSwitcher(self.session, self._first_pane)
        yield TooSmall(id="too-small", markup=False)
        yield KeyLine(key_range())

    def on_mount(self) -> None:
        self.session.models_changed.subscribe(self, lambda _: self._show_banner())
        self.session.noticed.subscribe(self, self._show_notice)
        self.session.engine_changed.subscribe(self, self._tell_of_engine)
        self._show_banner()
        if self.session.settings.keys or self.session.settings.theme not in {None, self.theme}:
            workers.start(self, self._check_settings, group="settings")
        if self.is_web:
            # The driver does not notice that the server behind its pipe is gone.
            parent = os.getppid()
            self.set_interval(2, lambda: self.exit() if os.getppid() != parent else None)
        self.call_after_refresh(self._first_frame_is_there)

    async def _first_frame_is_there(self) -> None:
        """Start what can wait until the first frame is drawn: tokenizers, engines, garbage collection."""
        if not gc.isenabled():
            # Objects made at the start live until the end, so collections need not look at them.
            gc.freeze()
            gc.enable()
        self.set_interval(memory.EVERY, memory.give_back)
        self.set_timer(MINUTE, self.marker.remove)
        if self.session.settings.docs is not None:
            await self.panes.make("documents")  # other panes use what was named, too
        await self.session.start()

    async def on_unmount(self) -> None:
        await self.session.close()

    async def _check_settings(self) -> None:
        """Report settings that cannot be applied; the others are."""
        from encoder_tui.window import keys  # noqa: PLC0415  # only if keys were remapped

        settings = self.session.settings
        if settings.theme not in {None, self.theme}:
            there = ", ".join(sorted(self.available_themes))
            self.session.notice(f"there is no theme {settings.theme!r}; choose one of {there}", "warning")
        for problem in await asyncio.to_thread(keys.problems, settings.keys):
            self.session.notice(f"[keys]: {problem}", "warning")

    def give_back(self) -> None:
        self.session.kill_engines()
        super().give_back()
        self.session.memory.last.write()
        self.marker.remove()

    def _show_banner(self) -> None:
        banner = self.query_one("#banner", Static)
        banner.update(Content(self.session.banner))
        banner.display = bool(self.session.banner)

    def on_notify(self, event: Notify) -> None:
        from encoder_tui.window.textual_fixes import toasts  # noqa: PLC0415

        toasts.take(self, event)

    def _show_notice(self, notice: tuple[str, str]) -> None:
        sentence, severity = notice
        self.notify(visible(sentence), severity=severity, markup=False)  # type: ignore[arg-type]

    def _tell_of_engine(self, state: EngineState) -> None:
        if state.status in {"died", "stopped"}:
            way = "; «Restart engine» in the palette (ctrl+p) starts it again" if state.status == "stopped" else ""
            self.notify(f"{visible(state.text)}{way}", severity="error", markup=False)

    async def on_event(self, event: Event) -> None:
        """Before anything is drawn for a key or the mouse, the engine hears of it if it is measuring."""
        if isinstance(event, InputEvent) and internals.is_exiting(self):
            return  # typed after the window began to close
        if isinstance(event, InputEvent | Resize) and not event.is_forwarded:
            self.session.touched()
        await super().on_event(event)

    # Panes

    @property
    def panes(self) -> PaneSwitcher:
        """The panes, even if a dialog is open above them."""
        return self.screen_stack[0].query_one(PaneSwitcher)

    @property
    def pane_in_front(self) -> str:
        """The name of the pane that is shown."""
        return self.panes.current or ""

    async def action_pane(self, name: str) -> None:
        """Open a pane and give it the focus."""
        await self._show_pane(name)
        pane, focused = self.panes.front, self.screen.focused
        assert pane is not None
        if not pane.is_mounted or (focused is not None and pane in focused.ancestors):
            return  # a pane that is still being made takes the focus itself
        pane.take_focus()

    async def _show_pane(self, name: str) -> None:
        """Bring a pane to the front; it is made the first time."""
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        self.screen.minimize()
        await self.panes.bring(name)
        for choice in self.query(PaneChoice):
            choice.chosen = PANES[name].title

    @on(Choice.Changed, "#pane-choice")
    async def _pane_chosen(self, event: Choice.Changed) -> None:
        # The window may be closing, or another pane was chosen before this message arrived.
        if not self.query(PaneSwitcher) or event.name != event.choice.chosen:
            return
        name = titled(event.name).name
        if name == self.pane_in_front:
            return  # the row only follows
        if self.screen.focused is event.choice:
            # The user moves along the row: a pane that is made on the way must not take the next arrow key.
            await self._show_pane(name)
            self.screen.set_focus(event.choice)
        else:
            await self.action_pane(name)

    # Keys. Their imports come after the first paint.

    async def action_help(self) -> None:
        """Show or hide help for the current pane and the focused widget."""
        from encoder_tui.window.help.screen import HelpScreen  # noqa: PLC0415

        if isinstance(self.screen, HelpScreen):
            self.pop_screen()
        elif not CommandPalette.is_open(cast(App[object], self)):  # which explains its own entries
            models = [slot.name for slot in self.session.slots]
            self.push_screen(HelpScreen(self._help_topic(), models, self.screen))

    def _help_topic(self) -> Topic:
        from encoder_tui.window.dialogs.models import ModelsDialog  # noqa: PLC0415
        from encoder_tui.window.help.pages import MODELS, quoted  # noqa: PLC0415
        from encoder_tui.window.help.screen import Topic  # noqa: PLC0415

        pane = self.panes.front
        if pane is None or isinstance(self.screen, ModelsDialog):
            return Topic(MODELS, MODELS)
        name, view = self.pane_in_front, pane.view_choice.chosen
        words = pane.shell_command(view, quoted(self.session.text), self.session.settings.docs)
        return Topic(name, PANES[name].title, view, words)

    def action_command_palette(self) -> None:
        """Open the palette, unless it is open already somewhere in the stack: there is only one."""
        from encoder_tui.window.palette import Palette  # noqa: PLC0415

        if not any(isinstance(screen, CommandPalette) for screen in self.screen_stack):
            self.push_screen(Palette(id="--command-palette"))

    def search_themes(self) -> None:
        """Open a palette of the themes."""
        from encoder_tui.window.palette import Palette  # noqa: PLC0415

        self.push_screen(Palette(providers=[ThemeProvider], placeholder="Search for themes…"))

    def pop_screen(self) -> AwaitComplete:
        """Close the screen above the window, if there still is one.

        A key typed ahead may reach a dialog that another key has closed meanwhile; then nothing happens.
        """
        return super().pop_screen() if len(self.screen_stack) > 1 else AwaitComplete()

    def action_maximize(self) -> None:
        """Let the focused panel fill the window, or show everything again."""
        if self.screen.maximized is not None:
            self.screen.minimize()
            return
        front = self.panes.front if len(self.screen_stack) == 1 else None
        # A field or a row of names is not a panel: maximise the panel below it instead.
        panels = [self.screen.focused, *(front.query("*") if front is not None else ())]
        for panel in panels:
            is_field = isinstance(panel, Input) or (isinstance(panel, TextArea) and not panel.has_focus)
            if panel is not None and panel.allow_maximize and not is_field and is_shown(panel):
                self.screen.set_focus(panel)
                self.screen.maximize(panel, container=False)
                return

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        """Save a picture of the screen in the current folder, and say where."""
        from encoder_tui.window.screenshot import take  # noqa: PLC0415

        self.call_after_refresh(take, self, filename, path)

    def action_save(self) -> None:
        """Save to a file what the pane can copy."""
        from encoder_tui.window.dialogs.save import SaveDialog  # noqa: PLC0415
        from encoder_tui.window.save_copies import saveables  # noqa: PLC0415

        pane = self.panes.front
        things = [] if pane is None or len(self.screen_stack) > 1 else saveables(self, pane)
        if things:
            self.push_screen(SaveDialog(things))

    def action_report(self) -> None:
        """Ask for the sections of a report and for its file, then write it."""
        from encoder_tui.window.dialogs.report import Chosen, ReportDialog  # noqa: PLC0415
        from encoder_tui.window.report import ReportWriter, offered_sections  # noqa: PLC0415

        if isinstance(self.screen, ReportDialog):
            return
        writer = ReportWriter(self.session)
        # What is on the screen now; what arrives while the dialog is open is not in this report.
        material = writer.material(self.panes.made)

        def chosen(answer: Chosen | None) -> None:
            if answer is not None:
                workers.start(self, partial(writer.write, material, *answer), group="report")

        self.push_screen(ReportDialog(offered_sections(material)), chosen)

    def action_earlier_texts(self) -> None:
        """Reopen a text of an earlier session."""
        from encoder_tui.window.dialogs.earlier_texts import TextsDialog  # noqa: PLC0415

        if not isinstance(self.screen, TextsDialog):
            self.push_screen(TextsDialog(self.session))

    def action_models(self) -> None:
        """Choose the models."""
        from encoder_tui.window.dialogs.models import ModelsDialog  # noqa: PLC0415

        if not isinstance(self.screen, ModelsDialog):
            self.push_screen(ModelsDialog(self.session))

    def action_restart_engine(self) -> None:
        """Start another engine, even after the engine was given up."""
        workers.start(self, self.session.restart_engine, group="engine", exclusive=True)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Return the entries of the palette that have no keys."""
        yield from super().get_system_commands(screen)
        yield SystemCommand("Report", "Save what is on the screen as a Markdown file", self.action_report)
        if self.session.memory.state.earlier_texts:
            yield SystemCommand("Earlier texts", "Reopen a text of an earlier session", self.action_earlier_texts)
        if (gone := self.session.gone) is not None:
            words = f"Bring back {visible(gone.short)}"
            yield SystemCommand(words, "Undo the last removal or replacement of a model", self.session.bring_back)
        yield SystemCommand("Restart engine", "End the engine and start another", self.action_restart_engine)

    def _handle_exception(self, error: Exception) -> None:
        """End the window with a report instead of Textual's crash screen, which prints local variables."""
        if came_too_late(error):
            return
        if not internals.has_failed(self):
            self.crash_report = write_crash_report(error, log_path())
        internals.end_with(self, error)


def run(settings: Settings) -> int:
    """Open the window; return the exit code of the program."""
    memory.share_heap()  # before a second thread starts
    with own_screen():
        app = EncoderApp(settings, StartMarker(None if settings.fresh else state_path().parent))
        if settings.theme is None and app.console.color_system == "standard" and not app.no_color:
            # With sixteen colours every theme becomes grey, so use the terminal's own colours.
            app.theme = "ansi-dark"
        app.listen_to_signals()
        try:
            result = app.run()
        finally:
            app.session.memory.last.write()  # however it ended
    if app.return_code in {None, 0}:
        app.marker.remove()
    if app.session.memory.last.complaint:
        print(f"encoder-tui: {visible(app.session.memory.last.complaint)}", file=sys.stderr)  # noqa: T201
    if app.return_code not in {None, 0}:
        if app.crash_report and settings.debug:
            print(app.crash_report.read_text("utf-8"), file=sys.stderr)  # noqa: T201
        where = f"; {app.crash_report} has the traceback" if app.crash_report else ""
        print(f"encoder-tui: something went wrong and the window closed{where}", file=sys.stderr)  # noqa: T201
        return 1
    return result or 0
