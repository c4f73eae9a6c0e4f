"""Measured points in words and cells, as `time` and the report print them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from encoder_tui.display import count, visible
from encoder_tui.timing import Environment, Samples, growth_sentence, spread_sentence, statistics

COLUMNS: Final = ["", "tokens", "median ms", "IQR", "p90", "cold", "CPU ms", "tokens/s", "peak MB"]
"""The heads of `row_cells`."""


def row_cells(label: str, samples: Samples) -> list[str] | None:
    """A point as a row of the table; None where nothing was measured."""
    found = statistics(samples.samples_s)
    if found is None:
        return None
    cpu = statistics(samples.cpu_samples_s)
    point, peak = samples.point, samples.peak_memory_bytes
    seconds = (found.median, found.iqr, found.p90, samples.cold_s, None if cpu is None else cpu.median)
    return [
        label,
        f"{point.batch} × {point.length:,}",
        *("–" if number is None else f"{1000 * number:,.1f}" for number in seconds),
        f"{point.real_tokens / found.median:,.0f}" if found.median else "–",
        "–" if peak is None else f"{peak / 1e6:,.0f}",
    ]


def environment_words(about: Environment) -> str:
    """The machine that measured, in a line."""
    shown = [f"{name} {about.versions[name]}" for name in ("torch", "transformers") if name in about.versions]
    return f"{visible(about.processor)}; {count(about.threads, 'thread')}; {', '.join(shown)}"


def remarks(points: Sequence[tuple[str, Samples]]) -> list[str]:
    """What must not be missed: points that were not measured, wide spreads; then how latency grows."""
    found: list[str | None] = []
    curves: dict[str, list[tuple[float, float]]] = {}
    for label, samples in points:
        said, length = statistics(samples.samples_s), samples.point.length
        if said is None:
            found.append(f"{label} at {length:,} tokens was not measured: {samples.ended}")
            continue
        found += [spread_sentence(label, length, said), samples.ended]
        curves.setdefault(label, []).append((length, said.median))
    found += [growth_sentence(label, curve) for label, curve in curves.items()]
    return [visible(remark) for remark in found if remark]
