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
"""Where weights stand in a repository, in the order in which transformers looks for them."""
INDICES: Final = tuple(name for name in PREFERRED if name.endswith(INDEX))

USUAL: Final = re.compile(r"(model(-\d+-of-\d+)?\.safetensors|pytorch_model(-\d+-of-\d+)?\.bin)\Z")
"""Names that transformers gives; other programs' weights, and other precisions, lie beside them."""
LARGEST_INDEX: Final = 64 << 20
"""Bytes."""

DAMAGED: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading an index that is none may raise."""


def weight_files(directory: Path) -> list[Path]:
    """The files of weights that are there, by name: those with the usual names, and those that an index names.

    Raises OSError where the folder cannot be listed.
    """
    found = {file for file in directory.iterdir() if USUAL.match(file.name)}
    for index in INDICES:
        with contextlib.suppress(OSError, *DAMAGED):
            found |= set(_shards(directory, directory / index))
    return sorted(path for path in found if _is_file(path))


def _shards(directory: Path, index: Path) -> Iterator[Path]:
    """The files that an index names and that may be looked at; the others are refused where somebody reads them."""
    for name in named(index):
        with contextlib.suppress(ValueError):
            yield inside(directory, name, index)


def are_whole(directory: Path) -> bool:
    """Whether all of the weights that transformers would read is in a folder, by the index where they have one."""
    first = next((name for name in PREFERRED if (directory / name).is_file()), "")
    try:
        index = directory / first
        files = [inside(directory, name, index) for name in named(index)] if first.endswith(INDEX) else [index]
        return all(file.is_file() for file in files)
    except (OSError, *DAMAGED):
        return False


def named(index: Path) -> list[str]:
    """The names that an index states, each once, as they stand there: `inside` makes paths of them.

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
