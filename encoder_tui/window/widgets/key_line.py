"""The last line: the keys that work now, and what they do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol, runtime_checkable

from rich.cells import cell_len
from rich.segment import Segment
from textual.dom import NoScreen
from textual.events import Click
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from encoder_tui.window.widgets.key_names import lowered

ALWAYS: Final = ("help", "command_palette")
"""Actions that are always shown at the right end, however narrow the window is."""
TAB: Final = ("tab", "next")
ROOMY: Final = 110


@runtime_checkable
class Possible(Protocol):
    """A widget that knows which of its actions would do something now."""

    def possible(self, action: str) -> bool:
        """Return whether an action of one of its bindings would do something now."""


@dataclass(frozen=True)
class KeyEntry:
    """A key and what it does; `key` is the key that a click presses, empty for a hint."""

    display: str
    words: str
    key: str

    @property
    def width(self) -> int:
        return cell_len(self.display) + cell_len(self.words) + 3


class KeyLine(Widget):
    """One line of keys, those of the focused widget first; an ellipsis replaces those without room."""

    COMPONENT_CLASSES = {"key-line--key", "key-line--words"}
    DEFAULT_CSS = """
    KeyLine { height: 1; dock: bottom; background: $panel; color: $text; }
    KeyLine .key-line--key { text-style: bold; color: $text-accent; }
    KeyLine .key-line--words { color: $text; }
    """
    ALLOW_SELECT = False

    def __init__(self, pane_keys: str) -> None:
        """`pane_keys` is the text for the keys of the panes."""
        super().__init__()
        self._panes = KeyEntry(pane_keys, "panes", "")
        self._places: list[tuple[int, int, KeyEntry]] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, screen: Screen[Any]) -> None:
        if screen.app.app_focus:
            self.refresh()

    def entries(self) -> tuple[list[KeyEntry], list[KeyEntry]]:
        """Return the entries that work now, those of the focused widget first, and the entries that always work."""
        found: dict[tuple[int, str], KeyEntry] = {}
        always: dict[str, KeyEntry] = {}
        for node, binding, enabled, _ in self.screen.active_bindings.values():
            display = self.app.get_key_display(binding)
            display = display.upper() if display[:1] == "f" and display[1:].isdigit() else display
            entry = KeyEntry(display, lowered(binding.description), binding.key)
            if binding.action in ALWAYS:
                if binding.priority:
                    always[binding.action] = entry
            elif binding.show and enabled and not (isinstance(node, Possible) and not node.possible(binding.action)):
                # Two classes may have a key for the same action; it is listed once.
                found.setdefault((0, binding.id) if binding.id else (id(node), binding.action), entry)
        last = [found.pop(key) for key in list(found) if key[1] == "window.quit"]
        if self.screen.maximized is not None:
            found = {(0, ""): KeyEntry("esc", "whole window", "escape"), **found}
        return [*found.values(), *last], [always[action] for action in ALWAYS if action in always]

    def render_line(self, y: int) -> Strip:
        """Return the entries that fit."""
        width = self.size.width
        left, right = self.entries()
        if width >= ROOMY:
            right = [self._panes, KeyEntry(*TAB, ""), *right]
        room = width - sum(entry.width for entry in right) - 1
        shown = []
        for place, entry in enumerate(left):
            is_last = place == len(left) - 1
            if entry.width > room - (0 if is_last else 2):
                break
            shown.append(entry)
            room -= entry.width
        self._places = []
        segments = [*self._segments(shown, 0)]
        used = sum(entry.width for entry in shown)
        if len(shown) < len(left):
            segments.append(Segment(" …", self.get_component_rich_style("key-line--words")))
            used += 2
        start = width - sum(entry.width for entry in right)
        segments.append(Segment(" " * max(start - used, 0)))
        segments += self._segments(right, start)
        return Strip(segments).crop_extend(0, width, self.rich_style).apply_style(self.rich_style)

    def _segments(self, entries: list[KeyEntry], start: int) -> Iterator[Segment]:
        key_style = self.get_component_rich_style("key-line--key")
        words_style = self.get_component_rich_style("key-line--words")
        for entry in entries:
            self._places.append((start, start + entry.width, entry))
            start += entry.width
            yield Segment(f" {entry.display}", key_style)
            yield Segment(f" {entry.words} ", words_style)

    def on_click(self, event: Click) -> None:
        for start, end, entry in self._places:
            if start <= event.x < end and entry.key:
                self.app.simulate_key(entry.key)


def possible_changed(widget: Widget) -> None:
    """Update the last line, because other actions of the widget are possible now.

    Does nothing without a screen: work may end because the window closes.
    """
    with contextlib.suppress(NoScreen):
        widget.refresh_bindings()
