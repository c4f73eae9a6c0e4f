"""`encoder-tui serve`: the window in a browser."""

from __future__ import annotations

import shlex
import sys
from typing import Any

import click

from encoder_tui.commands.console import fail
from encoder_tui.commands.options import gather, shared_options
from encoder_tui.core.settings import NAMES, Settings

INSTALL = "serve needs textual-serve, which is not installed; pip install 'encoder-tui[serve]'"
_LISTS_BY_VARIABLE = ("trust_remote_code", "theme")
"""Settings that have no option; the window reads them from where this process did."""


@click.command("serve")
@click.option(
    "--host", default="127.0.0.1", metavar="ADDRESS", help="Address to listen on (default: this machine only)."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    metavar="N",
    help="Port to listen on (default 8000; 0 picks a free one).",
)
@shared_options
@click.pass_context
def command(context: click.Context, /, host: str, port: int, **shared: Any) -> None:
    """Open the window in a browser; every tab has its own session.

    Only the printed address opens it: it holds a key. The shared options are passed on to the window.
    """
    settings = gather(context, shared)
    try:
        from encoder_tui.commands.web_server import serve  # noqa: PLC0415  # an extra
    except ImportError as error:
        if (error.name or "").partition(".")[0] in {"textual_serve", "aiohttp", "aiohttp_jinja2", "jinja2"}:
            fail(INSTALL)
        raise
    try:
        serve(window_command(settings), host, port)
    except OSError as error:
        fail(f"cannot listen on {host}:{port}: {error.strerror or error}; choose another port with --port")


def window_command(settings: Settings) -> str:
    """Return the shell command that opens the window, with the options of the command line only."""
    options: list[str] = []
    for name in NAMES:
        value = getattr(settings, name)
        if settings.origin(name) != "command line" or name in _LISTS_BY_VARIABLE:
            continue
        if isinstance(value, bool):
            options += [f"--{name}"] if value else []
        else:
            for one in value if isinstance(value, tuple) else (value,):
                # With = because a text may begin with a dash.
                options.append(f"--{name}={one}")
    # exec, so that no shell runs between the server and the window: ending one ends the other.
    return "exec " + shlex.join([sys.executable, "-m", "encoder_tui", *options])
