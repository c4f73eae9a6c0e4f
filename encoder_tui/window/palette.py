"""The palette: every view and every action of every pane."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast

from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.events import Mount
from textual.markup import escape
from textual.screen import Screen
from textual.style import Style

from encoder_tui.window import keys
from encoder_tui.window.panes.registry import PANES
from encoder_tui.window.panes.switcher import PaneSwitcher
from encoder_tui.window.textual_fixes import internals, workers
from encoder_tui.window.widgets.key_names import lowered, spelled
from encoder_tui.window.widgets.visibility import is_shown

if TYPE_CHECKING:
    from textual.app import SystemCommand
    from textual.widget import Widget

TEXTUALS: Final = {"Theme", "Quit", "Keys", "Maximize", "Minimize", "Screenshot"}
"""Textual's own entries, which have other names here."""


class PaletteHost(Protocol):
    """What the palette needs from the window."""

    @property
    def panes(self) -> PaneSwitcher:
        """The panes."""

    @property
    def pane_in_front(self) -> str:
        """The name of the pane that is shown."""

    async def action_pane(self, name: str) -> None:
        """Open a pane and give it the focus."""

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Return the actions that have no keys."""

    def search_themes(self) -> None:
        """Open a palette of the themes."""


class PaletteEntry(NamedTuple):
    """An entry: its text, its key and explanation, its pane (None for the window), and its action."""

    words: str
    about: str
    pane: str | None
    act: Callable[[], Coroutine[Any, Any, None]]


class Palette(CommandPalette):
    """Textual's palette, fixed for one-row terminals and for being closed before it has opened."""

    def _on_mount(self, event: Mount) -> None:
        """Do nothing if a key has already closed the palette: Textual would look for the screen below it."""
        if self not in self.app.screen_stack:
            event.prevent_default()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Ignore list movement while the list has no visible rows; Textual fails on it."""
        if action == "command_list" and not any(found.scrollable_content_region for found in self.query(CommandList)):
            return False
        return super().check_action(action, parameters)


class Actions(Provider):
    """All actions and views, those of the current pane first."""

    def __init__(self, screen: Screen[Any], match_style: Style | None = None) -> None:
        super().__init__(screen, match_style)
        self._entries: list[PaletteEntry] = []

    async def startup(self) -> None:
        """Import the panes that were not opened yet, in a thread."""
        self._entries = await asyncio.to_thread(self._gather)

    @property
    def _window(self) -> PaletteHost:
        return cast(PaletteHost, self.app)

    def _gather(self) -> list[PaletteEntry]:
        front = self._window.pane_in_front
        entries = [*self._of_window(), *self._of_panes()]
        order = {front: 0, None: 1}
        return sorted(entries, key=lambda entry: order.get(entry.pane, 2))

    def _of_window(self) -> list[PaletteEntry]:
        found = {
            key.binding.action: PaletteEntry(
                key.binding.description, self._key(key), None, self._on_app(key.binding.action)
            )
            for key in reversed(keys.everywhere())
            if key.place.title == "Window" and key.binding.action != "command_palette"
        }
        others = [
            PaletteEntry(command.title, escape(command.help), None, self._plain(command.callback))
            for command in self._window.get_system_commands(self.screen)
            if command.title not in TEXTUALS and command.title not in {entry.words for entry in found.values()}
        ]
        theme = PaletteEntry(
            "Theme", "Choose light or dark colours, or the terminal's own: ansi-dark, ansi-light", None, self._theme
        )
        return [*reversed(found.values()), *others, theme]

    def _plain(self, callback: Callable[[], Any]) -> Callable[[], Coroutine[Any, Any, None]]:
        async def act() -> None:
            await internals.invoke(callback)

        return act

    async def _theme(self) -> None:
        self._window.search_themes()

    def _on_app(self, action: str) -> Callable[[], Coroutine[Any, Any, None]]:
        async def act() -> None:
            await self.app.run_action(action, self.app)

        return act

    def _key(self, key: keys.Key) -> str:
        pressed = internals.key_of(self.app, key.id) or key.binding.key
        words = f"key {' '.join(map(spelled, pressed.split(',')))}"
        return escape(f"{words} · {key.binding.tooltip}" if key.binding.tooltip else words)

    def _of_panes(self) -> list[PaletteEntry]:
        found = []
        places = keys.places()
        for name, pane in PANES.items():
            seen: set[str] = set()
            for place in places:
                for key in keys.own(place) if place.pane == name else ():
                    if key.id.startswith(keys.MOVEMENT) or key.id in seen or not key.binding.description:
                        continue
                    if key.id.endswith(".leave"):
                        continue
                    seen.add(key.id)
                    words = f"{pane.title}: {lowered(key.binding.description)}"
                    found.append(PaletteEntry(words, self._key(key), name, self._in_place(place, key.binding.action)))
            found += [
                PaletteEntry(f"{pane.title}: view {view}", "", name, self._view(name, view)) for view in pane.views()
            ]
        return found

    def _view(self, pane: str, view: str) -> Callable[[], Coroutine[Any, Any, None]]:
        async def act() -> None:
            await self._open(pane, view)

        return act

    def _in_place(self, place: keys.Place, action: str) -> Callable[[], Coroutine[Any, Any, None]]:
        async def act() -> None:
            assert place.pane is not None
            widget = await self._open(place.pane, place.view, place.load())
            if widget is not None:
                await self.app.run_action(action, widget)

        return act

    async def _open(self, pane: str, view: str | None, wanted: type[Widget] | None = None) -> Widget | None:
        """Open a pane and a view; return the widget that has the action, or None if it is not visible."""
        window = self._window
        await window.action_pane(pane)
        there = window.panes.front
        if there is None or wanted is None or isinstance(there, wanted):
            if there is not None and view is not None:
                await there.open_view(view)
            return there
        if view is not None and not any(is_shown(widget) for widget in there.query(wanted)):
            await there.open_view(view)
        return next((widget for widget in there.query(wanted) if is_shown(widget)), None)

    async def discover(self) -> Hits:
        for entry in self._entries:
            yield DiscoveryHit(entry.words, self._run(entry), help=entry.about or None)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        front = self._window.pane_in_front
        for entry in self._entries:
            score = matcher.match(entry.words)
            if score > 0:
                # Entries of the current pane are more likely to be wanted.
                score *= 1.0 if entry.pane in {front, None} else 0.8
                yield Hit(score, matcher.highlight(entry.words), self._run(entry), help=entry.about or None)

    def _run(self, entry: PaletteEntry) -> Callable[[], None]:
        def run() -> None:
            # As a worker: opening a view waits for messages that the window must handle meanwhile.
            workers.start(self.app, entry.act, group="palette")

        return run
