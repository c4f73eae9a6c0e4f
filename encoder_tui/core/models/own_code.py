"""The Python code that a model's configurations name, by the setting `auto_map`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

CONFIGURATIONS: Final = "*config*.json"
"""The files in which transformers reads settings: config.json and its versions, tokenizer_config.json and others."""

CODE: Final = "auto_map"
"""The setting by which a configuration names Python classes: `module.Class`, or `other--module.Class`."""


def classes_of(config: Any) -> set[str]:
    """Return every class named by an `auto_map` anywhere in a configuration, as it is written there."""
    if isinstance(config, list):
        return set().union(*map(classes_of, config))
    if not isinstance(config, dict):
        return set()
    found = set(_texts(config.get(CODE)))
    return found.union(*(classes_of(value) for key, value in config.items() if key != CODE))


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def others(classes: Iterable[str]) -> list[str]:
    """Return the other repositories and directories whose code these classes belong to."""
    return sorted({name.rpartition("--")[0] for name in classes if "--" in name})
