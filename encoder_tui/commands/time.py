"""`encoder-tui time`: how long a pass takes for each model, at each length."""

from __future__ import annotations

from typing import Any

import click

from encoder_tui.commands import measuring, running
from encoder_tui.commands.options import gather, shared_options
from encoder_tui.core.timing.plan import Plan


class Lengths(click.ParamType):  # type: ignore[type-arg]  # generic in some versions of click
    """Numbers of tokens separated by commas."""

    name = "lengths"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        try:
            lengths = [int(part) for part in str(value).split(",")]
        except ValueError:
            lengths = []
        if not lengths or min(lengths) < 1:
            self.fail(f"{value!r} is not a list of lengths such as 128,512", param, ctx)
        return list(dict.fromkeys(lengths))


@click.command("time")
@click.option("--lengths", type=Lengths(), default="128,512", metavar="N,N…", help="Tokens per text (default 128,512).")
@click.option("--batch", type=click.IntRange(min=1), default=1, metavar="N", help="Texts per pass (default 1).")
@click.option(
    "--min-time",
    type=click.FloatRange(min=0),
    default=1.0,
    metavar="SECONDS",
    help="Minimum time to measure each point (default 1 s).",
)
@click.option(
    "--compile", "compiled", is_flag=True, help="Use torch.compile; compile time counts as part of the cold pass."
)
@click.option("--tf32", is_flag=True, help="Let float32 use TF32, if the accelerator supports it.")
@click.option(
    "--best",
    "is_best",
    is_flag=True,
    help="Find the fastest threads, dtype and attention at the longest length.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@shared_options
@click.pass_context
def command(
    context: click.Context,
    /,
    lengths: list[int],
    batch: int,
    min_time: float,
    compiled: bool,
    tf32: bool,
    is_best: bool,
    as_json: bool,
    **shared: Any,
) -> None:
    """Measure passes of random tokens: models in alternation, after a warm-up, the cold pass separately."""
    settings = gather(context, shared)
    plan = Plan(
        lengths,
        [batch],
        min_time,
        [settings.device],
        [settings.dtype],
        [settings.attention],
        [settings.threads],
        compiled=[compiled],
        tf32=[tf32],
        best=is_best,
    )
    if is_best and tf32:
        raise click.UsageError("--best cannot be combined with --tf32: TF32 is less precise than float32")
    report = measuring.Report(plan)
    try:
        running.run(settings, lambda loader: measuring.measure(report, loader, settings))
    finally:
        # Print what was measured, also after ctrl+c.
        if report.names:
            report.print(as_json)
    running.finish([report.errors.get(index) for index in range(len(report.names))])
    if not report.run.has_results:
        # The report holds the reason for each point.
        running.finish(["nothing was measured"])
