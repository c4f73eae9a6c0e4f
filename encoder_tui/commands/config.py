"""`encoder-tui config`: the effective settings and where each came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from encoder_tui.commands.options import gather, shared_options
from encoder_tui.core import settings
from encoder_tui.core.text.safe import visible


@click.command("config")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--keys", "list_keys", is_flag=True, help="List every key of the window with the id to remap it by.")
@shared_options
@click.pass_context
def command(context: click.Context, /, as_json: bool, list_keys: bool, **options: Any) -> None:
    """Print the path of the configuration file and the effective settings."""
    chosen = gather(context, options)
    path = settings.config_path()
    if list_keys:
        print_keys(chosen.keys, as_json)
        return
    if as_json:
        effective = {name: {"value": getattr(chosen, name), "from": chosen.origin(name)} for name in settings.NAMES}
        click.echo(json.dumps({"path": str(path), "settings": effective, "keys": dict(chosen.keys)}))
        return
    click.echo(f"configuration file: {visible(str(path))}{'' if path.is_file() else ' (does not exist yet)'}")
    for name in settings.NAMES:
        label, shown = name, visible(_written(getattr(chosen, name))) or "–"
        if len(shown) > 44:
            # A long value leaves no room for its origin, which then goes on a line of its own.
            click.echo(f"{label:<18} {shown}")
            label = shown = ""
        click.echo(f"{label:<18} {shown:<44} {visible(chosen.origin(name))}")
    if chosen.keys:
        click.echo(f"{'keys':<18} {len(chosen.keys)} remapped; --keys lists them")
        complain(chosen.keys)


def _written(value: object) -> str:
    """Return a value as it is written in the file, without quotes; an empty string for None."""
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)


def print_keys(keymap: Mapping[str, str], as_json: bool) -> None:
    """Print every key of the window, and report errors in the remapped keys."""
    from encoder_tui.window import keys  # noqa: PLC0415  # textual and every pane

    rows = list(keys.listed(keymap))
    if as_json:
        names = ("where", "id", "keys", "description")
        click.echo(json.dumps([dict(zip(names, row, strict=True)) for row in rows]))
    else:
        for where, name, pressed, description in sorted(rows, key=lambda row: row[0]):
            remapped = "  (remapped)" if name in keymap else ""
            click.echo(f"{where:<11} {name:<32} {visible(pressed):<24} {description}{remapped}")
    complain(keymap)


def complain(keymap: Mapping[str, str]) -> None:
    """Report the errors in the file's key table on stderr, one line each."""
    from encoder_tui.window import keys  # noqa: PLC0415

    for sentence in keys.problems(keymap):
        click.echo(f"encoder-tui: [keys]: {sentence}", err=True)
