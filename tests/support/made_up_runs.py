"""Runs whose seconds were never measured: the same ones each time, for what is drawn and said of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from encoder_tui.core.documents.lengths import CollectionCounts, LengthCounts
from encoder_tui.core.models.placement import InForce, Offers, Placement
from encoder_tui.core.timing.best import best_run
from encoder_tui.core.timing.plan import Plan, TimedModel
from encoder_tui.core.timing.run import Run, sweep
from encoder_tui.core.timing.samples import Distance, Environment, Measurement, Samples

LENGTHS = [16, 64, 256, 512, 1024, 2048]
BERT, MODERN = (0.012, 0.0010, 0.3e-6), (0.020, 0.0009, 0.5e-6)
"""Seconds of a pass: those that it takes anyway, those of a token, and those of a pair of tokens."""


def environment(plan: Plan, columns: int) -> Environment:
    return Environment(
        started="2026-03-04T05:06:07+00:00",
        asked=plan.placements() * columns,
        python="3.12.1",
        platform="Linux",
        processor="Made-up Processor",
        cores=4,
        threads=4,
        interop_threads=4,
        load_average=[0.4, 0.3, 0.2],
        float32_matmul_precision="highest",
        devices=[],
        versions={"torch": "2.9.0", "transformers": "5.0.0"},
        min_time_s=plan.min_time,
        min_samples=5,
    )


def samples(run: Run, row: int, column: int, seconds: float, number: int = 9, wide: bool = False) -> Samples:
    """Samples around so many seconds, in an order that looks like one."""
    point = next(point for point in run.groups[row] if point.variant == column)
    spread = 0.15 if wide else 0.02
    each = [seconds * (1 + spread * math.sin(7.1 * place)) for place in range(number)]
    in_force = InForce("cpu", "float32", "sdpa", "random", 430_000_000)
    return Samples(
        point,
        in_force,
        cold_s=3.2 * seconds,
        samples_s=each,
        cpu_samples_s=[3.7 * one for one in each],
        warm_up=4,
        peak_memory_bytes=900_000_000 + 90_000 * point.length * (column + 1),
        process_peak_bytes=900_000_000 + 90_000 * point.length * (column + 1),
        finished=True,
        other_load=1.3 if wide else 0.0,
    )


def whole(models: Sequence[TimedModel], plan: Plan | None = None) -> Run:
    """A sweep that was measured to its end; one point's samples lie far apart."""
    run = sweep(models, plan or Plan(LENGTHS), 4)
    run.hear(Measurement(environment(run.plan, len(run.columns))))
    for row, column in run.planned:
        base, token, pair = (BERT, MODERN)[run.columns[column].slot % 2]
        about = run.rows[row]
        seconds = about.batch * (base + token * about.length + pair * about.length**2)
        wide = (row, column) == (1, 1)
        run.hear(Measurement(samples=[samples(run, row, column, seconds, wide=wide)]))
    return run


def best(models: Sequence[TimedModel]) -> Run:
    """A search for the fastest settings on two cores to its end: local attention is fast, half dtypes are slow."""
    there = {"builtin:bert": ["eager", "sdpa"], "builtin:modernbert": ["eager", "sdpa", "sdpa_local"]}
    force = InForce("cpu", "float32", "sdpa", "random", 430_000_000)
    offers: dict[int, Offers | str] = {model.slot: Offers(force, there[model.name], 2, 2) for model in models}
    run = best_run(models, offers, Placement(), {model.slot: (512, 2671)[model.slot % 2] for model in models})
    run.hear(Measurement(environment(run.plan, 1)))
    for row, group in enumerate(run.groups):
        for point in group:
            asked = run.columns[point.variant].variant.placement
            factor = {None: 1.0, "sdpa_local": 0.66, "eager": 1.4}[asked.attention] * (
                1.0 if asked.threads is None else 1.9
            )
            one = samples(run, row, point.variant, (0.8, 7.1)[row] * factor, 3)
            changes: dict[str, object] = {}
            if asked.dtype is not None:
                alone = asked.attention is None and asked.threads is None
                reason = (
                    "stopped after 14.2 s: 3 times as slow as the fastest"
                    if alone
                    else f"not tried: {asked.dtype} alone is slower"
                )
                changes = {"ended": reason, "short": "too slow", "samples_s": []}
            elif factor > 1.5:
                changes = {
                    "ended": f"{factor:.1f} times as slow as the fastest in its warm-up (1.5 s)",
                    "samples_s": [],
                }
            elif factor != 1:
                changes = {"distance": Distance(2.4e-6, 0.9999999)}
            kind = msgspec.structs.replace(force, attention=asked.attention or "sdpa", threads=asked.threads)
            run.hear(Measurement(samples=[msgspec.structs.replace(one, in_force=kind, **changes)]))
    return run


def begun(models: Sequence[TimedModel], rows: int) -> Run:
    """The same, with so many rows measured and the next one begun."""
    full = whole(models)
    run = sweep(models, full.plan, 4)
    run.hear(Measurement(full.environment))
    for (row, _), found in full.samples.items():
        if found.samples_s and row < rows:
            run.hear(Measurement(samples=[found]))
    run.hear(Measurement(samples=[Samples(point) for point in run.groups[rows]]))
    return run


def counts(names: Sequence[str]) -> CollectionCounts:
    """A collection of 30 documents, most of them longer than 512 tokens."""
    documents = {128: 4, 700: 10, 1500: 12, 3000: 4}
    models = [
        LengthCounts(name, 2, limit, dict(documents), 90_000) for name, limit in zip(names, (512, 8192), strict=False)
    ]
    return CollectionCounts("made up", "text", models, next=30, total=30, is_complete=True)
