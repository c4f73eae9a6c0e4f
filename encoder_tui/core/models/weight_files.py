"""Which files of a folder hold a model's weights: those that transformers reads."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from encoder_tui.core.files.outside_names import inside
from encoder_tui.core.files.private import read_file

INDEX: Final = ".index.json"
PREFERRED: Final = (
    "model.safetensors",
    f"model.safetensors{INDEX}",
    "pytorch_model.bin",
    f"pytorch_model.bin{INDEX}",
)
"""The names of weights in a repository, in the order in which transformers looks for them."""
INDICES: Final = tuple(name for name in PREFERRED if name.endswith(INDEX))

USUAL: Final = re.compile(r"(model(-\d+-of-\d+)?\.safetensors|pytorch_model(-\d+-of-\d+)?\.bin)\Z")
"""Names that transformers uses; other programs' weights and other precisions may be in the same folder."""
LARGEST_INDEX: Final = 64 << 20
"""Bytes."""

DAMAGED: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""Exceptions raised by reading an invalid index."""


def weight_files(directory: Path) -> list[Path]:
    """Return the existing files of weights, sorted: those with the usual names, and those that an index names.

    Raises OSError if the folder cannot be listed.
    """
    found = {file for file in directory.iterdir() if USUAL.match(file.name)}
    for index in INDICES:
        with contextlib.suppress(OSError, *DAMAGED):
            found |= set(_shards(directory, directory / index))
    return sorted(path for path in found if _is_file(path))


def _shards(directory: Path, index: Path) -> Iterator[Path]:
    """Yield the files that an index names; names that lead outside are skipped here and refused on reading."""
    for name in named(index):
        with contextlib.suppress(ValueError):
            yield inside(directory, name, index)


def are_whole(directory: Path) -> bool:
    """Return whether a folder has all weights that transformers would read, by the index if there is one."""
    first = next((name for name in PREFERRED if (directory / name).is_file()), "")
    try:
        index = directory / first
        files = [inside(directory, name, index) for name in named(index)] if first.endswith(INDEX) else [index]
        return all(file.is_file() for file in files)
    except (OSError, *DAMAGED):
        return False


def named(index: Path) -> list[str]:
    """Return the names in an index, each once and unchanged; `inside` makes paths of them.

    Raises `DAMAGED` and OSError.
    """
    if index.stat().st_size > LARGEST_INDEX:
        raise ValueError(f"it is larger than the {LARGEST_INDEX >> 20} MiB allowed")
    content: Any = json.loads(read_file(index))
    return sorted({str(name) for name in content["weight_map"].values()})


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
