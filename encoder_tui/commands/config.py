"""`encoder-tui config`: the settings in force and where each came from."""

from __future__ import annotations

import json
from typing import Any

import click

from encoder_tui import settings
from encoder_tui.cli import gather, shared_options
from encoder_tui.display import visible


@click.command("config")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@shared_options
@click.pass_context
def command(context: click.Context, /, as_json: bool, **options: Any) -> None:
    """Print the path of the configuration file and the settings in force."""
    chosen = gather(context, options)
    path = settings.config_path()
    if as_json:
        in_force = {name: {"value": getattr(chosen, name), "from": chosen.origin(name)} for name in settings.NAMES}
        click.echo(json.dumps({"path": str(path), "settings": in_force}))
        return
    click.echo(f"configuration file: {visible(str(path))}{'' if path.is_file() else ' (there is none yet)'}")
    for name in settings.NAMES:
        value = getattr(chosen, name)
        shown = ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
        click.echo(f"{name:<18} {visible(shown) or '–':<44} {visible(chosen.origin(name))}")
