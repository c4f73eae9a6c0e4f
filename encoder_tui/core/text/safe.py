"""Making text from outside safe to show."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

_NAMED: Final = {
    0x7F: "␡",
    0x85: "␤",
    **dict.fromkeys([0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F], "⍽"),
    0xAD: "‑",
    0x2028: "␤",
    0x2029: "␤",
    0x3000: "⍽ ",
    0xFEFF: "⟨BOM⟩",
}
_INVISIBLE: Final = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2800, 0x3164, *range(0xFE00, 0xFE10), 0xFFA0}
    | set(range(0x1F3FB, 0x1F400))
)
"""Letters, marks and symbols that are drawn as nothing: fillers, joiners, selectors, the empty Braille cell; and
skin tones, which are a part of the character before them."""
_JAMO: Final = frozenset([*range(0x1160, 0x1200), *range(0xD7B0, 0xD7FC)])
"""Hangul vowels and finals that are drawn upon the letter before them, though they are letters themselves."""
_BIDI: Final = {0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}


@lru_cache(maxsize=4096)
def _visible_character(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code in _NAMED:
        return _NAMED[code]
    if 0x80 <= code < 0xA0 or code in _BIDI:
        return f"⟨{code:02X}⟩"
    if 0xD800 <= code < 0xE000:
        return "�"
    category = unicodedata.category(character)
    if category in {"Cf", "Cn", "Co"} or code in _INVISIBLE or 0xE0000 <= code < 0xE1000:
        # Joiners, variation selectors and tags: terminals disagree on what they do to the width of their
        # neighbours, and a token that is nothing else would vanish.
        return f"⟨{code:04X}⟩"
    return character


def visible(text: str) -> str:
    """Text with every control, formatting or unpaired character replaced by a visible symbol.

    Nothing that a terminal would obey is left, and nothing vanishes. Line ends and tabs become symbols too: the
    result is one line. Characters that are drawn as they are stay as they are.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible_character, text))


def visible_in_place(text: str) -> str:
    """`visible` with one character for each, for an editor, whose columns must stay the text's own.

    What `visible` spells out is a replacement character here; the ideographic space stays as it is.
    """
    if text.isprintable() and (text.isascii() or not _SELDOM.search(text)):
        return text
    return text.translate(_IN_PLACE)


class _InPlace(dict[int, str]):
    def __missing__(self, code: int) -> str:
        shown = _visible_character(chr(code))
        one = chr(code) if code == 0x3000 else shown if len(shown) == 1 else "\N{REPLACEMENT CHARACTER}"
        if len(self) < 4096:
            self[code] = one
        return one


_IN_PLACE: Final = _InPlace()
_SELDOM: Final = re.compile(f"[{''.join(map(chr, sorted(_INVISIBLE)))}\U000e0100-\U000e01ef]")
"""What `str.isprintable` lets pass and `visible` does not."""


def visible_piece(text: str) -> str:
    """`visible` for a piece cut out of a text: spaces are drawn, a leading combining mark gets a circle to stand on."""
    shown = visible(text).replace(" ", "␣")
    combines = shown and (unicodedata.category(shown[0]).startswith("M") or ord(shown[0]) in _JAMO)
    return f"◌{shown}" if combines else shown


def last_part(name: str) -> str:
    """The end of a Hub id or a path, by which people call a model."""
    return name.rstrip("/").rsplit("/", 1)[-1] or name


def shorten(text: str, width: int) -> str:
    """At most `width` characters of a name, the middle left out with a sign."""
    if len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :] if tail else ''}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun: `1 token`, `1,204 tokens`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(number: int) -> str:
    """A number of bytes in three digits and a decimal unit: `71 GB`, `1.4 GB`, `412 kB`."""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5:
            return f"{value:.1f} {unit}" if value < 9.95 and unit != "B" else f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"


def factor(value: float) -> str:
    """How many times as much: `1.24`, `127`, `0.003`; never `0.00` for what is small."""
    return f"{value:,.0f}" if value >= 99.995 else f"{value:.2f}" if value >= 0.00995 or not value else f"{value:.1g}"


def seconds(value: float) -> str:
    """A time in three digits: `1.24 s`, `12.4 ms`, `350 µs`."""
    scaled, unit = _in_unit(value)
    return f"{scaled:,.0f} {unit}" if scaled >= 99.95 else f"{scaled:#.3g} {unit}"


def about_seconds(value: float) -> str:
    """A guess of a time, in two digits: `1.2 s`, `12 ms`, `350 µs`."""
    scaled, unit = _in_unit(float(f"{value:.2g}"))
    return f"{scaled:,.0f} {unit}" if scaled >= 9.95 else f"{scaled:.1f} {unit}"


def _in_unit(value: float) -> tuple[float, str]:
    """Seconds in the largest unit of which they are at least one, or in the smallest."""
    for factor, unit in ((1.0, "s"), (1e3, "ms")):
        if value * factor >= 0.9995:
            return value * factor, unit
    return value * 1e6, "µs"
