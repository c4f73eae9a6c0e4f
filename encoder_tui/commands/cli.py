"""The command line: the window, or one command that prints and exits."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeVar

import click

from encoder_tui import __version__
from encoder_tui.core import settings
from encoder_tui.core.defaults import MAXIMUM
from encoder_tui.core.dtypes import OFFERED
from encoder_tui.core.text.safe import visible

F = TypeVar("F", bound=Callable[..., Any])

COMMANDS: Final = {
    "config": "encoder_tui.commands.config",
    "docs": "encoder_tui.commands.docs",
    "engine": "encoder_tui.commands.engine",
    "info": "encoder_tui.commands.info",
    "params": "encoder_tui.commands.params",
    "report": "encoder_tui.commands.report",
    "reset": "encoder_tui.commands.reset",
    "run": "encoder_tui.commands.run",
    "serve": "encoder_tui.commands.serve",
    "time": "encoder_tui.commands.time",
    "tokens": "encoder_tui.commands.tokens",
}

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
INTERRUPTED: Final = 128 + signal.SIGINT
"""The exit code of what ctrl+c ended, as a shell counts it."""
_DEBUG: Final = "encoder_tui.debug"


class Cli(click.Group):
    """Commands imported when they are called, and the shared options before or after a command."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        import importlib  # noqa: PLC0415

        command: click.Command = importlib.import_module(COMMANDS[cmd_name]).command
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the options before a command; some print something themselves and are done."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except BrokenPipeError:
            raise
        except OSError as error:
            fail(f"nothing can be written: {error.strerror or error}")
        except click.ClickException as error:
            _make_visible(error)
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, with every failure that nobody foresaw as one line on stderr."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            _make_visible(error)
            raise
        except (click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            fail("interrupted", INTERRUPTED)
        except Exception as error:  # noqa: BLE001  # whatever it is, people get a sentence
            fail(f"{type(error).__name__}: {reason(error)}; --debug shows where")


def _make_visible(error: click.ClickException) -> None:
    """Make the words of wrong usage safe to print: some of click's quote an argument as it is."""
    vars(error)["message"] = visible(error.message)


def reason(error: Exception) -> str:
    """What went wrong, in its own sentence; with --debug, the traceback goes to stderr."""
    context = click.get_current_context(silent=True)
    if context is not None and context.meta.get(_DEBUG):
        import traceback  # noqa: PLC0415

        # That of the engine, where it is the engine that failed.
        lines = getattr(error, "remote_traceback", "") or "".join(traceback.format_exception(error))
        click.echo("\n".join(map(visible, lines.splitlines())), err=True)
    return str(error)


def tell(words: str, nl: bool = True) -> None:
    """Words for people, on stderr; where that cannot be written, what was asked for is done all the same."""
    with contextlib.suppress(OSError):
        click.echo(words, err=True, nl=nl)


def say(message: str) -> None:
    """A remark for people: one line on stderr."""
    tell(f"encoder-tui: {visible(' '.join(message.split()))}")


def fail(message: str, code: int = 1) -> NoReturn:
    """End the program with one line on stderr and an exit code."""
    say(message)
    raise SystemExit(code)


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
    context.meta[_DEBUG] = asked.get("debug", False)
    try:
        gathered = settings.load(asked)
    except settings.SettingsError as error:
        fail(reason(error))
    context.meta[_DEBUG] = gathered.debug
    if len(gathered.model) > MAXIMUM:
        raise click.UsageError(f"{len(gathered.model)} models were named; at most {MAXIMUM} can be compared")
    return gathered


@click.group(
    cls=Cli,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@shared_options
@click.pass_context
def cli(context: click.Context, /, **options: Any) -> None:
    """Look into BERT-family encoders from a terminal.

    Without a command, the window opens. A model is a Hub id, a local directory, or builtin:bert and
    builtin:modernbert; without one, bert-base-cased stands against answerdotai/ModernBERT-base.
    """
    context.obj = given(options)
    if context.invoked_subcommand is None:
        open_window(gather(context, options))
    elif os.name == "posix":
        from encoder_tui.window.terminal import restorer  # noqa: PLC0415  # without Textual

        restorer.dismiss()


def open_window(chosen: settings.Settings) -> None:
    """Open the window; a sentence and exit code 2 where there is no terminal to open it in."""
    # Behind `serve` the terminal is a browser's. A stream that was closed before the start is None.
    is_served = os.environ.get("TEXTUAL_DRIVER", "").endswith(":WebDriver")
    if not is_served and not (sys.stdin and sys.stdin.isatty() and sys.stdout and sys.stdout.isatty()):
        click.echo("encoder-tui: the window needs a terminal; for scripts there are commands, see --help", err=True)
        raise SystemExit(2)
    if os.environ.get("TERM") in {"dumb", "unknown"}:
        click.echo(
            f"encoder-tui: the terminal calls itself {os.environ['TERM']}, and a window needs one that can move its "
            "cursor; set TERM to what it is, or use the commands, see --help",
            err=True,
        )
        raise SystemExit(2)
    # Until the first frame nothing is garbage, and looking for some takes a share of that time; the window resumes it.
    gc.disable()
    from encoder_tui.window.app import run  # noqa: PLC0415  # textual, only for the window

    raise SystemExit(run(chosen))
