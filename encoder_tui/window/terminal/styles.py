"""Write fewer bytes for the same picture: only changes of the style, not the whole style before every piece of text.

Textual writes each segment as its whole style, its text and a reset. Over a slow line that is most of a frame: twenty
to forty bytes of colours before a word of five. It has no option to write less. Tried with Textual 8.2.8.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

RESET: Final = "\x1b[0m"
_RUN: Final = re.compile(r"(?:\x1b\[[\d;:]*[mH])+")
"""Styles and cursor movements with no text between them; movements do not change the style."""
_ONE: Final = re.compile(r"\x1b\[([\d;:]*)([mH])")
_ATTRIBUTES: Final = frozenset(["1", "2", "3", "4", "5", "6", "7", "8", "9", "21", "51", "52", "53"])


class Style(NamedTuple):
    """The current style of a terminal: parameters of SGR (ECMA-48, 8.3.117)."""

    attributes: frozenset[str] = frozenset()
    foreground: str = ""
    background: str = ""


PLAIN: Final = Style()


@lru_cache(maxsize=4096)
def parsed(parameters: str, before: Style) -> Style | None:
    """Return the style after a sequence; None if the sequence has unknown parameters."""
    attributes, foreground, background = before
    left = parameters.split(";")
    while left:
        code = left.pop(0)
        if code in {"", "0"}:
            attributes, foreground, background = PLAIN
        elif code in _ATTRIBUTES:
            attributes |= {code}
        elif code in {"38", "48"}:
            length = {"2": 4, "5": 2}.get(left[0] if left else "", 0)
            if not length or len(left) < length:
                return None
            colour = ";".join([code, *left[:length]])
            del left[:length]
            foreground, background = (colour, background) if code == "38" else (foreground, colour)
        elif code.isdecimal() and (30 <= int(code) <= 37 or 90 <= int(code) <= 97):
            foreground = code
        elif code.isdecimal() and (40 <= int(code) <= 47 or 100 <= int(code) <= 107):
            background = code
        elif code == "39":
            foreground = ""
        elif code == "49":
            background = ""
        else:
            return None
    return Style(attributes, foreground, background)


@lru_cache(maxsize=4096)
def change(before: Style, after: Style) -> str:
    """Return the shortest sequence that changes one style to another; empty if they are equal."""
    if before == after:
        return ""
    if after == PLAIN:
        return RESET
    whole = [*sorted(after.attributes), after.foreground, after.background]
    anew = "0;" + ";".join(part for part in whole if part)
    if before.attributes <= after.attributes:
        parts = sorted(after.attributes - before.attributes)
        if before.foreground != after.foreground:
            parts.append(after.foreground or "39")
        if before.background != after.background:
            parts.append(after.background or "49")
        anew = min(";".join(parts), anew, key=len)
    return f"\x1b[{anew}m"


def with_fewer_styles(frames: str) -> str:
    """Return the same picture in fewer bytes. Every frame begins and ends without a style, as Textual's do."""
    current = PLAIN
    is_known = True

    def shorter(found: re.Match[str]) -> str:
        nonlocal current, is_known
        moves, wanted = "", current
        for parameters, kind in _ONE.findall(found[0]) if is_known else ():
            if kind == "H":
                moves += f"\x1b[{parameters}H"
            elif (style := parsed(parameters, wanted)) is None:
                # From here on only the terminal knows its style, so the rest is left unchanged.
                is_known = False
            else:
                wanted = style
        if not is_known:
            return found[0]
        before, current = current, wanted
        return moves + change(before, wanted)

    return _RUN.sub(shorter, frames)
