"""Legible colours in every theme: Textual's, moved away from the background until the contrast is sufficient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from textual.color import BLACK, WHITE, Color

QUIET: Final = "$text-muted"
"""The style of less important words."""
TEXT: Final = 4.5
"""The contrast that WCAG requires for text (level AA)."""
MARK: Final = 3.0
"""The contrast that WCAG requires for graphics."""
GROUNDS: Final = ("background", "surface", "panel")
NAMES: Final = ("primary", "secondary", "accent", "success", "warning", "error")
STEPS: Final = 20
ANSI: Final = {
    "text-accent": "ansi_magenta",
    "error-muted": "ansi_default",
    "warning-muted": "ansi_default",
    "surface-lighten-1": "ansi_bright_black",
    "surface-lighten-2": "ansi_bright_black",
}
"""Changes for themes of the terminal's sixteen colours: letters B and C differ, no red on red, and the cursor is
visible without the focus."""


def luminance(colour: Color) -> float:
    """Return the relative luminance of WCAG, from 0 for black to 1 for white."""
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio of WCAG, from 1 for equal luminance to 21 for black on white."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def legible(variables: Mapping[str, str], is_ansi: bool) -> dict[str, str]:
    """Return a theme's variables with text colours that are legible on every background.

    Themes of the terminal's own colours get only the changes of `ANSI`.
    """
    found = dict(variables)
    if is_ansi:
        return {**found, **ANSI}
    for name in NAMES:
        grounds = [Color.parse(found[ground]) for ground in (*GROUNDS, f"{name}-muted") if ground in found]
        if f"text-{name}" in found:
            found[f"text-{name}"] = _away(Color.parse(found[f"text-{name}"]), grounds).hex
    if found["text-muted"].startswith("auto"):
        found["text-muted"] = _quiet([Color.parse(found[ground]) for ground in GROUNDS])
    cursor, words = Color.parse(found["block-cursor-background"]), found["block-cursor-foreground"]
    if not words.startswith("auto"):
        found["block-cursor-foreground"] = _away(Color.parse(words), [cursor]).hex
    return found


def _quiet(grounds: list[Color]) -> str:
    """Return black or white, as faint as is legible on all backgrounds, but not fainter than Textual's."""
    shares = range(60, 100, 4)
    legible_on_all = (
        share
        for share in shares
        if all(contrast(ground + ground.get_contrast_text(share / 100), ground) >= TEXT for ground in grounds)
    )
    return f"auto {next(legible_on_all, shares[-1])}%"


def _away(colour: Color, grounds: list[Color]) -> Color:
    """Return the nearest colour towards white or black that is legible on all backgrounds, or else the best one."""
    darker = contrast(WHITE, grounds[0]) < contrast(BLACK, grounds[0])
    best = colour
    for step in range(STEPS + 1):
        tried = colour.blend(BLACK if darker else WHITE, step / STEPS)
        worst = min(contrast(tried, ground) for ground in grounds)
        if worst > min(contrast(best, ground) for ground in grounds):
            best = tried
        if worst >= TEXT:
            return tried
    return best
