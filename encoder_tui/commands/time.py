"""`encoder-tui time`: how long a pass takes under each model, at each length."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click
import msgspec

from encoder_tui.cli import gather, shared_options
from encoder_tui.commands import running
from encoder_tui.display import visible
from encoder_tui.engine import contract, protocol
from encoder_tui.loading import Loader
from encoder_tui.models import limit
from encoder_tui.placement import source_of
from encoder_tui.settings import Settings
from encoder_tui.timing import Environment, Measurement, MeasureRequest, Samples, Variant, groups_of, time_record
from encoder_tui.timing_words import COLUMNS, environment_words, remarks, row_cells

LETTERS = "ABCD"


class Lengths(click.ParamType):  # type: ignore[type-arg]  # generic in some versions of click
    """Numbers of tokens with commas between them."""

    name = "lengths"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        try:
            lengths = [int(part) for part in str(value).split(",")]
        except ValueError:
            lengths = []
        if not lengths or min(lengths) < 1:
            self.fail(f"{value!r} is no list of lengths; write 128,512", param, ctx)
        return list(dict.fromkeys(lengths))


class Sweep:
    """What the command has so far: kept outside the engine's answer, so that ctrl+c loses nothing."""

    def __init__(self) -> None:
        self.models: list[running.Loaded] = []
        self.environment: Environment | None = None
        self.samples: dict[tuple[int, int], Samples] = {}
        self.errors: dict[int, str] = {}
        self.order: list[tuple[int, int]] = []

    def hear(self, variants: Sequence[int], measurement: Measurement) -> None:
        """Take in an answer, partial or whole; `variants` are the models' indices."""
        if measurement.environment is not None:
            self.environment = measurement.environment
        for samples in measurement.samples:
            self.samples[variants[samples.point.variant], samples.point.length] = samples
        for variant, reason in measurement.failures.items():
            self.errors[variants[variant]] = reason

    def points(self) -> list[tuple[str, Samples]]:
        """What is known of each point, with its model's letter; models that failed have none."""
        found = {key: value for key, value in self.samples.items() if key[0] not in self.errors or value.samples_s}
        return [(LETTERS[key[0]], found[key]) for key in self.order if key in found]

    def records(self) -> list[dict[str, Any]]:
        """The results as `--json` prints them, models that failed at the end."""
        results = [
            time_record(self.models[model].name, self.samples[model, length])
            for model, length in self.order
            if (model, length) in self.samples
        ]
        return results + [
            {"model": self.models[model].name, "error": error} for model, error in sorted(self.errors.items())
        ]


@click.command("time")
@click.option("--lengths", type=Lengths(), default="128,512", metavar="N,N…", help="Tokens a text; 128,512 by default.")
@click.option("--batch", type=click.IntRange(min=1), default=1, metavar="N", help="Texts a pass; 1 by default.")
@click.option(
    "--min-time",
    type=click.FloatRange(min=0),
    default=1.0,
    metavar="SECONDS",
    help="Measure each point at least so long; 1 by default.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@shared_options
@click.pass_context
def command(
    context: click.Context, /, lengths: list[int], batch: int, min_time: float, as_json: bool, **shared: Any
) -> None:
    """Measure passes of random tokens: models interleaved, warmed up, the cold pass apart."""
    settings = gather(context, shared)
    sweep = Sweep()
    try:
        running.run(settings, lambda loader: measure(sweep, loader, settings, lengths, batch, min_time))
    finally:
        # Also where ctrl+c ended it: what was measured is printed.
        if sweep.models:
            _print(sweep, as_json)
    running.finish([sweep.errors.get(index) for index in range(len(sweep.models))])


async def measure(
    sweep: Sweep, loader: Loader, settings: Settings, lengths: list[int], batch: int = 1, min_time: float = 1.0
) -> None:
    """Fill a sweep, told on stderr; what the engine cannot do becomes the models' errors."""
    last = ""

    def tell(progress: protocol.Progress) -> None:
        nonlocal last
        if progress.text != last:
            last = progress.text
            running.say(progress.text)

    sweep.models = sweep.models or await running.load_tokenizers(loader, settings)
    sweep.errors = {index: model.error for index, model in enumerate(sweep.models) if model.error is not None}
    indices: list[int] = []
    variants: list[Variant] = []
    limits: list[int | None] = []
    for index, model in enumerate(sweep.models):
        if model.files is not None and model.tokenizer is not None:
            indices.append(index)
            source = source_of(model.files, loader.trusted, loader.offline)
            variants.append(Variant(source, running.placement_of(settings)))
            limits.append(limit(model.files.config, model.tokenizer.form.model_max_length))
    groups, skipped = groups_of(limits, lengths, batch)
    sweep.order = [(index, length) for length in lengths for index in indices]
    unmeasured = [Samples(point, ended="the measurement was broken off") for group in groups for point in group]
    sweep.hear(indices, Measurement(samples=skipped + unmeasured))
    request = MeasureRequest(variants, groups, min_time)
    try:
        answer = await loader.engine.run(contract.MEASURE, request, tell, lambda part: sweep.hear(indices, part))
    except running.FAILURES as error:
        sweep.errors |= {index: str(error) for index in indices if index not in sweep.errors}
    else:
        sweep.hear(indices, answer)


def _print(sweep: Sweep, as_json: bool) -> None:
    for model in sweep.errors:
        sweep.samples = {key: value for key, value in sweep.samples.items() if key[0] != model or value.samples_s}
    said = [remark for one in sweep.samples.values() if one.in_force is not None for remark in one.in_force.remarks]
    for remark in dict.fromkeys(said):
        running.say(remark)
    if as_json:
        environment = {} if sweep.environment is None else msgspec.to_builtins(sweep.environment)
        click.echo(json.dumps({"environment": environment, "results": sweep.records()}))
        return
    click.echo("\n".join(table(sweep)))


def table(sweep: Sweep) -> list[str]:
    """The settings in force, a line a point, warnings, and the growth of the latency."""
    points = sweep.points()
    lines = [] if sweep.environment is None else [environment_words(sweep.environment)]
    named: set[str] = set()
    for letter, samples in points:
        if letter not in named and samples.samples_s and samples.in_force is not None:
            named.add(letter)
            name = sweep.models[LETTERS.index(letter)].name
            lines.append(f"{letter}  {visible(name)}: {samples.in_force.words()}")
    rows = [cells for letter, samples in points if (cells := row_cells(letter, samples)) is not None]
    if rows:
        lines += running.aligned([COLUMNS, *rows])
    return lines + remarks(points)
