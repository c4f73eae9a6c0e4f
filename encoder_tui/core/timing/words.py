"""Measured points in words and cells, as `time` and the report print them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from encoder_tui.core.text.safe import count, visible
from encoder_tui.core.timing.run import growth_words
from encoder_tui.core.timing.samples import Environment, Samples, spread_sentence, statistics

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


def settings_words(samples: Samples) -> str:
    """The settings that were in force at a point."""
    in_force = samples.in_force
    if in_force is None:
        return "not loaded"
    weights = "random weights" if in_force.weights == "random" else "weights of the checkpoint"
    words = [in_force.where, in_force.dtype, f"{in_force.attention} attention", *samples.mode.words(), weights]
    return ", ".join(words)


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
            found.append(f"{label} at {count(length, 'token')} was not measured: {samples.ended}")
            continue
        found += [spread_sentence(label, length, said), samples.ended]
        if samples.point.batch == points[0][1].point.batch:
            curves.setdefault(label, []).append((float(length), said.median))
    found += [growth_words(label, curve) for label, curve in curves.items()]
    return [visible(remark) for remark in found if remark]
