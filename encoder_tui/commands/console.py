"""What commands tell people: sentences on stderr, and the exit code of a failure."""

from __future__ import annotations

import contextlib
from typing import Final, NoReturn

import click

from encoder_tui.core.text.safe import visible

DEBUG: Final = "encoder_tui.debug"
"""The key in click's context under which `--debug` is kept."""


def reason(error: Exception) -> str:
    """What went wrong, in its own sentence; with --debug, the traceback goes to stderr."""
    context = click.get_current_context(silent=True)
    if context is not None and context.meta.get(DEBUG):
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
