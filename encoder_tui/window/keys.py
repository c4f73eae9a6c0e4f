"""Every key of the window: where it works, its id, and collisions of remapped keys."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from textual.binding import Binding
from textual.keys import REPLACED_KEYS, Keys, _character_to_key, key_to_character

from encoder_tui.core.text.safe import visible
from encoder_tui.window.panes.registry import PANES
from encoder_tui.window.widgets.key_names import spelled

MOVEMENT: Final = ("move.", "dialog.", "view.", "choice.")
"""Prefixes of the ids of keys that work the same everywhere, such as movement; they are not in the palette."""


@dataclass(frozen=True)
class Place:
    """A class with keys, and its pane and view (None means all of them)."""

    title: str
    pane: str | None
    view: str | None
    module: str
    class_name: str

    def load(self) -> Any:
        """Import the class and return it."""
        return getattr(importlib.import_module(self.module), self.class_name)


_WINDOW: Final = "encoder_tui.window"
_ABOVE: Final = (Place("Window", None, None, f"{_WINDOW}.app", "EncoderApp"),)
_MODELS: Final = (Place("Models", None, None, f"{_WINDOW}.dialogs.models", "ModelsDialog"),)
_DIALOGS: Final = (
    Place("Dialogs", None, None, f"{_WINDOW}.help.screen", "HelpScreen"),
    Place("Dialogs", None, None, f"{_WINDOW}.dialogs.report", "ReportDialog"),
    Place("Dialogs", None, None, f"{_WINDOW}.dialogs.earlier_texts", "TextsDialog"),
    Place("Dialogs", None, None, f"{_WINDOW}.dialogs.save", "SaveDialog"),
    Place("Dialogs", None, None, f"{_WINDOW}.dialogs.dialog", "Dialog"),
)
_LISTS: Final = (
    Place("Lists", None, None, f"{_WINDOW}.help.screen", "Page"),
    Place("Lists", None, None, f"{_WINDOW}.widgets.lines", "Lines"),
    Place("Lists", None, None, f"{_WINDOW}.widgets.table", "Table"),
    Place("Lists", None, None, f"{_WINDOW}.widgets.option_list", "Options"),
    Place("Lists", None, None, f"{_WINDOW}.widgets.choice", "Choice"),
    Place("Lists", None, None, f"{_WINDOW}.widgets.cycle", "Cycle"),
)


def places() -> list[Place]:
    """Return every class of this program that has keys. Imports every pane."""
    in_panes: list[Place] = []
    in_dialogs: list[Place] = []
    for entry in PANES.values():
        pane = entry.load()
        in_panes.append(Place(entry.title, entry.name, None, pane.__module__, pane.__name__))
        for view, owner in pane.widgets_with_keys():
            if view is None:
                in_dialogs.append(Place("Dialogs", None, None, owner.__module__, owner.__name__))
            else:
                in_panes.append(Place(entry.title, entry.name, view, owner.__module__, owner.__name__))
    return [*_ABOVE, *in_panes, *_MODELS, *in_dialogs, *_DIALOGS, *_LISTS]


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
    """Return the keys that a class itself declares."""
    return [
        Key(place, binding) for binding in place.load().__dict__.get("BINDINGS", ()) if isinstance(binding, Binding)
    ]


def everywhere() -> list[Key]:
    """Return every key of this program. Imports every pane."""
    return [key for place in places() for key in own(place)]


def listed(keymap: Mapping[str, str]) -> Iterator[tuple[str, str, str, str]]:
    """Yield every id once: title, id, its current keys, and what they do."""
    seen = set()
    for key in everywhere():
        if key.id and key.id not in seen:
            seen.add(key.id)
            alike = [",".join(other.binding.key for other in everywhere() if other.id == key.id)]
            pressed = keymap.get(key.id) or ",".join(dict.fromkeys(",".join(alike).split(",")))
            title = "Everywhere" if key.id.startswith(MOVEMENT) else key.place.title
            yield title, key.id, " ".join(map(spelled, pressed.split(","))), key.binding.description


def _named(key: str) -> str:
    """Return a key as Textual names it: `/` is `slash`."""
    key = key.strip()
    return _character_to_key(key) if len(key) == 1 else key


def _is_key(key: str) -> bool:
    """Return whether a terminal can send a key of this name."""
    *modifiers, last = key.strip().split("+")
    is_modified = set(modifiers) <= {"ctrl", "shift", "alt", "super", "meta", "hyper"}
    is_there = key_to_character(last) is not None or last in {one.value for one in Keys}
    return is_modified and (is_there or last in REPLACED_KEYS)


def problems(keymap: Mapping[str, str]) -> list[str]:
    """Return the errors of a keymap, one sentence each: unknown ids, unknown keys, collisions."""
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
            f"{visible(one)!r} for {visible(name)} is not a key; keys are written like ctrl+k, f7, slash"
            for one in pressed.split(",")
            if not _is_key(one)
        ]
    return [*found, *_collisions(keymap, keys)]


def _collisions(keymap: Mapping[str, str], keys: Sequence[Key]) -> list[str]:
    """Return a sentence for each remapped key that another action in the same place uses too."""

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
                # A collision among the default keys is intended.
                if both in key.keys and both in other.keys:
                    continue
                first, second = sorted((key.id, other.id))
                found[f"{spelled(both)} is the key of both {first} and {second}: only one of them works"] = None
    return list(found)


def _meet(one: Place, other: Place) -> bool:
    """Return whether the keys of two classes can be active at the same time."""
    if one is other:
        return True
    dialogs = {"Models", "Dialogs"}
    if one.title in dialogs or other.title in dialogs:
        return False
    return one.pane is None or other.pane is None or (one.pane == other.pane and _same(one.view, other.view))


def _same(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one == other
