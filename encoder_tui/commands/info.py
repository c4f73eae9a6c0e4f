"""`encoder-tui info`: what every model is, by what its directory says."""

from __future__ import annotations

import textwrap
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
from encoder_tui.core.parameters.description import Description
from encoder_tui.core.parameters.fit import Fit, fit
from encoder_tui.core.text.numbers import count, first_of
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
    if inspected.files is None or (inspected.tensors is None and card.class_name is not None):
        return CardWithFit(card)
    try:
        description = await loader.description(inspected.files, versions)
    except running.FAILURES as error:
        return CardWithFit(_with_remarks(card, [f"its parameters cannot be listed: {reason(error)}"]))
    if card.class_name is None:
        card = msgspec.structs.replace(card, class_name=description.class_name)
    if inspected.tensors is None:
        return CardWithFit(card)
    found = fit(description, inspected.tensors)
    return CardWithFit(_with_remarks(card, fit_remarks(found, description, card)), found)


def fit_remarks(found: Fit | None, description: Description, card: Card) -> list[str]:
    """What is to be said of a checkpoint that is not just the model's."""
    if found is None:
        return [
            f"transformers renames or joins the tensors of {description.kind} before it loads them,"
            " so the header alone does not tell which are missing"
        ]
    remarks = []
    file = card.weights.files[0] if card.weights else "the checkpoint"
    if found.prefix:
        if not any(f'"{found.prefix}"' in remark for remark in card.remarks):
            remarks.append(
                f'every tensor in {file} has "{found.prefix}" before its name, so transformers does not find them;'
                " take it off the names"
            )
    elif found.missing:
        are = count(len(found.missing), "parameter is", "parameters are")
        remarks.append(
            f"{are} not in {file}, and random when {description.class_name} is loaded: {first_of(found.missing, 4)}"
        )
    remarks += [f"{misfit.words}, so its values would be random" for misfit in found.misfits[:4]]
    if len(found.misfits) > 4:
        remarks.append(f"{len(found.misfits) - 4:,} more tensors have another shape than in the model")
    return remarks


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
    left = max(len(label) for label, _ in rows)
    lines = [f"{visible(name)}  {line(found.card)}"]
    for label, text in rows:
        first = f"  {label:<{left}}  "
        kept = textwrap.shorten(text, 12 * width, placeholder=" …") if label in {"missing", "unexpected"} else text
        lines += textwrap.wrap(kept, width, initial_indent=first, subsequent_indent=" " * len(first))
    return "\n".join(lines)
