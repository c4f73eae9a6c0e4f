"""`encoder-tui engine`: run the engine on stdin and stdout."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from encoder_tui.client.process import command_words
from encoder_tui.commands.options import shared_options


@click.command("engine")
@shared_options
def command(**_: Any) -> None:
    """Run the engine on stdin and stdout, for a window on another machine.

    On your own machine: encoder-tui --engine "ssh gpu-box encoder-tui engine". Give the window's options
    there; on this command they have no effect.
    """
    # This process becomes the engine, so that the app side never imports torch.
    sys.stdout.flush()
    os.execv(sys.executable, command_words(None))
