"""The parts of a measurement, and the statistics of its samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from statistics import linear_regression
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from encoder_tui.core.bounds import Amount, Bytes, Seconds, SomeTokens, Tokens
from encoder_tui.core.models.placement import InForce, ModelSource, Placement
from encoder_tui.core.outputs.runs import Batch
from encoder_tui.core.text.numbers import count, decimal_size

SPREAD_LIMIT: Final = 0.10
"""A larger interquartile range, as a share of the median, is reported."""

BUSY: Final = 0.2
"""If other processes use more cores than this, it is reported."""
DRAWN: Final = "drawn"
KEY: Final = "key"
"""What a window that is `watching` sends to the engine: it has drawn a partial answer, or a key was pressed."""


class Mode(msgspec.Struct, frozen=True):
    """Switches of a pass beside its placement; requested or obtained.

    `compiled` uses `torch.compile`; `tf32` lets matrix products of float32 round to TF32; `unpadded` packs the rows of
    a batch into one row without padding, which flash attention keeps apart.
    """

    compiled: bool = False
    tf32: bool = False
    unpadded: bool = False

    def words(self) -> list[str]:
        """Return the names of the switches that are on."""
        named = ((self.compiled, "compiled"), (self.tf32, "TF32"), (self.unpadded, "unpadded"))
        return [word for is_on, word in named if is_on]


class Variant(msgspec.Struct, frozen=True):
    """A model with the settings to measure it with; a sweep over dtypes has one variant for each of them."""

    source: ModelSource
    placement: Placement = Placement()
    mode: Mode = Mode()


class Point(msgspec.Struct, frozen=True):
    """One measurement: the index of a variant, and its input.

    The input is random ids of shape (batch, length), unless `given` holds ids. `real_lengths` is how many tokens of
    each row are not padding, None for all.
    """

    variant: Tokens
    length: SomeTokens
    batch: SomeTokens = 1
    real_lengths: list[Tokens] | None = None
    given: Batch | None = None

    @property
    def real_tokens(self) -> int:
        """The number of tokens of the batch that are not padding."""
        if self.given is not None:
            return sum(map(sum, self.given.attention_mask))
        return self.batch * self.length if self.real_lengths is None else sum(self.real_lengths)


class MeasureRequest(msgspec.Struct, frozen=True):
    """Measure points; those of one group are measured in alternating rounds.

    Each point gets at least `min_time` seconds of samples and at least `min_samples` of them. If `pruning` is set, only
    the fastest of a group matters, and its ratio to the first: see `pruning.Pruning`. After every partial answer the
    engine rests for `pause` seconds. If a window is `watching`, the engine waits after each answer until the window has
    drawn it, and repeats samples during which a key was pressed.
    """

    variants: list[Variant]
    groups: list[list[Point]]
    min_time: float = 1.0
    min_samples: int = 5
    pause: float = 0.0
    watching: bool = False
    pruning: bool = False


class Distance(msgspec.Struct, frozen=True):
    """How far a last hidden state is from that of float32 with the same weights and ids.

    `largest` is the largest difference between two values, `cosine` the lowest cosine between a token's two vectors;
    padding is left out. Both are None if a value is not finite.
    """

    largest: Annotated[float, Meta(ge=0)] | None
    cosine: Annotated[float, Meta(ge=-2, le=2)] | None

    def words(self) -> str:
        """Return the distance in words."""
        if self.largest is None or self.cosine is None:
            return "has values that are not finite"
        return f"differs from float32's by at most {self.largest:.2g}, lowest cosine of a token {self.cosine:.6f}"


class DeviceState(msgspec.Struct, frozen=True):
    """The state of an accelerator during a measurement, as its driver reports it; None is unknown.

    Power is in watts, clocks in MHz, temperature in degrees Celsius. `throttled` holds the reasons why it ran below its
    full clock, `processes` is how many other processes computed on it, and `memory` the bytes they held.
    """

    power: Amount | None = None
    power_limit: Amount | None = None
    clock: Tokens | None = None
    clock_limit: Tokens | None = None
    temperature: Annotated[int, Meta(ge=-1000, le=10**6)] | None = None
    throttled: list[str] = []
    processes: Tokens | None = None
    memory: Bytes | None = None

    def words(self) -> list[str]:
        """Return what is known of it, in words."""
        found = []
        for value, limit, unit in ((self.power, self.power_limit, "W"), (self.clock, self.clock_limit, "MHz")):
            if value is not None:
                found.append(f"{value:,.0f} {unit}" if limit is None else f"{value:,.0f} of {limit:,.0f} {unit}")
        found += [] if self.temperature is None else [f"{self.temperature} °C"]
        found += [f"throttled ({', '.join(self.throttled)})"] if self.throttled else []
        if self.processes:
            held = "" if self.memory is None else f" with {decimal_size(self.memory)}"
            found.append(f"{count(self.processes, 'other process', 'other processes')} on it{held}")
        return found


class Samples(msgspec.Struct, frozen=True, dict=True):  # a dict for cached properties
    """The samples of a point so far; seconds are per pass.

    `cold_s` is the first pass of this shape, including compilation if that was requested; `warm_up` is how many passes
    followed that do not count, `calls` how many passes a sample is the mean of. `device_samples_s` come from the
    accelerator's own clock. `peak_memory_bytes` is the device's memory on an accelerator and the process's otherwise,
    for this point alone. `retaken` samples were repeated. `ended` is the reason why a point was not measured or not
    finished, and `short` that reason in a word or two. `mode` is what was obtained, `other_load` is how many cores
    other processes used meanwhile, and `distance` is known for candidates for the best settings.
    """

    point: Point
    in_force: InForce | None = None
    cold_s: Seconds | None = None
    samples_s: list[Seconds] = []
    cpu_samples_s: list[Seconds] = []
    warm_up: Tokens = 0
    calls: Tokens = 1
    peak_memory_bytes: Bytes | None = None
    process_peak_bytes: Bytes | None = None
    ended: str | None = None
    finished: bool = False
    retaken: Tokens = 0
    device_samples_s: list[Seconds] = []
    mode: Mode = Mode()
    short: str = ""
    other_load: Amount | None = None
    device_state: DeviceState | None = None
    distance: Distance | None = None

    @cached_property
    def latency(self) -> Statistics | None:
        """Statistics of wall-clock seconds per pass; None without samples."""
        return statistics(self.samples_s)

    @cached_property
    def cpu_time(self) -> Statistics | None:
        """Statistics of processor seconds per pass; None without samples."""
        return statistics(self.cpu_samples_s)

    @cached_property
    def device_time(self) -> Statistics | None:
        """Statistics of seconds per pass by the accelerator's own clock; None without samples."""
        return statistics(self.device_samples_s)


class Environment(msgspec.Struct, frozen=True):
    """The machine that measured, reported with every result; `asked` and `asked_modes` are by variant."""

    started: str
    asked: list[Placement]
    python: str
    platform: str
    processor: str
    cores: Tokens
    threads: Tokens
    interop_threads: Tokens
    load_average: Annotated[list[Amount], Meta(min_length=3, max_length=3)] | None
    float32_matmul_precision: str
    devices: list[dict[str, Any]]
    versions: dict[str, str]
    min_time_s: Seconds
    min_samples: Tokens
    asked_modes: list[Mode] = []


class Measurement(msgspec.Struct, frozen=True):
    """The answer. A partial one holds the environment, or the points that changed since the last.

    `failures` holds by index of the variant why it could not be loaded. If a window is watching, partial answers are
    numbered from 1; points without a cold pass are those that are measured next.
    """

    environment: Environment | None = None
    samples: list[Samples] = []
    failures: dict[int, str] = {}
    number: int = 0


class Statistics(msgspec.Struct, frozen=True):
    """Statistics of samples; quantiles are interpolated linearly, as numpy and `torch.utils.benchmark` do."""

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
        """Whether the spread deserves a warning."""
        return self.spread > SPREAD_LIMIT


def statistics(samples: Sequence[float]) -> Statistics | None:
    """Return median and quantiles, or None if there are no samples."""
    if not samples:
        return None
    ordered = sorted(samples)
    return Statistics(*(quantile(ordered, share) for share in (0.5, 0.25, 0.75, 0.9)))


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile of values in ascending order, interpolated linearly."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def exponent(points: Sequence[tuple[float, float]]) -> float | None:
    """Return the exponent with which latency grows with the length: the slope of a line through the logarithms.

    `points` are lengths and seconds. Returns None if they have fewer than two different lengths.
    """
    usable = [(math.log(length), math.log(seconds)) for length, seconds in points if length > 0 and seconds > 0]
    if len({x for x, _ in usable}) < 2:
        return None
    return linear_regression(*zip(*usable, strict=True)).slope


def time_record(name: str, samples: Samples) -> dict[str, Any]:
    """Return one point as `time --json` prints it; a point without samples holds the reason instead."""
    point, in_force = samples.point, samples.in_force
    found = samples.latency
    if found is None or in_force is None:
        reason = samples.ended or "the measurement was interrupted"
        return {"model": name, "batch": point.batch, "length": point.length, "skipped": reason}
    cpu, on_device = samples.cpu_time, samples.device_time
    # Only what was requested has a key.
    more: dict[str, Any] = {} if on_device is None else {"device_s": on_device.median}
    more |= {key: True for key, is_on in msgspec.structs.asdict(samples.mode).items() if is_on}
    more |= {} if in_force.threads is None else {"threads": in_force.threads}
    more |= {} if samples.distance is None else {"distance": msgspec.structs.asdict(samples.distance)}
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
        **more,
    }
