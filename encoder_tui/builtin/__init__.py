"""The embedded default: real configurations, small tokenizers, sample documents."""

from __future__ import annotations

from pathlib import Path
from typing import Final

MODELS: Final = {"bert": "bert", "modernbert": "modernbert"}
"""Built-in models: the name after `builtin:`, and the folder here that holds its files."""


def directory(name: str) -> Path:
    """The model directory of a built-in model."""
    return Path(__file__).parent / "models" / MODELS[name]


def documents() -> Path:
    """The folder of the sample documents: one text file each, and `triplets.json`."""
    return Path(__file__).parent / "documents"
