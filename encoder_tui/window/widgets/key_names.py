"""Names of keys and descriptions of their actions, for people."""

from __future__ import annotations

from typing import Final

from textual.keys import format_key

NAMED: Final = {"escape", "enter", "delete", "backspace", "pageup", "pagedown", "minus"}
"""Keys that are spelled out here, while Textual uses symbols."""


def spelled(key: str) -> str:
    """Return a key as people write it: `ctrl+q`, `/`, `F2`."""
    *modifiers, last = key.strip().split("+")
    last = last if last in NAMED else format_key(last)
    return "+".join([*modifiers, last.upper() if last[:1] == "f" and last[1:].isdigit() else last])


def lowered(words: str) -> str:
    """Return a description with a small first letter, unless its first word is a name with capitals."""
    first = words.split(" ", 1)[0]
    return words if first[1:] != first[1:].lower() else words[:1].lower() + words[1:]
