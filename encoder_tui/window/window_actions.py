"""What the window does in every pane: help, a panel alone, a picture, a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.await_complete import AwaitComplete
from textual.command import CommandPalette
from textual.theme import ThemeProvider
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Input, TextArea

if TYPE_CHECKING:
    from encoder_tui.window.session.session import Session


class WindowActions(App[Any]):
    """The part of the window that acts on whatever is in front; what it needs is imported after the first paint."""

    session: Session

    @property
    def pane_in_front(self) -> str:
        """The name of the pane that is shown."""
        return self.screen_stack[0].query_one("#panes", ContentSwitcher).current or ""

    async def action_help(self) -> None:
        """Show or hide what the pane and what has the focus are, and mean, and hear."""
        from encoder_tui.window.help.screen import HelpScreen  # noqa: PLC0415  # after the first paint

        if isinstance(self.screen, HelpScreen):
            self.pop_screen()
        elif not CommandPalette.is_open(self):  # which tells by itself what each of its lines does
            self.push_screen(HelpScreen(self.session, self.pane_in_front, self.screen))

    def action_command_palette(self) -> None:
        """Open the palette, unless it is open already somewhere in the stack: there is only one."""
        from encoder_tui.window.palette import Palette  # noqa: PLC0415  # after the first paint

        if not any(isinstance(screen, CommandPalette) for screen in self.screen_stack):
            self.push_screen(Palette(id="--command-palette"))

    def search_themes(self) -> None:
        """Open a palette of the themes."""
        from encoder_tui.window.palette import Palette  # noqa: PLC0415  # after the first paint

        self.push_screen(Palette(providers=[ThemeProvider], placeholder="Search for themes…"))

    def pop_screen(self) -> AwaitComplete:
        """Close what lies over the window, if there still is something.

        A key that was typed ahead may reach a dialog that another key has closed meanwhile, and ends nothing then.
        """
        return super().pop_screen() if len(self.screen_stack) > 1 else AwaitComplete()

    def action_maximize(self) -> None:
        """Let what has the focus fill the window, or give the window back."""
        if self.screen.maximized is not None:
            self.screen.minimize()
            return
        pane = self.query("#panes").results(ContentSwitcher)
        front = next((one.visible_content for one in pane), None)
        # A field or a row of names is no panel: what stands below it is meant.
        panels = [self.screen.focused, *(front.query("*") if front is not None else ())]
        for panel in panels:
            is_field = isinstance(panel, Input) or (isinstance(panel, TextArea) and not panel.has_focus)
            if panel is not None and panel.allow_maximize and not is_field and shown(panel):
                self.screen.set_focus(panel)
                self.screen.maximize(panel, container=False)
                return

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        """Write the screen as a picture beside what one works on, and say where."""
        from encoder_tui.window.screenshot import take  # noqa: PLC0415  # after the first paint

        self.call_after_refresh(take, self, filename, path)

    def action_save(self) -> None:
        """Save what the pane can copy to a file."""
        from encoder_tui.window.dialogs.save import SaveDialog  # noqa: PLC0415
        from encoder_tui.window.save_copies import saveables  # noqa: PLC0415

        pane = self.query_one("#panes", ContentSwitcher).visible_content
        things = [] if pane is None or len(self.screen_stack) > 1 else saveables(self, pane)
        if things:
            self.push_screen(SaveDialog(things))


def shown(widget: Widget) -> bool:
    """Whether neither a widget nor what it stands in is hidden."""
    return all(node.display for node in widget.ancestors_with_self)
