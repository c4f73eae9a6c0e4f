"""What a run that was read from a file must hold before anything is drawn of it: anybody may have edited it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

from encoder_tui.core.defaults import MAXIMUM
from encoder_tui.core.timing.plan import Column, Plan, Row
from encoder_tui.core.timing.samples import Environment, Point, Samples

SECONDS: Final = 1e6
TOKENS: Final = 10**8
"""Of a point, and rows of a batch: more than any machine measures, few enough to draw."""
BYTES: Final = 1 << 50


def refuse_nonsense(
    plan: Plan,
    columns: Sequence[Column],
    rows: Sequence[Row],
    groups: Sequence[Sequence[Point]],
    failures: Iterable[int],
) -> None:
    """Raise ValueError where a plan cannot have been measured, or its points or failed columns do not fit its table."""
    if not rows or not columns or len(groups) != len(rows):
        raise ValueError("its points do not fit its table")
    for column in columns:
        _within([column.slot], 0, MAXIMUM - 1)
        _within(_there(column.variant.placement.threads), 1, TOKENS)
    for row in rows:
        _within([row.length, row.batch], 1, TOKENS)
    for group in groups:
        for point in group:
            refuse_point(point, len(columns))
    _within(failures, 0, len(columns) - 1)
    _within([*plan.lengths, *plan.batches], 1, TOKENS)
    _within([plan.min_time], 0, SECONDS)
    _within([one for one in plan.threads if one is not None], 1, TOKENS)


def refuse_point(point: Point, columns: int) -> None:
    """Raise ValueError where a point is none of a table of so many columns."""
    _within([point.variant], 0, columns - 1)
    _within([point.length, point.batch], 1, TOKENS)
    _within(point.real_lengths or [], 0, TOKENS)
    if point.given is not None:
        given = (point.given.input_ids, point.given.attention_mask, point.given.token_type_ids or [])
        _within((number for rows in given for row in rows for number in row), 0, TOKENS)
    _within([point.real_tokens], 0, TOKENS)


def refuse_samples(samples: Samples, columns: int) -> None:
    """Raise ValueError where samples cannot have been measured."""
    refuse_point(samples.point, columns)
    _within([*samples.samples_s, *samples.cpu_samples_s, *samples.device_samples_s], 0, SECONDS)
    _within(_there(samples.cold_s, samples.other_load), 0, SECONDS)
    _within(_there(samples.peak_memory_bytes, samples.process_peak_bytes), 0, BYTES)
    _within([samples.warm_up, samples.calls, samples.retaken], 0, TOKENS)
    if samples.in_force is not None:
        _within([samples.in_force.parameter_bytes, *_there(samples.in_force.threads)], 0, BYTES)
    if (state := samples.device_state) is not None:
        numbers = (state.power, state.power_limit, state.clock, state.clock_limit, state.processes, state.memory)
        _within(_there(*numbers, state.temperature), -1000, BYTES)
    if samples.distance is not None:
        _within(_there(samples.distance.largest, samples.distance.cosine), -math.inf, math.inf)


def refuse_environment(environment: Environment) -> None:
    """Raise ValueError where no machine says so of itself."""
    _within([environment.cores, environment.threads, environment.interop_threads], 0, TOKENS)
    if environment.load_average is not None and len(environment.load_average) != 3:
        raise ValueError("a load average has three numbers")
    _within([*(environment.load_average or []), environment.min_time_s, environment.min_samples], 0, SECONDS)


def _there(*values: Any) -> list[Any]:
    return [value for value in values if value is not None]


def _within(numbers: Iterable[float], least: float, most: float) -> None:
    for number in numbers:
        if math.isnan(number) or not least <= number <= most:
            raise ValueError(f"{number} is not from {least} to {most}")
