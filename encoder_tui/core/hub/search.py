"""Searching the Hub for models and data sets by a part of their names."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, Literal
from urllib.parse import urlencode

import msgspec

from encoder_tui.core.hub.cache import cache_folder, cached_models
from encoder_tui.core.hub.client import HubClient
from encoder_tui.core.hub.errors import words
from encoder_tui.core.hub.offline import forbidden_by
from encoder_tui.core.models.names import HUB_ID, ModelError
from encoder_tui.core.text.numbers import decimal_size
from encoder_tui.core.text.safe import without_surrogates

Kind = Literal["models", "datasets"]

MOST: Final = 20
"""Results that are requested and shown."""
LONGEST: Final = 100
"""Characters of a query that are sent."""
FIELDS: Final[dict[Kind, tuple[str, ...]]] = {
    "models": ("downloads", "pipeline_tag", "library_name", "safetensors", "gated"),
    "datasets": ("downloads", "usedStorage", "tags", "gated"),
}
"""What the Hub is asked for of each result."""


class Found(msgspec.Struct, frozen=True):
    """A model or a data set on the Hub.

    `what` is what the Hub calls it: its task, else its library. `size` is in words; it and `downloads` are empty and
    None if the Hub does not state them. `is_here` is whether it is in the cache of the machine that asked.
    """

    name: str
    what: str = ""
    downloads: int | None = None
    size: str = ""
    is_here: bool = False


def search(kind: Kind, query: str, *, offline: bool, progress: Callable[..., None]) -> list[Found]:
    """Return what the Hub finds for a query, the most downloaded first. Raises `ModelError`.

    Sends one request, which ends after two seconds (HF_HUB_ETAG_TIMEOUT) however much of the answer has arrived.
    """
    forbidden = forbidden_by(offline)
    if forbidden:
        raise ModelError(f"offline: {forbidden} forbids searching the Hub")
    asked = {
        "search": without_surrogates(query)[:LONGEST],
        "limit": MOST,
        "sort": "downloads",
        "direction": -1,
        "expand[]": FIELDS[kind],
    }
    body = HubClient("search", "", progress).search(kind, urlencode(asked, doseq=True))
    try:
        entries = json.loads(body)
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, list):
        raise ModelError("search: what answers does not look like a Hugging Face Hub; check HF_ENDPOINT")
    here = set(cached_models()) if kind == "models" else _cached_datasets()
    return [found for entry in entries[:MOST] if (found := _found(kind, entry, here)) is not None]


def _cached_datasets() -> set[str]:
    try:
        folders = [folder.name for folder in cache_folder().glob("datasets--*")]
    except OSError:
        return set()
    return {name.removeprefix("datasets--").replace("--", "/") for name in folders}


def _found(kind: Kind, entry: Any, here: set[str]) -> Found | None:
    """Return a result; None for an entry without a name that can be asked for. Other fields may hold anything."""
    if not isinstance(entry, dict):
        return None
    name = entry.get("id")
    if not isinstance(name, str) or len(name) > 200 or not HUB_ID.fullmatch(name):
        return None
    tags = entry.get("tags")
    stated = [entry.get("pipeline_tag"), entry.get("library_name"), *(tags if isinstance(tags, list) else [])]
    if kind == "datasets":
        prefix = "task_categories:"
        stated = [tag.removeprefix(prefix) for tag in stated if isinstance(tag, str) and tag.startswith(prefix)]
    what = next((one for one in stated[: 2 if kind == "models" else None] if isinstance(one, str) and one), "")
    gated = "gated" if entry.get("gated") else ""
    return Found(
        name,
        words(", ".join(filter(None, (what, gated))), 40),
        _natural(entry.get("downloads")),
        _size(kind, entry),
        name in here,
    )


def _size(kind: Kind, entry: dict[str, Any]) -> str:
    if kind == "datasets":
        stored = _natural(entry.get("usedStorage"))
        return "" if stored is None else decimal_size(stored)
    weights = entry.get("safetensors")
    total = _natural(weights.get("total")) if isinstance(weights, dict) else None
    return "" if not total else f"{total / 1e6:,.1f} M values"


def _natural(value: object) -> int | None:
    """Return a number that the Hub states, if it is one that can be."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53 else None
