"""`encoder-tui serve`: the window in a browser."""

from __future__ import annotations

import shlex
import sys
from typing import Any

import click

from encoder_tui.commands.console import fail
from encoder_tui.commands.options import gather, shared_options
from encoder_tui.core.settings import NAMES, Settings

INSTALL = "the browser needs textual-serve, which is not installed; pip install 'encoder-tui[serve]'"
_LISTS_BY_VARIABLE = ("trust_remote_code", "theme")
"""Settings that no option says; the window reads them where this process did."""


@click.command("serve")
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="Listen there; by default on this machine only.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, metavar="N", help="8000 by default; 0 is any.")
@shared_options
@click.pass_context
def command(context: click.Context, /, host: str, port: int, **shared: Any) -> None:
    """Open the window in a browser; every tab has a session of its own.

    The address that is printed holds a key, without which nobody gets in. The shared options are those of the window.
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
        fail(f"{host}:{port} cannot be listened at: {error.strerror or error}; --port says another one")


def window_command(settings: Settings) -> str:
    """The words that open the window, for a shell: only what the command line said, the rest it finds itself."""
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
    # exec, so that no shell stands between the server and the window: ending one ends the other.
    return "exec " + shlex.join([sys.executable, "-m", "encoder_tui", *options])
