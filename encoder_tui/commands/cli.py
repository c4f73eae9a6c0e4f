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
    "encode": "encoder_tui.commands.encode",
    "engine": "encoder_tui.commands.engine",
    "info": "encoder_tui.commands.info",
    "predict": "encoder_tui.commands.predict",
    "params": "encoder_tui.commands.params",
    "report": "encoder_tui.commands.report",
    "reset": "encoder_tui.commands.reset",
    "run": "encoder_tui.commands.run",
    "serve": "encoder_tui.commands.serve",
    "time": "encoder_tui.commands.time",
    "tokens": "encoder_tui.commands.tokens",
}

INTERRUPTED: Final = 128 + signal.SIGINT
"""The exit code after ctrl+c, as shells define it."""


class Cli(click.Group):
    """A group that imports a command when it is called, and accepts the shared options before or after it."""

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
        """Parse the options before a command; some, like --help, print and exit here."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except BrokenPipeError:
            raise
        except OSError as error:
            fail(f"cannot write the output: {error.strerror or error}")
        except click.ClickException as error:
            _make_visible(error)
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; print an unexpected exception as one line on stderr."""
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
    """Make a usage error safe to print: some of click's messages quote an argument unchanged."""
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

    Without a command, the window opens. A model is a Hub id, a local directory, or builtin:bert,
    builtin:modernbert and builtin:tiny; the default is to compare bert-base-cased with answerdotai/ModernBERT-base.
    """
    context.obj = given(options)
    if context.invoked_subcommand is None:
        open_window(gather(context, options))
    elif os.name == "posix":
        from encoder_tui.window.terminal import restorer  # noqa: PLC0415  # without Textual

        restorer.dismiss()


def open_window(chosen: Settings) -> None:
    """Open the window. If there is no terminal for it, print why and exit with code 2."""
    # Under `serve` a browser is the terminal. A stream that was closed before the start is None.
    is_served = os.environ.get("TEXTUAL_DRIVER", "").endswith(":WebDriver")
    if not is_served and not (sys.stdin and sys.stdin.isatty() and sys.stdout and sys.stdout.isatty()):
        click.echo("encoder-tui: the window needs a terminal; in scripts use the commands, see --help", err=True)
        raise SystemExit(2)
    if os.environ.get("TERM") in {"dumb", "unknown"}:
        click.echo(
            f"encoder-tui: TERM={os.environ['TERM']} says that the terminal cannot move its cursor, which the window "
            "needs; set TERM to the terminal's type, or use the commands, see --help",
            err=True,
        )
        raise SystemExit(2)
    # Before the first frame there is no garbage, so collecting would only delay it; the window turns it on again.
    gc.disable()
    from encoder_tui.window.app import run  # noqa: PLC0415  # textual, only for the window

    raise SystemExit(run(chosen))
