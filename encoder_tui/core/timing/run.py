"""A run in progress or finished: its plan, its samples, and how its points compare."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from msgspec.structs import replace

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.models.placement import InForce, ModelSource
from encoder_tui.core.timing.plan import (
    Plan,
    RunColumn,
    RunRow,
    TimedModel,
    columns_of,
    guessed_pass,
    point_seconds,
    points_of,
    rows_of,
)
from encoder_tui.core.timing.samples import (
    Environment,
    Measurement,
    MeasureRequest,
    Point,
    Samples,
    Statistics,
    exponent,
    quantile,
    time_record,
)

RunKind = Literal["sweep", "text", "best"]
"""What a run measures: a plan, one text, or candidates for the best settings."""
Place = tuple[int, int]
"""The indices of a row and a column."""
CANDIDATE_EFFORT: Final = (0.5, 3)
"""The minimum of seconds and samples for each candidate for the best settings."""
COMPILING: Final = 60.0
"""Seconds to compile a model of BERT's size on a small machine; only a first guess."""
COMPARED: Final = 64
"""How many samples of a point, evenly chosen, are used for the spread of a ratio: each of A's is divided by each of
B's.
"""


class Run:
    """The table of a run, filled from the engine's answers. `points` are the groups of points by row."""

    def __init__(
        self,
        plan: Plan,
        columns: Sequence[RunColumn],
        rows: Sequence[RunRow],
        points: Sequence[Sequence[Point]],
        kind: RunKind,
    ) -> None:
        self.plan = plan
        self.columns = list(columns)
        self.rows = list(rows)
        self.kind = kind
        self.environment: Environment | None = None
        self.samples: dict[Place, Samples] = {}
        self.failures: dict[int, str] = {}
        self.next: list[Place] = []
        self.current: int | None = None
        self.groups = [list(group) for group in points]
        self.guesses: dict[Place, float] = {}
        self._ratios: dict[tuple[Place, Place], tuple[Samples, Samples, Statistics | None]] = {}
        self._places = {_key(point): (row, point.variant) for row, group in enumerate(points) for point in group}

    def request(self, watching: bool = True) -> MeasureRequest:
        """Return the request to the engine."""
        groups = [group for group in self.groups if group]
        variants = [column.variant for column in self.columns]
        if self.plan.best:
            return MeasureRequest(variants, groups, *CANDIDATE_EFFORT, watching=watching, pruning=True)
        return MeasureRequest(variants, groups, self.plan.min_time, watching=watching)

    def hear(self, measurement: Measurement) -> None:
        """Add the contents of an answer, partial or final."""
        if measurement.environment is not None:
            self.environment = measurement.environment
        self.failures |= measurement.failures
        news = [(self._places[_key(samples.point)], samples) for samples in measurement.samples]
        self.next = [place for place, samples in news if samples.cold_s is None and samples.ended is None]
        self.samples.update(news)
        if news:
            self.current = news[-1][0][0]

    def skip(self, row: int, samples: Samples) -> None:
        """Record a point that is not measured, with the reason."""
        self._places[_key(samples.point)] = row, samples.point.variant
        self.samples[row, samples.point.variant] = samples

    def again(self, models: Sequence[TimedModel] = ()) -> Run:
        """Return the same run with no samples; the old samples tell how long it will take.

        `models` are the window's, which say whether a model's own code may run; a saved run does not say so.
        """
        known = {(model.source.name, model.source.location): model.source for model in models}
        run = Run(self.plan, [trusting(column, known) for column in self.columns], self.rows, self.groups, self.kind)
        for place, samples in self.samples.items():
            found = self.statistics(*place)
            if found is not None:
                run.guesses[place] = found.median
            elif place not in run.planned:
                run.skip(place[0], samples)
        return run

    @property
    def planned(self) -> list[Place]:
        """The places that are to be measured."""
        return [(row, point.variant) for row, group in enumerate(self.groups) for point in group]

    @property
    def done(self) -> int:
        """How many of them are finished or failed."""
        return sum(1 for place in self.planned if self._is_over(place))

    def _is_over(self, place: Place) -> bool:
        samples = self.samples.get(place)
        failed = place[1] in self.failures
        return failed or (samples is not None and (samples.finished or samples.ended is not None))

    @property
    def has_results(self) -> bool:
        """Whether anything was measured."""
        return any(samples.samples_s for samples in self.samples.values())

    def statistics(self, row: int, column: int) -> Statistics | None:
        """Return the statistics of a place, or None if it has no samples."""
        samples = self.samples.get((row, column))
        return None if samples is None else samples.latency

    def ratio(self, first: Place, second: Place) -> Statistics | None:
        """Return how many times as long a pass takes at the second place; None if one of them has no samples.

        The result is cached until one of them gets new samples, because it takes thousands of divisions.
        """
        one, other = self.samples.get(first), self.samples.get(second)
        if one is None or other is None:
            return None
        known = self._ratios.get((first, second))
        if known is None or known[0] is not one or known[1] is not other:
            known = self._ratios[first, second] = (one, other, ratio(one.samples_s, other.samples_s))
        return known[2]

    @property
    def in_force(self) -> list[InForce]:
        """The settings that the models ran with, one entry for each point whose model was loaded."""
        return [samples.in_force for samples in self.samples.values() if samples.in_force is not None]

    def records(self) -> Iterator[tuple[Place, dict[str, Any]]]:
        """Yield each point as `time --json` prints it, row by row."""
        for row in range(len(self.rows)):
            for column, about in enumerate(self.columns):
                if (row, column) in self.samples:
                    yield (row, column), time_record(about.name, self.samples[row, column])

    def label(self, column: int) -> str:
        """Return the letter of a column, and what distinguishes it from other columns of the same model."""
        about = self.columns[column]
        return f"{LETTERS[about.slot]} {about.apart}".rstrip()

    def curve(self, column: int, batch: int | None = None) -> list[tuple[float, float]]:
        """Return lengths and medians of a column for one batch size (the first by default), shortest first."""
        batch = self.rows[0].batch if batch is None else batch
        found = []
        for row, about in enumerate(self.rows):
            result = self.statistics(row, column)
            if about.batch == batch and result is not None and result.median > 0:
                found.append((float(self.samples[row, column].point.length), result.median))
        return sorted(found)

    def seconds_left(self) -> float:
        """Estimate the seconds that the rest takes: guesses, corrected by the measured point nearest to each."""
        left = 0.0
        for place in self.planned:
            if self._is_over(place):
                continue
            found = self.statistics(*place)
            one_pass = found.median if found is not None else self.guesses.get(place, 0.05) * self._correction(place)
            left += point_seconds(one_pass, self.plan.min_time, taken=self.samples.get(place)) + self._compiling(place)
        return left

    def _compiling(self, place: Place) -> float:
        """Estimate the seconds to compile a point before its first pass, from the points that were compiled before."""
        if not self._is_compiled(place) or ((samples := self.samples.get(place)) and samples.cold_s is not None):
            return 0.0
        cold = [one.cold_s for other, one in self.samples.items() if one.cold_s and self._is_compiled(other)]
        return sum(cold) / len(cold) if cold else COMPILING

    def _is_compiled(self, place: Place) -> bool:
        return self.columns[place[1]].variant.mode.compiled

    def _correction(self, place: Place) -> float:
        """Return the ratio of measured to guessed time at the point with the nearest guess, of the same column if
        possible.
        """
        guess = self.guesses.get(place, 0.05)
        candidates = []
        for other, other_guess in self.guesses.items():
            found = self.statistics(*other)
            if found is not None and other_guess > 0 and found.median > 0:
                distance = abs(math.log(other_guess / guess))
                candidates.append((other[1] != place[1], distance, found.median / other_guess))
        return min(candidates)[2] if candidates else 1.0


def trusting(column: RunColumn, known: Mapping[tuple[str, str], ModelSource]) -> RunColumn:
    """Let a column's model run its own code only if the source in `known` of the same name and location may."""
    asked = column.variant.source
    source = known.get((asked.name, asked.location), replace(asked, trust_remote_code=False, also_allowed=()))
    return replace(column, variant=replace(column.variant, source=source))


def _key(point: Point) -> tuple[int, int, int]:
    return point.variant, point.length, point.batch


def sweep(models: Sequence[TimedModel], plan: Plan, cores: int, on_accelerator: bool = False) -> Run:
    """Return the run of a plan, with no samples."""
    columns, rows = columns_of(models, plan), rows_of(plan)
    by_slot = {model.slot: model for model in models}
    limits = [by_slot[column.slot].limit for column in columns]
    groups, skipped = points_of(rows, limits, plan.rows == "varied")
    run = Run(plan, columns, rows, groups, "sweep")
    for samples in skipped:
        row = next(i for i, one in enumerate(rows) if (one.length, one.batch) == _key(samples.point)[1:])
        run.skip(row, samples)
    for row, column in run.planned:
        config = by_slot[columns[column].slot].config
        device = columns[column].variant.placement.device
        fast = on_accelerator if device is None else not device.startswith("cpu")
        run.guesses[row, column] = guessed_pass(config, rows[row].batch, rows[row].length, cores, fast)
    return run


# How its points compare


def ratio(first: Sequence[float], second: Sequence[float]) -> Statistics | None:
    """Return how many times as long the second takes: the quotients of all pairs of samples."""
    chosen = [
        [samples[len(samples) * place // min(len(samples), COMPARED)] for place in range(min(len(samples), COMPARED))]
        for samples in (first, second)
    ]
    quotients = sorted(b / a for a in chosen[0] for b in chosen[1] if a > 0)
    if not quotients:
        return None
    middle = quantile(sorted(second), 0.5) / quantile(sorted(first), 0.5)
    return Statistics(middle, *(quantile(quotients, share) for share in (0.25, 0.75, 0.9)))


def growth(points: Sequence[tuple[float, float]]) -> tuple[float, float, float] | None:
    """Return the range of the longest lengths (about a factor of four), and the exponent with which latency grows
    there.

    Short lengths are left out, because overhead dominates there whatever the length is.
    """
    if len(points) < 2:
        return None
    ordered = sorted(points)
    longest = ordered[-1][0]
    used = [point for point in ordered if point[0] >= longest / 4]
    if len(used) < 2:
        used = ordered[-2:]
    power = exponent(used)
    return None if power is None else (used[0][0], longest, power)
