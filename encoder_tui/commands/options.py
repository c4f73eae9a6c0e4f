"""The options that all commands share, and the settings that result from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from encoder_tui import __version__
from encoder_tui.commands.console import DEBUG, fail, reason
from encoder_tui.core import settings
from encoder_tui.core.defaults import MAXIMUM
from encoder_tui.core.dtypes import OFFERED

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS: Final = (
    click.option("-m", "--model", multiple=True, metavar="NAME[@REVISION]", help="A model; repeat for up to four."),
    click.option("--text", metavar="TEXT", help="Text that the window opens with."),
    click.option("--docs", metavar="SOURCE", help="Documents that the window opens with."),
    click.option("--pane", type=click.Choice(settings.PANES), help="Pane that the window opens with."),
    click.option("--device", metavar="DEVICE", help="Device to run models on: cpu, cuda:0, …"),
    click.option("--dtype", type=click.Choice(OFFERED), help="Precision to run models in."),
    click.option("--attention", metavar="KIND", help="Attention implementation: sdpa, eager, …"),
    click.option(
        "--threads",
        type=click.IntRange(1, settings.MOST_THREADS),
        metavar="N",
        help="Number of CPU threads for models.",
    ),
    click.option(
        "--max-seq-length",
        type=click.IntRange(1, settings.MOST_TOKENS),
        metavar="N",
        help="Tokens that models read, if other than they were deployed with.",
    ),
    click.option("--offline", is_flag=True, default=None, help="Never contact the Hub."),
    click.option("--engine", metavar="COMMAND", help="Command that starts the engine, for example over ssh."),
    click.option(
        "--fresh", is_flag=True, default=None, help="Open without the last session, and do not save this one."
    ),
    click.option("--debug", is_flag=True, default=None, help="Show the traceback of an error."),
    click.version_option(__version__, prog_name="encoder-tui"),
)


def shared_options(function: F) -> F:
    """Add the options that may be given before or after a command."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function


def given(options: dict[str, Any]) -> dict[str, Any]:
    """Return only the options that were given."""
    return {name: value for name, value in options.items() if value is not None and value != ()}


def gather(context: click.Context, options: dict[str, Any]) -> settings.Settings:
    """Return the settings of a command; options after the command override those before it."""
    before: dict[str, Any] = (context.parent.obj if context.parent else None) or {}
    after = given(options)
    asked = {**before, **after}
    for name in before.keys() & after.keys():
        if isinstance(before[name], tuple):
            # Lists from before and after the command are joined.
            asked[name] = before[name] + after[name]
    context.meta[DEBUG] = asked.get("debug", False)
    try:
        gathered = settings.load(asked)
    except settings.SettingsError as error:
        fail(reason(error))
    context.meta[DEBUG] = gathered.debug
    if len(gathered.model) > MAXIMUM:
        raise click.UsageError(f"{len(gathered.model)} models were given; at most {MAXIMUM} can be compared")
    return gathered
