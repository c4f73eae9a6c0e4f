"""Versions of the libraries that decide what the engine answers."""

from __future__ import annotations

import importlib.metadata
from typing import Final

LIBRARIES: Final = ("torch", "transformers", "tokenizers", "datasets", "safetensors", "encoder-tui")


def installed_versions() -> dict[str, str]:
    """The versions installed beside this code, read from their metadata without importing any of them."""
    found = {}
    for library in LIBRARIES:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
