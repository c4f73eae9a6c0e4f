"""The options that every command shares, and the settings that they come to."""

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
    click.option("-m", "--model", multiple=True, metavar="NAME[@REVISION]", help="A model; one to four of them."),
    click.option("--text", metavar="TEXT", help="The text that the window opens with."),
    click.option("--docs", metavar="SOURCE", help="The documents that the window opens with."),
    click.option("--pane", type=click.Choice(settings.PANES), help="The pane that the window opens with."),
    click.option("--device", metavar="DEVICE", help="Where models run: cpu, cuda:0, …"),
    click.option("--dtype", type=click.Choice(OFFERED), help="The precision that models run in."),
    click.option("--attention", metavar="KIND", help="The attention implementation: sdpa, eager, …"),
    click.option(
        "--threads",
        type=click.IntRange(1, settings.MOST_THREADS),
        metavar="N",
        help="The processor's threads that models run in.",
    ),
    click.option("--offline", is_flag=True, default=None, help="Never ask the Hub."),
    click.option("--engine", metavar="COMMAND", help="Run the engine so, for example over ssh."),
    click.option("--fresh", is_flag=True, default=None, help="Open without the last session, and keep nothing of it."),
    click.option("--debug", is_flag=True, default=None, help="Show the traceback of a failure."),
    click.version_option(__version__, prog_name="encoder-tui"),
)


def shared_options(function: F) -> F:
    """The options that go before or after a command."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function


def given(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, out of all that a command can have."""
    return {name: value for name, value in options.items() if value is not None and value != ()}


def gather(context: click.Context, options: dict[str, Any]) -> settings.Settings:
    """The settings in force for a command: its own options over those before it."""
    before: dict[str, Any] = (context.parent.obj if context.parent else None) or {}
    after = given(options)
    asked = {**before, **after}
    for name in before.keys() & after.keys():
        if isinstance(before[name], tuple):
            # A list that is begun before the command goes on after it.
            asked[name] = before[name] + after[name]
    context.meta[DEBUG] = asked.get("debug", False)
    try:
        gathered = settings.load(asked)
    except settings.SettingsError as error:
        fail(reason(error))
    context.meta[DEBUG] = gathered.debug
    if len(gathered.model) > MAXIMUM:
        raise click.UsageError(f"{len(gathered.model)} models were named; at most {MAXIMUM} can be compared")
    return gathered
