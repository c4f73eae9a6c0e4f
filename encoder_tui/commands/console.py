"""Messages of commands on stderr, and the exit code of a failure."""

from __future__ import annotations

import contextlib
from typing import Final, NoReturn

import click

from encoder_tui.core.text.safe import visible

DEBUG: Final = "encoder_tui.debug"
"""The key in click's context under which `--debug` is kept."""


def reason(error: Exception) -> str:
    """Return the message of an error; with --debug, also print its traceback on stderr."""
    context = click.get_current_context(silent=True)
    if context is not None and context.meta.get(DEBUG):
        import traceback  # noqa: PLC0415

        # If the engine failed, its own traceback.
        lines = getattr(error, "remote_traceback", "") or "".join(traceback.format_exception(error))
        click.echo("\n".join(map(visible, lines.splitlines())), err=True)
    return str(error)


def tell(words: str, nl: bool = True) -> None:
    """Write to stderr; if that fails, the command goes on without the message."""
    with contextlib.suppress(OSError):
        click.echo(words, err=True, nl=nl)


def say(message: str) -> None:
    """Print a message as one line on stderr."""
    tell(f"encoder-tui: {visible(' '.join(message.split()))}")


def fail(message: str, code: int = 1) -> NoReturn:
    """End the program with one line on stderr and an exit code."""
    say(message)
    raise SystemExit(code)
