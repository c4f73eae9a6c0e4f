"""Every key of the window: where it holds, its id, and what remapping it collides with."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from textual.binding import Binding
from textual.keys import REPLACED_KEYS, Keys, _character_to_key, format_key, key_to_character

from encoder_tui.core.text.safe import visible

MOVEMENT: Final = ("move.", "dialog.", "view.", "choice.")
"""Ids of keys that move, or that every pane has: the same wherever they hold, and no entries of the palette."""
NAMED: Final = {"escape", "enter", "delete", "backspace", "pageup", "pagedown", "minus"}
"""Keys that are spelled out where Textual would draw them."""


@dataclass(frozen=True)
class Place:
    """A class with keys: the pane and the view that it stands in, None where it is in all."""

    title: str
    pane: str | None
    view: str | None
    module: str
    class_name: str

    def load(self) -> Any:
        """The class, imported."""
        return getattr(importlib.import_module(self.module), self.class_name)


@dataclass(frozen=True)
class Pane:
    """A pane: its title, the choice among its views, and where their names stand."""

    title: str
    choice: str
    module: str

    def views(self) -> tuple[str, ...]:
        """The names of the views."""
        return tuple(importlib.import_module(self.module).VIEWS)


_PANES: Final = "encoder_tui.window.panes"
PANES: Final = {
    "tokens": Pane("Tokens", "view", f"{_PANES}.tokens.pane"),
    "parameters": Pane("Parameters", "parameters-view", f"{_PANES}.parameters.pane"),
    "documents": Pane("Documents", "document-view", f"{_PANES}.documents.pane"),
    "outputs": Pane("Outputs", "outputs-view", f"{_PANES}.outputs.pane"),
    "timing": Pane("Timing", "timing-view", f"{_PANES}.timing.pane"),
}
_WIDGETS: Final = "encoder_tui.window.widgets"
_DIALOGS: Final = "encoder_tui.window.dialogs"
PLACES: Final = (
    Place("Window", None, None, "encoder_tui.window.app", "EncoderApp"),
    Place("Tokens", "tokens", None, f"{_PANES}.tokens.pane", "TokensPane"),
    Place("Tokens", "tokens", "aligned", f"{_PANES}.tokens.ribbon", "Ribbon"),
    Place("Parameters", "parameters", None, f"{_PANES}.parameters.pane", "ParametersPane"),
    Place("Parameters", "parameters", "trees", f"{_PANES}.parameters.tree", "ParameterTree"),
    Place("Documents", "documents", None, f"{_PANES}.documents.pane", "DocumentsPane"),
    Place("Documents", "documents", "text", f"{_PANES}.documents.text", "DocumentText"),
    Place("Outputs", "outputs", None, f"{_PANES}.outputs.pane", "OutputsPane"),
    Place("Outputs", "outputs", "list", f"{_PANES}.outputs.list_view", "OutputTable"),
    Place("Outputs", "outputs", "map", f"{_PANES}.outputs.tensor_view", "Look"),
    Place("Outputs", "outputs", "map", f"{_WIDGETS}.matrix", "Matrix"),
    Place("Timing", "timing", None, f"{_PANES}.timing.pane", "TimingPane"),
    Place("Timing", "timing", "best", f"{_PANES}.timing.best_table", "BestTable"),
    Place("Timing", "timing", "saved", f"{_PANES}.timing.saved_runs", "SavedRuns"),
    Place("Models", None, None, "encoder_tui.window.dialogs.models", "ModelsDialog"),
    Place("Dialogs", None, None, f"{_PANES}.documents.source_dialog", "SourceChooser"),
    Place("Dialogs", None, None, "encoder_tui.window.help.screen", "HelpScreen"),
    Place("Dialogs", None, None, "encoder_tui.window.dialogs.report", "ReportDialog"),
    Place("Dialogs", None, None, "encoder_tui.window.dialogs.earlier_texts", "TextsDialog"),
    Place("Dialogs", None, None, f"{_DIALOGS}.save", "SaveDialog"),
    Place("Dialogs", None, None, f"{_DIALOGS}.dialog", "Dialog"),
    Place("Lists", None, None, "encoder_tui.window.help.screen", "Page"),
    Place("Lists", None, None, f"{_WIDGETS}.lines", "Lines"),
    Place("Lists", None, None, f"{_WIDGETS}.table", "Table"),
    Place("Lists", None, None, f"{_WIDGETS}.option_list", "Options"),
    Place("Lists", None, None, f"{_WIDGETS}.choice", "Choice"),
    Place("Lists", None, None, f"{_WIDGETS}.cycle", "Cycle"),
)
"""Every class of this program that has keys."""


@dataclass(frozen=True)
class Key:
    """A key of a class; `keys` as Textual spells them, with commas."""

    place: Place
    binding: Binding

    @property
    def id(self) -> str:
        return self.binding.id or ""

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(map(_named, self.binding.key.split(",")))


def own(place: Place) -> list[Key]:
    """The keys that a class itself declares."""
    return [
        Key(place, binding) for binding in place.load().__dict__.get("BINDINGS", ()) if isinstance(binding, Binding)
    ]


def everywhere() -> list[Key]:
    """Every key of this program; imports every pane."""
    return [key for place in PLACES for key in own(place)]


def listed(keymap: Mapping[str, str]) -> Iterator[tuple[str, str, str, str]]:
    """Every id once: title, id, the keys in force, what they do."""
    seen = set()
    for key in everywhere():
        if key.id and key.id not in seen:
            seen.add(key.id)
            alike = [",".join(other.binding.key for other in everywhere() if other.id == key.id)]
            pressed = keymap.get(key.id) or ",".join(dict.fromkeys(",".join(alike).split(",")))
            title = "Everywhere" if key.id.startswith(MOVEMENT) else key.place.title
            yield title, key.id, " ".join(map(spelled, pressed.split(","))), key.binding.description


def spelled(key: str) -> str:
    """A key as people write it: `ctrl+q`, `/`, `F2`."""
    *modifiers, last = key.strip().split("+")
    last = last if last in NAMED else format_key(last)
    return "+".join([*modifiers, last.upper() if last[:1] == "f" and last[1:].isdigit() else last])


def lowered(words: str) -> str:
    """A description as part of a line: its first letter small, unless the word is a name that has capitals."""
    first = words.split(" ", 1)[0]
    return words if first[1:] != first[1:].lower() else words[:1].lower() + words[1:]


def _named(key: str) -> str:
    """A key as Textual names it: `/` is `slash`."""
    key = key.strip()
    return _character_to_key(key) if len(key) == 1 else key


def _is_key(key: str) -> bool:
    """Whether a terminal can send a key of this name."""
    *modifiers, last = key.strip().split("+")
    is_modified = set(modifiers) <= {"ctrl", "shift", "alt", "super", "meta", "hyper"}
    is_there = key_to_character(last) is not None or last in {one.value for one in Keys}
    return is_modified and (is_there or last in REPLACED_KEYS)


def problems(keymap: Mapping[str, str]) -> list[str]:
    """What is wrong with a keymap, a sentence each: ids that there are not, keys that there are not, collisions."""
    if not keymap:
        return []
    import difflib  # noqa: PLC0415  # only for misspelled ids

    keys = everywhere()
    ids = {key.id for key in keys if key.id}
    found = []
    for name, pressed in keymap.items():
        if name not in ids:
            near = difflib.get_close_matches(name, ids, 1)
            hint = f"; did you mean {near[0]}?" if near else "; encoder-tui config --keys lists them"
            found.append(f"no key has the id {visible(name)!r}{hint}")
        found += [
            f"{visible(one)!r} for {visible(name)} is no key; keys are written like ctrl+k, f7, slash"
            for one in pressed.split(",")
            if not _is_key(one)
        ]
    return [*found, *_collisions(keymap, keys)]


def _collisions(keymap: Mapping[str, str], keys: Sequence[Key]) -> list[str]:
    """Remapped keys that something else has where both hold: it would never be heard."""

    def pressed(key: Key) -> set[str]:
        return set(map(_named, keymap[key.id].split(","))) if key.id in keymap else set(key.keys)

    found: dict[str, None] = {}
    for key in keys:
        if key.id not in keymap:
            continue
        for other in keys:
            if other.id == key.id or not _meet(key.place, other.place):
                continue
            for both in sorted(pressed(key) & pressed(other)):
                # What was so before anybody remapped is meant.
                if both in key.keys and both in other.keys:
                    continue
                first, second = sorted((key.id, other.id))
                found[f"{spelled(both)} stands for both {first} and {second}: only one of them is heard"] = None
    return list(found)


def _meet(one: Place, other: Place) -> bool:
    """Whether two classes can have the focus, or hold it, at the same time."""
    if one is other:
        return True
    dialogs = {"Models", "Dialogs"}
    if one.title in dialogs or other.title in dialogs:
        return False
    return one.pane is None or other.pane is None or (one.pane == other.pane and _same(one.view, other.view))


def _same(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one == other
