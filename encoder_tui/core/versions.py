"""The versions of the libraries that determine the engine's answers."""

from __future__ import annotations

from typing import Final

LIBRARIES: Final = (
    "torch",
    "transformers",
    "sentence-transformers",
    "tokenizers",
    "datasets",
    "safetensors",
    "encoder-tui",
)


def installed_versions() -> dict[str, str]:
    """Return the versions installed beside this code, read from their metadata without importing any of them."""
    import importlib.metadata  # noqa: PLC0415  # 20 ms that the first paint need not wait for

    found = {}
    for library in LIBRARIES:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
