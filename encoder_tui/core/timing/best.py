"""The fastest settings for each model on this machine: which are tried, and the result."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from encoder_tui.core.dtypes import HALF
from encoder_tui.core.models.placement import Offers, Placement
from encoder_tui.core.outputs.runs import Batch
from encoder_tui.core.text.numbers import count
from encoder_tui.core.timing.plan import Plan, RunColumn, RunRow, TimedModel, guessed_pass
from encoder_tui.core.timing.run import CANDIDATE_EFFORT, Run
from encoder_tui.core.timing.samples import Mode, Point, Samples, Statistics, Variant

MOST_THREAD_COUNTS: Final = 4
FASTER: Final = 1.03
"""A smaller gain does not count, and neither does one that the spread of the samples hides."""


def difference(first: Variant, other: Variant) -> frozenset[str]:
    """Return the settings in which a variant differs from another one, in words."""
    one, two = first.placement, other.placement
    words = {
        two.device or "the default device": one.device != two.device,
        two.dtype or "the default dtype": one.dtype != two.dtype,
        _with_attention(two.attention): one.attention != two.attention,
        "all threads" if two.threads is None else count(two.threads, "thread"): one.threads != two.threads,
        "torch.compile" if other.mode.compiled else "running uncompiled": first.mode.compiled != other.mode.compiled,
    }
    return frozenset(word for word, differs in words.items() if differs)


def _with_attention(name: str | None) -> str:
    return "the default attention" if name is None else name if name.endswith("attention") else f"{name} attention"


def thread_counts(offers: Offers) -> list[int]:
    """Return the numbers of threads worth trying, largest first: all cores, powers of two below, and the current
    number.
    """
    if offers.in_force.device != "cpu":
        return [offers.threads]
    below = {1 << power for power in range(offers.cores.bit_length()) if 1 << power <= offers.cores}
    return sorted([*sorted({*below, offers.cores}, reverse=True)[:MOST_THREAD_COUNTS], offers.threads], reverse=True)


def candidates(offers: Offers, asked: Placement, compiled: bool = False) -> list[tuple[Placement, Mode]]:
    """Return the settings to try: the current ones first, then those that differ in one setting, then in more.

    A current value stays as it was requested, so that the same weights can be used.
    """
    force = offers.in_force
    threads: list[int | None] = [one for one in dict.fromkeys(thread_counts(offers)) if one != offers.threads]
    dtypes: list[str | None] = [one for one in ("float32", *HALF) if one != force.dtype]
    attentions: list[str | None] = [one for one in offers.attentions if one != force.attention]
    found = []
    for dtype, attention, number, is_compiled in itertools.product(
        [asked.dtype, *dtypes], [asked.attention, *attentions], [asked.threads, *threads], [False, True][: 1 + compiled]
    ):
        is_flash = (attention or force.attention).startswith("flash")
        if is_flash and (dtype or force.dtype) not in HALF:
            continue
        changes = (dtype != asked.dtype) + (attention != asked.attention) + (number != asked.threads) + is_compiled
        found.append((changes, Placement(asked.device, dtype, attention, number), Mode(compiled=is_compiled)))
    return [(placement, mode) for _, placement, mode in sorted(found, key=lambda one: one[0])]


def best_run(
    models: Sequence[TimedModel],
    offers: Mapping[int, Offers | str],
    asked: Placement,
    inputs: Mapping[int, Batch | int],
    batch: int = 1,
    compiled: bool = False,
) -> Run:
    """Return a run with a row for each model and a column for each of its settings.

    `offers` and `inputs` are by slot. An offer is what the model can run with, or the reason why it cannot be loaded;
    an input is the ids of a text, or a length for random ids.
    """
    columns: list[RunColumn] = []
    rows: list[RunRow] = []
    groups: list[list[Point]] = []
    failures: dict[int, str] = {}
    guesses: dict[tuple[int, int], float] = {}
    for model in models:
        given, there = inputs[model.slot], offers[model.slot]
        length = given if isinstance(given, int) else len(given.input_ids[0])
        if isinstance(there, str):
            failures[len(columns)] = there
            columns.append(RunColumn(model.slot, model.name, Variant(model.source, asked)))
            continue
        group = []
        for placement, mode in candidates(there, asked, compiled):
            group.append(Point(len(columns), length, batch, given=None if isinstance(given, int) else given))
            guesses[len(rows), len(columns)] = guessed_pass(
                model.config, batch, length, placement.threads or there.threads
            )
            apart = _apart(there, placement, mode)
            columns.append(RunColumn(model.slot, model.name, Variant(model.source, placement, mode), apart))
        groups.append(group)
        rows.append(RunRow(f"{batch} × {length:,}" if batch > 1 else f"{length:,}", length, batch))
    lengths = list(dict.fromkeys(row.length for row in rows)) or [1]
    is_text = any(not isinstance(given, int) for given in inputs.values())
    run = Run(Plan(lengths, [batch], CANDIDATE_EFFORT[0], text=is_text, best=True), columns, rows, groups, "best")
    run.failures = failures
    run.guesses = guesses
    return run


def _apart(offers: Offers, asked: Placement, mode: Mode) -> str:
    force = offers.in_force
    attention = asked.attention or force.attention
    threads = [f"×{asked.threads or offers.threads}"] if force.device == "cpu" else []
    return " ".join([*threads, asked.dtype or force.dtype, attention.replace("_attention", ""), *mode.words()])


# What was found


class Verdict(msgspec.Struct, frozen=True):
    """A model's fastest settings beside the current ones; `gain` is how many times as fast they are.

    `column` and `first` are indices of the run's columns; times are in seconds; `others` is how many cores other
    processes used meanwhile.
    """

    slot: int
    name: str
    column: int
    first: int
    length: int
    seconds: float
    first_seconds: float
    gain: Statistics
    settings: str
    first_settings: str
    distance: str = ""
    others: float = 0.0

    @property
    def is_faster(self) -> bool:
        """Whether settings other than the current ones are measurably faster."""
        return self.column != self.first and self.gain.median >= FASTER and self.gain.first_quartile > 1


def verdicts(run: Run) -> list[Verdict]:
    """Return the result for each model whose current settings were measured."""
    found = []
    for row, group in enumerate(run.groups):
        measured = {
            point.variant: said.median
            for point in group
            if (said := run.statistics(row, point.variant)) is not None and said.median > 0
        }
        first = group[0].variant if group else -1
        if first not in measured:
            continue
        best = min(measured, key=measured.__getitem__)
        samples, of_first = run.samples[row, best], run.samples[row, first]
        gain = run.ratio((row, best), (row, first))
        if gain is None:
            continue
        column = run.columns[best]
        found.append(
            Verdict(
                column.slot,
                column.name,
                best,
                first,
                run.rows[row].length,
                measured[best],
                measured[first],
                gain,
                column.apart,
                run.columns[first].apart,
                "" if samples.distance is None else samples.distance.words(),
                max(samples.other_load or 0.0, of_first.other_load or 0.0),
            )
        )
    return found


def chosen(run: Run, column: int) -> dict[str, Any]:
    """Return the settings obtained for a column, by the names that a session or a command uses for them."""
    asked = run.columns[column].variant.placement
    found: dict[str, Any] = {"device": asked.device} if asked.device is not None else {}
    in_force = next((one.in_force for place, one in run.samples.items() if place[1] == column and one.in_force), None)
    if in_force is None:
        return {}
    found |= {"dtype": in_force.dtype, "attention": in_force.attention}
    return found if in_force.threads is None else {**found, "threads": in_force.threads}


def options(settings: Mapping[str, Any], mode: Mode) -> str:
    """Return settings as command-line options."""
    words = [f"--{name} {value}" for name, value in settings.items()]
    return " ".join([*words, *(["--compile"] if mode.compiled else [])])


def standing(run: Run, row: int, samples: Samples) -> float | None:
    """Return how many times as fast a point is as the current settings in its row; None if one of them was not
    measured.
    """
    said, first = samples.latency, run.statistics(row, run.groups[row][0].variant)
    return None if said is None or first is None or not said.median else first.median / said.median


def verdict_record(run: Run, verdict: Verdict) -> dict[str, Any]:
    """Return a model's fastest settings as `time --best --json` prints them."""
    return {
        "model": verdict.name,
        "length": verdict.length,
        "settings": chosen(run, verdict.column),
        "median_s": verdict.seconds,
        "in_force": chosen(run, verdict.first),
        "in_force_median_s": verdict.first_seconds,
        "times_as_fast": verdict.gain.median,
        "is_faster": verdict.is_faster,
    }
