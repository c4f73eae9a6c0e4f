"""Directories on this machine that look like models, by the beginning of a path or a part of a name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from encoder_tui.core.models.names import is_path

SCANNED: Final = 500
"""Entries that are looked at, so that a huge folder does not take long."""
MARKS: Final = ("config.json", "modules.json", "adapter_config.json")


def directories_like(typed: str, most: int = 8) -> list[str]:
    """Return directories that look like models and continue a typed path, or hold a typed text in their names.

    Those of a folder and of the folders in it are found. Blocks on the disk for some milliseconds.
    """
    if is_path(typed):
        parent, _, wanted = typed.rpartition("/")
        parent = f"{parent}/" if parent or typed.startswith("/") else "./"
    else:
        parent, wanted = "./", typed
    found = []
    for path in _models_in(parent):
        name = path.removeprefix(parent)
        is_wanted = name.startswith(wanted) if is_path(typed) else wanted.casefold() in name.casefold()
        if is_wanted and path.rstrip("/") != typed.rstrip("/"):
            found.append(path)
        if len(found) == most:
            break
    return found


def _models_in(parent: str) -> Iterator[str]:
    looked = 0
    for name in _folders(parent):
        looked += 1
        if looked > SCANNED:
            return
        if _is_model(f"{parent}{name}"):
            yield f"{parent}{name}"
            continue
        for below in _folders(f"{parent}{name}")[:20]:
            looked += 1
            if _is_model(f"{parent}{name}/{below}"):
                yield f"{parent}{name}/{below}"


def _folders(path: str) -> list[str]:
    """Return the names of the folders in a folder, sorted; none if it cannot be read."""
    try:
        with os.scandir(Path(path).expanduser()) as entries:
            return sorted(
                entry.name
                for entry, _ in zip(entries, range(4 * SCANNED), strict=False)
                if not entry.name.startswith(".") and entry.is_dir()
            )
    except (OSError, RuntimeError, ValueError):
        return []


def _is_model(path: str) -> bool:
    try:
        return any((Path(path).expanduser() / mark).is_file() for mark in MARKS)
    except (OSError, RuntimeError, ValueError):
        return False
