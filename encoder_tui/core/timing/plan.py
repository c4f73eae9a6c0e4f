"""What a sweep measures, and about how long it takes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from encoder_tui.core.bounds import Seconds, Slot, SomeTokens
from encoder_tui.core.models.placement import ModelSource, Placement
from encoder_tui.core.timing.samples import Mode, Point, Samples, Variant

Rows = Literal["full", "varied"]

LONGEST: Final = 8_192
_UNSET: Final[list[str | None]] = [None]
_ANY_NUMBER: Final[list[int | None]] = [None]
_OFF: Final[list[bool]] = [False]
LENGTHS: Final = [16, 32, 64, 128, 256, 512]
"""The default lengths: under a minute on a small machine, and within BERT's limit."""
SETTLING_ROUNDS: Final = 5
WARM_UP: Final = 4
"""Passes of a point before its samples: the cold one, and those until the time is steady."""


class PlanError(ValueError):
    """The plan is impossible; the message says why."""


class Plan(msgspec.Struct, frozen=True):
    """What to measure. A sweep covers all values of each list; None leaves the value to the machine.

    If `rows` is "varied", the rows of a batch have lengths from a quarter of the length to all of it, and are padded.
    `text` is set if one text is measured: its tokens, cut to `lengths[0]`, instead of random ids. `best` is set if the
    run looks for the fastest settings of each model (see `core/timing/best.py`).
    """

    lengths: list[SomeTokens] = msgspec.field(default_factory=LENGTHS.copy)
    batches: list[SomeTokens] = msgspec.field(default_factory=[1].copy)
    min_time: Seconds = 1.0
    devices: list[str | None] = msgspec.field(default_factory=_UNSET.copy)
    dtypes: list[str | None] = msgspec.field(default_factory=_UNSET.copy)
    attentions: list[str | None] = msgspec.field(default_factory=_UNSET.copy)
    threads: list[SomeTokens | None] = msgspec.field(default_factory=_ANY_NUMBER.copy)
    rows: Rows = "full"
    text: bool = False
    compiled: list[bool] = msgspec.field(default_factory=_OFF.copy)
    tf32: list[bool] = msgspec.field(default_factory=_OFF.copy)
    unpadded: list[bool] = msgspec.field(default_factory=_OFF.copy)
    best: bool = False

    def placements(self) -> list[Placement]:
        """Return every combination of device, dtype, attention and threads."""
        swept = itertools.product(self.devices, self.dtypes, self.attentions, self.threads)
        return [Placement(*one) for one in swept]

    def modes(self) -> list[Mode]:
        """Return every combination of the switches."""
        return [Mode(*one) for one in itertools.product(self.compiled, self.tf32, self.unpadded)]


class TimedModel(msgspec.Struct, frozen=True):
    """A model of the window to be measured; `slot` is its place, which determines its letter."""

    slot: int
    name: str
    source: ModelSource
    limit: int | None
    config: dict[str, Any] = {}


class RunColumn(msgspec.Struct, frozen=True):
    """A variant as a column of the table: its model, and what distinguishes it from the model's other variants."""

    slot: Slot
    name: str
    variant: Variant
    apart: str = ""


class RunRow(msgspec.Struct, frozen=True):
    """A row of the table: points that are measured in turn."""

    label: str
    length: SomeTokens
    batch: SomeTokens

    @property
    def words(self) -> str:
        """The label in words: `1 token`, `512 tokens`."""
        return f"{self.label} token{'' if self.label == '1' else 's'}"


def numbers(text: str, what: str, most: int) -> list[int]:
    """Parse a list of whole numbers such as `128, 512`; repetitions are dropped. Raises `PlanError`."""
    try:
        found = [int(part) for part in text.replace(" ", ",").split(",") if part]
    except ValueError:
        raise PlanError(f"{what}: enter numbers separated by commas") from None
    if not found:
        raise PlanError(f"{what}: enter at least one")
    if min(found) < 1 or max(found) > most:
        raise PlanError(f"{what}: from 1 to {most:,}")
    return list(dict.fromkeys(found))


def columns_of(models: Sequence[TimedModel], plan: Plan) -> list[RunColumn]:
    """Return a column for each model under each placement and mode."""

    def apart(one: Placement, mode: Mode) -> str:
        swept = ((one.device, plan.devices), (one.dtype, plan.dtypes), (one.attention, plan.attentions))
        words = [value or "default" for value, values in swept if len(values) > 1]
        if len(plan.threads) > 1:
            words.append("×default" if one.threads is None else f"×{one.threads}")
        switched = (
            (mode.compiled, plan.compiled, ("plain", "compiled")),
            (mode.tf32, plan.tf32, ("no TF32", "TF32")),
            (mode.unpadded, plan.unpadded, ("padded", "unpadded")),
        )
        return " ".join([*words, *(names[is_on] for is_on, values, names in switched if len(values) > 1)])

    return [
        RunColumn(model.slot, model.name, Variant(model.source, placement, mode), apart(placement, mode))
        for placement, mode in itertools.product(plan.placements(), plan.modes())
        for model in models
    ]


def rows_of(plan: Plan) -> list[RunRow]:
    """Return a row for each batch size and length, shorter ones first."""
    many = len(plan.batches) > 1 or plan.batches != [1]
    return [
        RunRow(f"{batch} × {length:,}" if many else f"{length:,}", length, batch)
        for batch in plan.batches
        for length in sorted(plan.lengths)
    ]


def points_of(
    rows: Sequence[RunRow], limits: Sequence[int | None], varied: bool = False
) -> tuple[list[list[Point]], list[Samples]]:
    """Return a group of points for each row (empty if no column accepts the length), and the skipped points."""
    groups: list[list[Point]] = []
    skipped: list[Samples] = []
    for row in rows:
        groups.append([])
        real = varied_lengths(row.batch, row.length) if varied else None
        for column, limit in enumerate(limits):
            point = Point(column, row.length, row.batch, real)
            if limit is not None and row.length > limit:
                reason = f"{row.length:,} tokens are more than the model's limit of {limit:,}"
                skipped.append(Samples(point, ended=reason, short=f"limit {limit:,}"))
            else:
                groups[-1].append(point)
    return groups, skipped


def varied_lengths(batch: int, length: int) -> list[int]:
    """Return the real lengths of a padded batch's rows, spread evenly from a quarter of the length to all of it."""
    shortest = max(length // 4, 1)
    return [length - (length - shortest) * row // max(batch - 1, 1) for row in range(batch)]


# Estimates of time

FLOPS_A_CORE: Final = 60e9
"""Operations per second of one core of a small server in float32 matrix products; only a first guess."""
FLOPS_ACCELERATOR: Final = 10e12


def guessed_pass(config: Mapping[str, Any], batch: int, length: int, cores: int, on_accelerator: bool = False) -> float:
    """Estimate the seconds of a pass from its number of operations, before anything is measured."""
    hidden, layers, inner = (
        value if isinstance(value, int) and value > 0 else guess
        for value, guess in (
            (config.get("hidden_size"), 768),
            (config.get("num_hidden_layers"), 12),
            (config.get("intermediate_size"), 3072),
        )
    )
    tokens = batch * length
    operations = 2 * tokens * layers * (4 * hidden * hidden + 2 * hidden * inner + 2 * length * hidden)
    speed = FLOPS_ACCELERATOR if on_accelerator else FLOPS_A_CORE * max(cores, 1)
    # Python, and starting each layer's operations, take time too.
    return operations / speed + 2e-4 * layers


def point_seconds(one_pass: float, min_time: float, min_samples: int = 5, taken: Samples | None = None) -> float:
    """Estimate the seconds that a point still needs, from the time of a pass and the samples taken so far."""
    warm_up = WARM_UP * one_pass if taken is None or taken.cold_s is None else 0.0
    samples = [] if taken is None else taken.samples_s
    calls = 1 if taken is None else taken.calls
    spent = sum(samples) * calls
    settling = SETTLING_ROUNDS * one_pass if one_pass < 0.5 and not samples else 0.0
    return warm_up + settling + max(min_time - spent, max(min_samples - len(samples), 0) * one_pass * calls, 0.0)
