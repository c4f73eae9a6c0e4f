"""The built-in models and documents: real configurations, small tokenizers, sample documents."""

from __future__ import annotations

from pathlib import Path
from typing import Final

MODELS: Final = {"bert": "bert", "modernbert": "modernbert", "tiny": "tiny"}
"""The built-in models: the name after `builtin:`, and the folder of its files."""

REMARKS: Final = {
    "tiny": [
        "it was trained on the eight sample documents of encoder-tui alone and knows nothing else;"
        " use it to try things out, not to judge texts about anything else"
    ]
}
"""What has to be said of a built-in model, by its name after `builtin:`."""


def directory(name: str) -> Path:
    """Return the directory of a built-in model."""
    return Path(__file__).parent / "models" / MODELS[name]


def documents() -> Path:
    """Return the folder of the sample documents: one text file each, and `triplets.json`."""
    return Path(__file__).parent / "documents"
