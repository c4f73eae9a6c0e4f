"""A model's card together with how its checkpoint fits its parameters: what `info` prints and Parameters shows."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from encoder_tui.core.models.card import Card
from encoder_tui.core.models.card_words import card_rows, line
from encoder_tui.core.models.files import ModelFiles
from encoder_tui.core.parameters.description import Description, Fit
from encoder_tui.core.text.numbers import counted
from encoder_tui.core.text.rows import labelled_rows
from encoder_tui.core.text.safe import visible


class DescribedCard(msgspec.Struct, frozen=True):
    """A model's card, and how its checkpoint fits it; None if no header tells, or if it is not known yet."""

    card: Card
    fit: Fit | None = None


ON_HUB: Final = "its weights are on the Hub and not here; what is said of them is what their header says"


def needs_description(card: Card, files: ModelFiles | None) -> bool:
    """Return whether a model's parameters add something to its card; on the Hub, its weights may be listed."""
    return card.weights is not None or card.class_name is None or (files is not None and files.repo is not None)


def described(card: Card, description: Description) -> DescribedCard:
    """Return a card with what the model's parameters add: its class, and which of them the checkpoint lacks."""
    if card.class_name is None:
        card = msgspec.structs.replace(card, class_name=description.class_name)
    if card.weights is None and description.on_hub is not None:
        card = _with_remarks(msgspec.structs.replace(card, weights=description.on_hub), [ON_HUB])
    more = [remark for remark in description.remarks if remark not in card.remarks]
    return DescribedCard(_with_remarks(card, more), description.fit)


def not_described(card: Card, why: str) -> DescribedCard:
    """Return a card that says why the model's parameters could not be listed."""
    return DescribedCard(_with_remarks(card, [f"its parameters cannot be listed: {why}"]))


def _with_remarks(card: Card, more: list[str]) -> Card:
    return msgspec.structs.replace(card, remarks=[*card.remarks, *map(visible, more)])


def fit_rows(found: DescribedCard) -> list[tuple[str, str]]:
    """Return what the checkpoint lacks and what the model has no place for, as rows of a label and a text."""
    if found.fit is None:
        return []
    return [
        ("missing", visible(counted(found.fit.missing)) or "nothing"),
        ("unexpected", visible(counted(found.fit.unexpected)) or "nothing"),
    ]


def block(name: str, found: DescribedCard, width: int) -> str:
    """Return a model as people read it: a line of what it is, then a row for each thing that its card says."""
    rows = [*card_rows(found.card), *fit_rows(found), *(("remark", remark) for remark in found.card.remarks)]
    return "\n".join([f"{visible(name)}  {line(found.card)}", *labelled_rows(rows, width)])


def record(found: DescribedCard) -> dict[str, Any]:
    """Return a model as `info --json` prints it, without its name."""
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
