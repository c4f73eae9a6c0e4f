"""The command line: the window, or one command that prints and exits."""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import Any, Final

import click

from encoder_tui.commands.console import fail, reason
from encoder_tui.commands.options import gather, given, shared_options
from encoder_tui.core.settings import Settings
from encoder_tui.core.text.safe import visible

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

INTERRUPTED: Final = 128 + signal.SIGINT
"""The exit code of what ctrl+c ended, as a shell counts it."""


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


def open_window(chosen: Settings) -> None:
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
