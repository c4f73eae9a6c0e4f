"""`encoder-tui reset`: forget the last session."""

from __future__ import annotations

from typing import Any

import click

from encoder_tui.commands.console import fail
from encoder_tui.commands.options import shared_options
from encoder_tui.core.last_session import forget
from encoder_tui.core.settings import state_path
from encoder_tui.core.text.safe import visible


@click.command("reset")
@shared_options
def command(**_: Any) -> None:
    """Forget the last session: models, text, documents, pane, order, and the recent ones of each.

    The configuration, the caches and the timing runs are kept. The shared options have no effect here.
    """
    path = state_path()
    try:
        was_there = forget(path)
    except OSError as error:
        fail(f"{path} cannot be deleted: {error.strerror or error}")
    click.echo(f"forgotten: {visible(str(path))}" if was_there else "there is no last session to forget")
