"""Measuring for a command, and printing the results."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import click
import msgspec

from encoder_tui.client.loader import Loader
from encoder_tui.commands import running
from encoder_tui.commands.console import say
from encoder_tui.core.models.placement import Offers, placement_of
from encoder_tui.core.models.ready import RequestedModel
from encoder_tui.core.settings import Settings
from encoder_tui.core.text.safe import visible
from encoder_tui.core.timing.best import best_run, chosen, options, verdict_record, verdicts
from encoder_tui.core.timing.plan import Plan, TimedModel
from encoder_tui.core.timing.run import sweep
from encoder_tui.core.timing.samples import Samples, time_record
from encoder_tui.core.timing.words import (
    COLUMNS,
    environment_words,
    model_remarks,
    remarks,
    row_cells,
    verdict_sentence,
)
from encoder_tui.protocol import frames, operations
from encoder_tui.protocol.models import OffersRequest


async def measure(report: Report, loader: Loader, settings: Settings) -> None:
    """Fill a report, with progress on stderr. What the engine cannot do becomes an error of the model."""
    last = ""

    def tell(progress: frames.Progress) -> None:
        nonlocal last
        if progress.text != last:
            last = progress.text
            say(progress.text)

    models = report.take(await running.load_tokenizers(loader, settings), settings)
    if report.plan.best:
        await look_for_best(report, models, loader, settings, tell)
    request = report.run.request(watching=False)
    try:
        answer = await loader.engine.run(operations.MEASURE, request, tell, report.run.hear)
    except running.FAILURES as error:
        report.run.failures |= dict.fromkeys(range(len(report.run.columns)), str(error)) | report.run.failures
    else:
        report.run.hear(answer)


async def look_for_best(
    report: Report,
    models: Sequence[TimedModel],
    loader: Loader,
    settings: Settings,
    tell: Callable[[frames.Progress], None],
) -> None:
    """Ask the engine which settings each model supports, and plan to try them at its longest length."""
    asked, longest, [batch] = placement_of(settings), max(report.plan.lengths), report.plan.batches
    offers: dict[int, Offers | str] = {}
    for model in models:
        if model.limit is not None and longest > model.limit:
            say(f"{model.name}: limited to {model.limit:,} tokens, the model's maximum")
        try:
            found = await loader.engine.run(operations.OFFERS, OffersRequest(model.source, asked), tell)
            offers[model.slot] = found
        except running.FAILURES as error:
            offers[model.slot] = str(error)
    lengths = {model.slot: min(longest, model.limit or longest) for model in models}
    report.run = best_run(models, offers, asked, lengths, batch, True in report.plan.compiled)


class Report:
    """A run as commands print it: lengths and models in the order given, failures at the end."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.run = sweep([], plan, 1)
        self.names: list[str] = []
        self._unloaded: dict[int, str] = {}

    def take(self, models: Sequence[RequestedModel], settings: Settings) -> list[TimedModel]:
        """Plan the run for the models that loaded, and return these."""
        timed = []
        for index, model in enumerate(models):
            if (ready := model.ready) is not None:
                source = ready.source(settings)
                timed.append(TimedModel(index, model.name, source, ready.limit, ready.files.config))
        self.names = [model.name for model in models]
        self._unloaded = {index: model.error for index, model in enumerate(models) if model.error is not None}
        self.run = sweep(timed, self.plan, 1)
        return timed

    @property
    def errors(self) -> dict[int, str]:
        """Why a model was not measured, by its index."""
        failed = {self.run.columns[column].slot: reason for column, reason in self.run.failures.items()}
        return dict(sorted((self._unloaded | failed).items()))

    def points(self) -> list[tuple[int, Samples]]:
        """Return every point with its column; for a model that failed, only points with samples."""
        found = []
        lengths = [one.length for one in self.run.rows]
        for row in range(len(lengths)) if self.plan.best else map(lengths.index, self.plan.lengths):
            planned = {point.variant: point for point in self.run.groups[row]}
            for column in range(len(self.run.columns)):
                samples = self.run.samples.get((row, column))
                if samples is None and column in planned:
                    samples = Samples(planned[column], ended="the measurement was interrupted")
                if samples is not None and (column not in self.run.failures or samples.samples_s):
                    found.append((column, samples))
        return found

    def print(self, as_json: bool) -> None:
        """Print JSON or a table on stdout, and remarks on stderr."""
        for remark in model_remarks(samples for _, samples in self.points()):
            say(remark)
        click.echo(json.dumps(self.records()) if as_json else "\n".join(self.table()))

    def records(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        about = self.run.environment
        results = [self._record(column, samples) for column, samples in self.points()]
        errors = [{"model": self.names[index], "error": error} for index, error in self.errors.items()]
        found = {"environment": {} if about is None else msgspec.to_builtins(about), "results": results + errors}
        return (
            {**found, "best": [verdict_record(self.run, one) for one in verdicts(self.run)]}
            if self.plan.best
            else found
        )

    def _record(self, column: int, samples: Samples) -> dict[str, Any]:
        about = self.run.columns[column]
        # A point that was not measured is identified only by its settings.
        return time_record(about.name, samples) | ({"settings": about.apart} if self.plan.best else {})

    def labelled(self) -> list[tuple[str, Samples]]:
        """Return every point with its column's label."""
        return [(self.run.label(column), samples) for column, samples in self.points()]

    def table(self) -> list[str]:
        """Return lines: the settings used, one line per point, warnings, and how latency grows."""
        lines = [] if self.run.environment is None else [environment_words(self.run.environment)]
        described = set()
        for column, samples in self.points():
            if column not in described and samples.samples_s:
                described.add(column)
                name, force = visible(self.run.columns[column].name), samples.in_force
                settings = "not loaded" if force is None else force.words(samples.mode.words())
                lines.append(f"{self.run.label(column)}  {name}: {settings}")
        rows = [cells for label, samples in self.labelled() if (cells := row_cells(label, samples)) is not None]
        if rows:
            lines += running.aligned([COLUMNS, *rows])
        if self.plan.best:
            ended = [f"{label}: {samples.ended}" for label, samples in self.labelled() if samples.ended]
            return [*lines, *map(visible, ended), *self.conclusions()]
        return lines + remarks(self.labelled())

    def conclusions(self) -> list[str]:
        """Return the fastest settings of each model, and the options that select them."""
        lines = []
        for one in verdicts(self.run):
            lines.append(verdict_sentence(one))
            if one.is_faster:
                mode = self.run.columns[one.column].variant.mode
                lines.append(f"   use them with: {options(chosen(self.run, one.column), mode)}")
        return [visible(line) for line in lines]
