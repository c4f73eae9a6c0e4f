"""`encoder-tui time`: how long a pass takes under each model, at each length."""

from __future__ import annotations

from typing import Any

import click

from encoder_tui.commands import measuring, running
from encoder_tui.commands.options import gather, shared_options
from encoder_tui.core.timing.plan import Plan


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
@click.option("--compile", "compiled", is_flag=True, help="Compile with torch.compile; the cold pass has that time.")
@click.option("--tf32", is_flag=True, help="Let float32 round to TF32, where an accelerator has it.")
@click.option(
    "--best",
    "is_best",
    is_flag=True,
    help="Try threads, dtypes and attentions at the longest length, and say which are the fastest.",
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
    """Measure passes of random tokens: models interleaved, warmed up, the cold pass apart."""
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
        raise click.UsageError("--best tries no TF32, which rounds more than it says; give one of the two")
    report = measuring.Report(plan)
    try:
        running.run(settings, lambda loader: measuring.measure(report, loader, settings))
    finally:
        # Also where ctrl+c ended it: what was measured is printed.
        if report.names:
            report.print(as_json)
    running.finish([report.errors.get(index) for index in range(len(report.names))])
    if not report.run.has_results:
        # Each point's reason stands in the report.
        running.finish(["nothing was measured"])
