"""`encoder-tui info`: what every model is, by what its directory says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from encoder_tui.client.loader import Loader
from encoder_tui.commands import running
from encoder_tui.commands.console import reason
from encoder_tui.commands.options import gather, shared_options
from encoder_tui.core.models.files import Inspected
from encoder_tui.core.parameters.described_card import (
    DescribedCard,
    block,
    described,
    needs_description,
    not_described,
    record,
)


@click.command("info")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@shared_options
@click.pass_context
def command(context: click.Context, /, as_json: bool, **shared: Any) -> None:
    """Print what every model is: its kind, its limits, its modules, labels and weights."""
    settings = gather(context, shared)

    async def inspect(loader: Loader, name: str) -> DescribedCard | str:
        try:
            inspected, versions = await loader.inspected(loader.parse(name))
        except running.FAILURES as error:
            return reason(error)
        return await with_fit(loader, inspected, versions)

    async def work(loader: Loader) -> list[tuple[str, DescribedCard | str]]:
        return [(name, found) async for name, found in running.each_model(loader, settings, inspect)]

    running.show(running.run(settings, work), as_json, report, table)


async def with_fit(loader: Loader, inspected: Inspected, versions: dict[str, str]) -> DescribedCard:
    """Return a card with what the model's own parameters add to it."""
    card = inspected.card
    if inspected.files is None or not needs_description(card, inspected.files):
        return DescribedCard(card)
    try:
        description = await loader.description(inspected.files, versions)
    except running.FAILURES as error:
        return not_described(card, reason(error))
    return described(card, description)


def report(models: Sequence[tuple[str, DescribedCard | str]]) -> dict[str, Any]:
    """Return what `--json` prints."""
    return {
        "models": [
            {"model": name, "error": found} if isinstance(found, str) else {"model": name, **record(found)}
            for name, found in models
        ]
    }


def table(name: str, found: DescribedCard) -> str:
    """Return one model as lines for people."""
    return block(name, found, max(running.terminal_width(), 60))
