"""What a measurement is made of, what its samples say, and how they are put into words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from encoder_tui.outputs import Batch
from encoder_tui.placement import InForce, ModelSource, Placement

SPREAD_LIMIT: Final = 0.10
"""An interquartile range above this share of the median is told to the reader."""


class Variant(msgspec.Struct, frozen=True):
    """A model as it is to be measured: a sweep over dtypes has one variant for each of them."""

    source: ModelSource
    placement: Placement = Placement()


class Point(msgspec.Struct, frozen=True):
    """One measurement: a variant (its index) and what goes in.

    Random ids of the shape (batch, length), unless `given` holds ids. `real_lengths` tells how many tokens of each
    row are no padding, None for all.
    """

    variant: int
    length: int
    batch: int = 1
    real_lengths: list[int] | None = None
    given: Batch | None = None

    @property
    def real_tokens(self) -> int:
        """Tokens of the batch that are no padding."""
        if self.given is not None:
            return sum(map(sum, self.given.attention_mask))
        return self.batch * self.length if self.real_lengths is None else sum(self.real_lengths)


class MeasureRequest(msgspec.Struct, frozen=True):
    """Measure points; those of one group are interleaved in rounds.

    Each point gets at least `min_time` seconds of samples and at least `min_samples` of them. After every partial
    answer the engine rests for `pause` seconds, so that a window can draw while nothing is measured.
    """

    variants: list[Variant]
    groups: list[list[Point]]
    min_time: float = 1.0
    min_samples: int = 5
    threads: int | None = None
    pause: float = 0.0


class Samples(msgspec.Struct, frozen=True):
    """What was measured at a point so far; seconds are of one pass.

    `cold_s` is the first pass of this shape, `warm_up` how many passes followed that were not counted, `calls` how
    many passes a sample is the mean of. `peak_memory_bytes` is the device's where that is an accelerator and the
    process's otherwise, of this point alone. `ended` is the reason why a point was not measured, or not to its end.
    """

    point: Point
    in_force: InForce | None = None
    cold_s: float | None = None
    samples_s: list[float] = []
    cpu_samples_s: list[float] = []
    warm_up: int = 0
    calls: int = 1
    peak_memory_bytes: int | None = None
    process_peak_bytes: int | None = None
    ended: str | None = None
    finished: bool = False


class Environment(msgspec.Struct, frozen=True):
    """What stands beside every result, of the machine that measured; `asked` has a placement for each variant."""

    started: str
    asked: list[Placement]
    python: str
    platform: str
    processor: str
    cores: int
    threads: int
    interop_threads: int
    load_average: list[float] | None
    float32_matmul_precision: str
    devices: list[dict[str, Any]]
    versions: dict[str, str]
    min_time_s: float
    min_samples: int


class Measurement(msgspec.Struct, frozen=True):
    """The answer. A partial one holds the environment, or the points that changed since the last.

    `failures` tells by the index of a variant why it could not be loaded.
    """

    environment: Environment | None = None
    samples: list[Samples] = []
    failures: dict[int, str] = {}


class Statistics(msgspec.Struct, frozen=True):
    """What samples say; quantiles are interpolated linearly, as numpy and `torch.utils.benchmark` do."""

    median: float
    first_quartile: float
    third_quartile: float
    p90: float

    @property
    def iqr(self) -> float:
        """The interquartile range."""
        return self.third_quartile - self.first_quartile

    @property
    def spread(self) -> float:
        """The interquartile range as a share of the median."""
        return self.iqr / self.median if self.median else 0.0

    @property
    def is_wide(self) -> bool:
        """Whether the spread is worth a warning."""
        return self.spread > SPREAD_LIMIT


def statistics(samples: Sequence[float]) -> Statistics | None:
    """Median and quantiles; None where there is no sample."""
    if not samples:
        return None
    ordered = sorted(samples)
    return Statistics(*(quantile(ordered, share) for share in (0.5, 0.25, 0.75, 0.9)))


def quantile(ordered: Sequence[float], share: float) -> float:
    """A quantile of values in ascending order, interpolated linearly."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def exponent(points: Sequence[tuple[float, float]]) -> float | None:
    """The power of the length with which latency grows: the slope of a line through the logarithms.

    `points` are lengths and seconds; None where they have fewer than two lengths.
    """
    usable = [(math.log(length), math.log(seconds)) for length, seconds in points if length > 0 and seconds > 0]
    if len({x for x, _ in usable}) < 2:
        return None
    centre_x = sum(x for x, _ in usable) / len(usable)
    centre_y = sum(y for _, y in usable) / len(usable)
    across = sum((x - centre_x) ** 2 for x, _ in usable)
    return sum((x - centre_x) * (y - centre_y) for x, y in usable) / across


def growth_sentence(name: str, points: Sequence[tuple[float, float]]) -> str | None:
    """How latency grows between the shortest and the longest length, in words; None where nothing can be said."""
    power = exponent(points)
    if power is None:
        return None
    ordered = sorted(points)
    (short, fast), (long, slow) = ordered[0], ordered[-1]
    return (
        f"{name}: from {short:,.0f} to {long:,.0f} tokens a pass takes {slow / fast:,.1f} times as long;"
        f" it grows with the length to the power of {power:.2f}"
    )


def spread_sentence(name: str, length: int, found: Statistics) -> str | None:
    """A warning where the samples lie far apart."""
    if not found.is_wide:
        return None
    return (
        f"{name} at {length:,} tokens: the samples spread by {100 * found.spread:.0f} % of the median;"
        " something else is using this machine, so measure again or longer"
    )


def groups_of(
    limits: Sequence[int | None], lengths: Sequence[int], batch: int
) -> tuple[list[list[Point]], list[Samples]]:
    """One group for each length, with the variants that take it, and the points that none can be measured at.

    `limits` are those of the variants, in tokens; None where nothing bounds a variant.
    """
    groups, skipped = [], []
    for length in lengths:
        group = []
        for variant, limit in enumerate(limits):
            point = Point(variant, length, batch)
            if limit is not None and length > limit:
                skipped.append(Samples(point, ended=f"{length:,} tokens are more than the {limit:,} that it takes"))
            else:
                group.append(point)
        if group:
            groups.append(group)
    return groups, skipped


def time_record(name: str, samples: Samples) -> dict[str, Any]:
    """One point as `time --json` prints it; a point without samples has the reason why."""
    point, in_force = samples.point, samples.in_force
    found = statistics(samples.samples_s)
    if found is None or in_force is None:
        reason = samples.ended or "the measurement was broken off"
        return {"model": name, "batch": point.batch, "length": point.length, "skipped": reason}
    cpu = statistics(samples.cpu_samples_s)
    return {
        "model": name,
        "device": in_force.device,
        "dtype": in_force.dtype,
        "attention": in_force.attention,
        "batch": point.batch,
        "length": point.length,
        "weights": in_force.weights,
        "cold_s": samples.cold_s,
        "samples_s": samples.samples_s,
        "median_s": found.median,
        "iqr_s": found.iqr,
        "tokens_per_s": point.real_tokens / found.median if found.median else None,
        "peak_memory_bytes": samples.peak_memory_bytes,
        "cpu_s": None if cpu is None else cpu.median,
    }
