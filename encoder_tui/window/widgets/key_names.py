"""How keys, and what they do, are written for people."""

from __future__ import annotations

from typing import Final

from textual.keys import format_key

NAMED: Final = {"escape", "enter", "delete", "backspace", "pageup", "pagedown", "minus"}
"""Keys that are spelled out where Textual would draw them."""


def spelled(key: str) -> str:
    """A key as people write it: `ctrl+q`, `/`, `F2`."""
    *modifiers, last = key.strip().split("+")
    last = last if last in NAMED else format_key(last)
    return "+".join([*modifiers, last.upper() if last[:1] == "f" and last[1:].isdigit() else last])


def lowered(words: str) -> str:
    """A description as part of a line: its first letter small, unless the word is a name that has capitals."""
    first = words.split(" ", 1)[0]
    return words if first[1:] != first[1:].lower() else words[:1].lower() + words[1:]
