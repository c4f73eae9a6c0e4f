"""Formatting numbers for people: counts, bytes, factors and times."""

from __future__ import annotations

import math
from collections.abc import Sequence


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a count with its noun: `1 token`, `1,204 tokens`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def decimal_size(number: int) -> str:
    """Format bytes in three digits and a decimal unit: `71 GB`, `1.4 GB`, `412 kB`."""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5:
            return f"{value:.1f} {unit}" if value < 9.95 and unit != "B" else f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"


def factor(value: float) -> str:
    """Format a ratio: `1.24`, `127`, `0.003`; never `0.00` for a small one."""
    return f"{value:,.0f}" if value >= 99.995 else f"{value:.2f}" if value >= 0.00995 or not value else f"{value:.1g}"


def seconds(value: float) -> str:
    """Format a time in three digits: `1.24 s`, `12.4 ms`, `350 µs`."""
    scaled, unit = _in_unit(value)
    return f"{scaled:,.0f} {unit}" if scaled >= 99.95 else f"{scaled:#.3g} {unit}"


def about_seconds(value: float) -> str:
    """Format an estimated time in two digits: `1.2 s`, `12 ms`, `350 µs`."""
    scaled, unit = _in_unit(float(f"{value:.2g}"))
    return f"{scaled:,.0f} {unit}" if scaled >= 9.95 else f"{scaled:.1f} {unit}"


def _in_unit(value: float) -> tuple[float, str]:
    """Return seconds in the largest unit that gives at least 1, or in the smallest, and the unit."""
    for factor, unit in ((1.0, "s"), (1e3, "ms")):
        if value * factor >= 0.9995:
            return value * factor, unit
    return value * 1e6, "µs"


def binary_size(count: int) -> str:
    """Format bytes in the largest binary unit that gives a number above one."""
    value, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{count} B" if unit == "B" else f"{value:.{0 if value >= 100 else 1}f} {unit}"


def share_percent(share: float) -> str:
    """Format a share of 0 to 1 for people. 0 % and 100 % are used only for none and all."""
    if share <= 0:
        return "0 %"
    if share >= 1:
        return "100 %"
    if share < 0.01:
        return "under 1 %"
    return "over 99 %" if share > 0.99 else f"{100 * share:.0f} %"


def relative_percent(relative: float) -> str:
    """Format a relative norm in per cent, for people."""
    if relative == math.inf:
        return "∞"
    value = 100 * relative
    return f"{value:,.0f} %" if value >= 100 else f"{value:.3g} %"


def statistic(value: float | None, digits: int = 4, width: int = 0) -> str:
    """Format a statistic for people, in at most `width` characters if given; a dash if there is none."""
    if value is None:
        return "–"
    if not math.isfinite(value):
        return str(value)
    words = f"{value:.{digits}g}"
    if width and len(words) > width:
        # What does not fit has an exponent, and that must not be what is cut.
        words = next((w for d in range(digits, -1, -1) if len(w := f"{value:.{d}e}") <= width), f"{value:.0e}")
    return words


def duration(seconds: float) -> str:
    """Format a time: `58 s`, `12 min`, `3 h`."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5940 else f"{seconds / 3600:.0f} h"


def enumeration(names: Sequence[str]) -> str:
    """Join names in a sentence: `a`, `a and b`, `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def counted(names: Sequence[str], most: int = 6) -> str:
    """Return names for people; of many, how many there are and the first of them: `30: a, b, c and 27 more`."""
    return f"{len(names):,}: {first_of(names, most)}" if len(names) > most else ", ".join(names)


def first_of(names: Sequence[str], most: int) -> str:
    """Join the first names in a sentence and count the others: `a, b, c and 12 more`."""
    others = len(names) - most
    return ", ".join(names[:most]) + (f" and {others:,} more" if others > 0 else "")
