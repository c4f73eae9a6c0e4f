"""Making untrusted text safe to show."""

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
"""Hangul vowels and finals: letters that are drawn together with the letter before them."""
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
    """Return a text with every control, formatting or unpaired character replaced by a visible symbol.

    Nothing that a terminal would interpret is left, and nothing vanishes. Line ends and tabs become symbols too: the
    result is one line. All other characters are unchanged.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible_character, text))


def visible_in_place(text: str) -> str:
    """Return `visible` text with one character for each, for an editor, whose columns must match the text.

    A character for which `visible` needs several becomes U+FFFD; the ideographic space is unchanged.
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
"""Characters that `str.isprintable` accepts but `visible` replaces."""


def visible_piece(text: str) -> str:
    """Return `visible` for a piece of a text: spaces become symbols, a leading combining mark gets a circle."""
    shown = visible(text).replace(" ", "␣")
    combines = shown and (unicodedata.category(shown[0]).startswith("M") or ord(shown[0]) in _JAMO)
    return f"◌{shown}" if combines else shown


UNTELLING: Final = re.compile(r"models?|checkpoint([-_]?\d+|s)?|best|final|last|outputs?|weights", re.IGNORECASE)
"""Names of folders that say nothing about the model in them."""


def last_part(name: str) -> str:
    """Return the last part of a Hub id or a path, which is what people call a model: with its parent if it is `model`.

    The same holds for other parts that say nothing by themselves, such as `checkpoint-500`.
    """
    parts = name.rstrip("/").split("/")
    if len(parts) > 1 and UNTELLING.fullmatch(parts[-1]) and parts[-2] not in {"", ".", "..", "~"}:
        return "/".join(parts[-2:])
    return parts[-1] or name


def shorten(text: str, width: int) -> str:
    """Shorten a name to at most `width` characters, with … in place of its middle."""
    if len(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :] if tail else ''}"


_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def without_surrogates(text: str) -> str:
    """Replace every lone surrogate with U+FFFD, because no tokenizer accepts one. The length does not change."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
