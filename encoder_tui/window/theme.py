"""Colours that can be read in every theme: Textual's, moved away from the background as far as contrast needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from textual.color import BLACK, WHITE, Color

QUIET: Final = "$text-muted"
"""The style of words that stand back."""
TEXT: Final = 4.5
"""The contrast that WCAG asks of text (level AA)."""
MARK: Final = 3.0
"""The contrast that WCAG asks of signs that are no text."""
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
"""Where a theme has the terminal's sixteen colours: letters B and C apart, no red on red, and a cursor that is seen
without the focus."""


def luminance(colour: Color) -> float:
    """The relative luminance of WCAG, from 0 for black to 1 for white."""
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    """The ratio of WCAG, from 1 for equal luminance to 21 for black on white."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def legible(variables: Mapping[str, str], is_ansi: bool) -> dict[str, str]:
    """A theme's variables with coloured text that is legible on every ground; the terminal's own are left alone."""
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
    """Black or white, as faint as all grounds allow, and no fainter than Textual has it."""
    shares = range(60, 100, 4)
    legible_on_all = (
        share
        for share in shares
        if all(contrast(ground + ground.get_contrast_text(share / 100), ground) >= TEXT for ground in grounds)
    )
    return f"auto {next(legible_on_all, shares[-1])}%"


def _away(colour: Color, grounds: list[Color]) -> Color:
    """The colour itself, or the nearest towards white or black that all grounds let read; the best there is."""
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
