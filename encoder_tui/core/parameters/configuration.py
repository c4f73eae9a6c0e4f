"""Configurations side by side, and numbers derived from them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from encoder_tui.core.dtypes import bytes_of
from encoder_tui.core.models.architectures import HEADS, WIDTH, count_of
from encoder_tui.core.models.limits import positions_of
from encoder_tui.core.parameters.description import Description, million, total
from encoder_tui.core.text.numbers import binary_size

ABSENT = "–"


class Setting(msgspec.Struct, frozen=True):
    """One setting and its value in every model; None if the model is not loaded yet or has no such setting."""

    name: str
    values: tuple[str | None, ...]
    is_derived: bool = False

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


def flatten(config: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Return every value by its dotted name, written as JSON. Lists are not split; repetitions in them are counted."""
    found: dict[str, str] = {}
    for name, value in config.items():
        if isinstance(value, dict) and value and len(prefix) < 200:
            found |= flatten(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = _written(value)
    return found


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, list) and len(value) > 8:
        kinds = {json.dumps(item): value.count(item) for item in value}
        if len(kinds) <= 4:
            return ", ".join(f"{number} × {kind}" for kind, number in kinds.items()).replace('"', "")
    return json.dumps(value, ensure_ascii=False)


def derived(description: Description) -> dict[str, str]:
    """Return numbers derived from a configuration and its parameters."""
    config = description.config
    found: dict[str, str] = {}
    hidden, heads = count_of(config, WIDTH), count_of(config, HEADS)
    if hidden and heads:
        found["head size"] = f"{hidden // heads:,}"
    windows = sum(1 for fact in description.layers if fact.window is not None)
    if description.layers:
        everywhere = len(description.layers) - windows
        found["layers"] = f"{everywhere} global, {windows} sliding window" if windows else f"{everywhere} global"
    longest = positions_of(config)
    found["context"] = "no limit" if longest is None else f"{longest:,} tokens"
    embedding = total(p for p in description.parameters if "embedding" in p.role)
    found["parameters"] = f"{million(description.total)} ({description.total:,})"
    found["in embeddings"] = _part(embedding, description.total)
    found["in the encoder"] = _part(description.total - embedding, description.total)
    for name, dtype in (("fp32", "float32"), ("bf16", "bfloat16"), ("int8", "int8")):
        found[f"weights in {name}"] = binary_size(bytes_of(description.total, dtype))
    return found


def _part(part: int, whole: int) -> str:
    return f"{million(part)} ({100 * part / whole:.0f} %)" if whole else million(part)


def settings(descriptions: Sequence[Description | None], search: str = "") -> list[Setting]:
    """Return derived numbers first, then settings that differ, then those of one model only, then those that agree.

    `search` keeps settings whose name or value contains each of its words, ignoring case.
    """
    configs = [None if one is None else flatten(one.config) for one in descriptions]
    numbers = [None if one is None else derived(one) for one in descriptions]
    found = [*_rows(numbers, True), *sorted(_rows(configs, False), key=_order)]
    words = search.lower().split()
    return [row for row in found if all(word in _haystack(row) for word in words)]


def _rows(tables: list[dict[str, str] | None], is_derived: bool) -> list[Setting]:
    names = dict.fromkeys(name for table in tables if table is not None for name in table)
    return [
        Setting(name, tuple(None if table is None else table.get(name) for table in tables), is_derived)
        for name in names
    ]


def _order(row: Setting) -> tuple[bool, bool, str]:
    return (not row.differs, None in row.values, row.name)


def _haystack(row: Setting) -> str:
    return " ".join([row.name, *(value for value in row.values if value is not None)]).lower()


def summary(rows: Sequence[Setting], models: int) -> str:
    """Summarise the comparison in words."""
    stated = [row for row in rows if not row.is_derived]
    if models < 2:
        return f"{len(stated):,} settings"
    differing = sum(1 for row in stated if row.differs)
    return f"{differing:,} of {len(stated):,} settings differ"
