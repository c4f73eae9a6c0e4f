"""`encoder-tui report`: the results of the other commands in one Markdown file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from encoder_tui.client.collection import COMMAND_SLICE, Collection, CountedModel
from encoder_tui.client.deployed import encode_request
from encoder_tui.client.describe import describe_models
from encoder_tui.client.loader import Loader
from encoder_tui.client.predict import predict
from encoder_tui.commands import measuring, running
from encoder_tui.commands.console import fail, reason, say
from encoder_tui.commands.options import gather, shared_options
from encoder_tui.core.defaults import WELCOME
from encoder_tui.core.files.atomic import AtomicFile
from encoder_tui.core.models.files import name_of
from encoder_tui.core.models.ready import RequestedModel
from encoder_tui.core.report.material import (
    Material,
    ReportedPredictions,
    ReportedRun,
    ReportedTiming,
    ReportedVectors,
    now,
)
from encoder_tui.core.report.reproduce_predictions import HeadToReproduce
from encoder_tui.core.report.reproduce_tasks import PipelineToReproduce
from encoder_tui.core.report.sections import SECTIONS, write
from encoder_tui.core.settings import Settings
from encoder_tui.core.tasks.predictions import TaskError, Wish
from encoder_tui.core.timing.plan import Plan
from encoder_tui.core.tokens.comparison import compare
from encoder_tui.core.tokens.tokenizer import TokenizationError
from encoder_tui.core.versions import installed_versions
from encoder_tui.protocol import operations
from encoder_tui.protocol.documents import SourceSpec

DEFAULT: Final = ("models", "settings", "tokens", "architectures")
"""Documents too if a source was given; outputs and timing only on request, because they take long."""
LENGTHS: Final = [128, 512]
MOST: Final = 1_000
"""Documents of a Hub data set that are counted if --limit is not given."""


class Sections(click.ParamType):  # type: ignore[type-arg]  # generic in some versions of click
    """Section names separated by commas, or `all`."""

    name = "sections"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        names = tuple(part.strip() for part in str(value).split(","))
        if names == ("all",):
            return tuple(SECTIONS)
        unknown = [name for name in names if name not in SECTIONS]
        if unknown:
            self.fail(f"unknown section {unknown[0]!r}; choose from {', '.join(SECTIONS)}, or all", param, ctx)
        return names


@click.command("report")
@click.argument("given", metavar="[TEXT]", required=False)
@click.option("--sections", type=Sections(), metavar="NAME,NAME…", help=f"Sections: {', '.join(SECTIONS)}; or all.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the report to this file."
)
@click.option("--limit", "most", type=click.IntRange(min=1), metavar="N", help="Count at most N documents.")
@shared_options
@click.pass_context
def command(
    context: click.Context,
    /,
    given: str | None,
    sections: tuple[str, ...] | None,
    output: Path | None,
    most: int | None,
    **shared: Any,
) -> None:
    """Write a Markdown report on models and a text, with the results of the other commands.

    The text is TEXT, --text, or stdin; the default is the text that a new window opens with. Without
    --sections: models, settings, tokens and architectures, and documents if --docs is given.
    """
    settings = gather(context, shared)
    if output is not None and not output.parent.is_dir():
        raise click.UsageError(f"the folder {output.parent} does not exist")
    chosen = sections or (*DEFAULT, *(("documents",) if settings.docs is not None else ()))
    made = Gathering(settings, _text(given, settings), most)
    running.run(settings, lambda loader: made.gather(loader, chosen))
    content = write(made.material, chosen)
    if output is None:
        click.echo(content, nl=False)
    else:
        try:
            with AtomicFile(output) as file:
                file.write(content.encode())
        except OSError as error:
            fail(f"{output} cannot be written: {error.strerror or error}")
        say(f"written to {output}")
    running.finish(made.errors)


def _text(given: str | None, settings: Settings) -> str:
    if given is not None or settings.text is not None:
        return running.texts_of([given if given is not None else settings.text or ""])[0]
    if sys.stdin is not None and not sys.stdin.isatty() and (piped := running.texts_of([])[0]):
        return piped
    return WELCOME


class Gathering:
    """Gathers the content of the sections as the other commands do, and keeps the errors."""

    def __init__(self, settings: Settings, text: str, most: int | None) -> None:
        self.settings = settings
        self.text = text
        self.most = most
        self.material = Material([], settings, now(), installed_versions())
        self.errors: list[str | None] = []
        self._models: list[RequestedModel] = []

    async def gather(self, loader: Loader, sections: tuple[str, ...]) -> None:
        """Fill `material` for these sections."""
        self._models = await running.load_tokenizers(loader, self.settings)
        self.errors = [model.error for model in self._models]
        self.material.models = self._models
        parts: dict[str, Callable[[Loader], Any]] = {
            "architectures": self._describe,
            "documents": self._count,
            "outputs": self._run,
            "vectors": self._encode,
            "predictions": self._predict,
            "timing": self._measure,
        }
        if "tokens" in sections:
            self._compare()
        for name, part in parts.items():
            if name in sections:
                await part(loader)

    def _compare(self) -> None:
        found = self.material.comparison = compare(self.text, self._models)
        refused = zip(self._models, found.refusals, strict=True)
        self.errors += [f"{model.name}: {refusal}" for model, refusal in refused if refusal]

    async def _describe(self, loader: Loader) -> None:
        await describe_models(self.material, loader)
        for error in self.material.complaints:
            self._failed(error)

    async def _count(self, loader: Loader) -> None:
        remarks = running.Remarks()
        counted = [CountedModel(model.ready) for model in self._models if model.ready is not None]
        try:
            spec = SourceSpec(self.settings.docs, offline=self.settings.offline)
            collection = await Collection.open(loader.engine, spec)
            remarks.show([collection.answer.stands_in_for] if collection.answer.stands_in_for else [])
            most = self.most
            if most is None and collection.answer.is_remote:
                most = MOST
                say(f"the first {MOST:,} rows of {collection.answer.label}; --limit N counts more")
            self.material.counts = collection.no_counts(counted, most)
            async for answer in collection.scan(self.material.counts, counted, seconds=COMMAND_SLICE):
                remarks.show(answer.remarks)
        except running.FAILURES as error:
            self._failed(str(error))

    async def _run(self, loader: Loader) -> None:
        line = running.ProgressLine()
        for model in self._models:
            done = await running.run_one(loader, self.settings, model, [self.text], line, None, {})
            self.material.runs.append(ReportedRun(model.letter, model.name, done.answer, done.error or ""))
            if done.error is not None and done.error != model.error:
                self.errors.append(done.error)

    async def _encode(self, loader: Loader) -> None:
        line = running.ProgressLine()
        self.material.encoded = [self.text]
        for model in self._models:
            done = ReportedVectors(model.letter, model.name, error=model.error or "")
            if model.ready is not None:
                request = encode_request(model.ready, self.settings, [self.text])
                try:
                    done.answer = await loader.engine.run(operations.ENCODE, request, line.show)
                    name = name_of(model.ready.files)
                    trusted = request.source.trust_remote_code
                    done.reproduced = PipelineToReproduce(name, done.answer.pipeline, runs_code=trusted)
                except running.FAILURES as error:
                    done.error = reason(error)
                    self._failed(done.error)
                finally:
                    line.clear()
            self.material.vectors.append(done)

    async def _predict(self, loader: Loader) -> None:
        line, wish = running.ProgressLine(), Wish(texts=[self.text])
        self.material.predicted = wish.texts
        for model in self._models:
            done = ReportedPredictions(model.letter, model.name, error=model.error or "")
            if model.ready is not None:
                try:
                    done.found = await predict(loader.engine, model.ready, self.settings, wish, line.show)
                    trusted = model.ready.source(self.settings).trust_remote_code
                    done.reproduced = HeadToReproduce(
                        name_of(model.ready.files), done.found.task, done.found.in_force, wish, runs_code=trusted
                    )
                except TaskError as error:
                    done.error = reason(error)  # it has no such head, which is no failure
                except (TokenizationError, *running.FAILURES) as error:
                    done.error = reason(error)
                    self._failed(done.error)
                finally:
                    line.clear()
            self.material.predictions.append(done)

    async def _measure(self, loader: Loader) -> None:
        asked = self.settings
        placement = [asked.device], [asked.dtype], [asked.attention], [asked.threads]
        sweep = measuring.Report(Plan(LENGTHS, [1], 1.0, *placement))
        await measuring.measure(sweep, loader, self.settings)
        names = {model.letter: model.name for model in self._models}
        self.material.timing = ReportedTiming(sweep.labelled(), names, sweep.run.environment)
        self.errors += [error for error in sweep.errors.values() if error not in self.errors]

    def _failed(self, error: str) -> None:
        if error not in self.errors:
            self.errors.append(error)
