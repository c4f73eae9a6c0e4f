"""`encoder-tui info`: what every model is, by what its directory says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import msgspec

from encoder_tui.client.loader import Loader
from encoder_tui.commands import running
from encoder_tui.commands.console import reason
from encoder_tui.commands.options import gather, shared_options
from encoder_tui.core.models.card import Card
from encoder_tui.core.models.card_words import card_rows, line
from encoder_tui.core.models.files import Inspected
from encoder_tui.core.parameters.description import Fit
from encoder_tui.core.text.safe import visible


class CardWithFit(msgspec.Struct, frozen=True):
    """A model's card and how its checkpoint fits it; None if no header tells."""

    card: Card
    fit: Fit | None = None


@click.command("info")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@shared_options
@click.pass_context
def command(context: click.Context, /, as_json: bool, **shared: Any) -> None:
    """Print what every model is: its kind, its limits, its modules, labels and weights."""
    settings = gather(context, shared)

    async def inspect(loader: Loader, name: str) -> CardWithFit | str:
        try:
            inspected, versions = await loader.inspected(loader.parse(name))
        except running.FAILURES as error:
            return reason(error)
        return await with_fit(loader, inspected, versions)

    async def work(loader: Loader) -> list[tuple[str, CardWithFit | str]]:
        return [(name, found) async for name, found in running.each_model(loader, settings, inspect)]

    running.show(running.run(settings, work), as_json, report, block)


async def with_fit(loader: Loader, inspected: Inspected, versions: dict[str, str]) -> CardWithFit:
    """A card with what the model's own parameters add: its class, and which of them the checkpoint lacks."""
    card = inspected.card
    if inspected.files is None or (card.weights is None and card.class_name is not None):
        return CardWithFit(card)
    try:
        description = await loader.description(inspected.files, versions)
    except running.FAILURES as error:
        return CardWithFit(_with_remarks(card, [f"its parameters cannot be listed: {reason(error)}"]))
    if card.class_name is None:
        card = msgspec.structs.replace(card, class_name=description.class_name)
    if card.weights is None:
        return CardWithFit(card)
    more = [remark for remark in description.remarks if remark not in card.remarks]
    return CardWithFit(_with_remarks(card, more), description.fit)


def _with_remarks(card: Card, more: list[str]) -> Card:
    return msgspec.structs.replace(card, remarks=[*card.remarks, *map(visible, more)])


def report(models: Sequence[tuple[str, CardWithFit | str]]) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "models": [
            {"model": name, "error": found} if isinstance(found, str) else {"model": name, **record(found)}
            for name, found in models
        ]
    }


def record(found: CardWithFit) -> dict[str, Any]:
    """A model as `--json` prints it, without its name."""
    card = found.card
    weights = card.weights
    return {
        "kind": card.kind,
        "class": card.class_name,
        "limit": card.limit,
        "limits": msgspec.to_builtins(card.limits),
        "modules": [{"type": module.type, "path": module.path} for module in card.modules],
        "pooling": card.pooling,
        "dimension": card.dimension,
        "similarity": card.similarity,
        "prompts": card.prompts,
        "default_prompt": card.default_prompt,
        "labels": card.labels,
        "weights": None
        if weights is None
        else {
            "files": weights.files,
            "format": weights.format,
            "bytes": weights.bytes,
            "dtypes": weights.dtypes,
            "missing": None if found.fit is None else found.fit.missing,
            "unexpected": None if found.fit is None else found.fit.unexpected,
        },
        "remarks": card.remarks,
    }


def block(name: str, found: CardWithFit) -> str:
    """One model as a person reads it: a line of what it is, then a row for each thing that its card says."""
    width = max(running.terminal_width(), 60)
    rows = card_rows(found.card)
    if found.fit is not None:
        rows += [
            ("missing", visible(", ".join(found.fit.missing)) or "nothing"),
            ("unexpected", visible(", ".join(found.fit.unexpected)) or "nothing"),
        ]
    rows += [("remark", remark) for remark in found.card.remarks]
    return "\n".join([f"{visible(name)}  {line(found.card)}", *running.labelled_rows(rows, width)])
