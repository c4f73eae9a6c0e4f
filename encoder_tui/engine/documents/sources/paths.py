"""Local files and folders by the names that people type: paths, URLs of files, globs, several of them."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from encoder_tui.core.files.typed_paths import typed_path

URL: str = "file://"


class Local(NamedTuple):
    """A path that exists, as it was named, with the configuration and the split that its name adds to it."""

    name: str
    path: Path
    config: str | None = None
    split: str | None = None


def local(name: str) -> list[Local]:
    """Return the files and folders that a name stands for; none if there are none such. Raises OSError.

    A colon belongs to the path if the path with it exists, and so do the letters of a glob.
    """
    name = path_of_url(name)
    for path_name, config, split in _readings(name):
        path = typed_path(path_name)
        if path.exists():
            return [Local(path_name, path, config or None, split or None)]
    return [Local(str(path), path) for path in _matching(name)]


def path_of_url(name: str) -> str:
    """Return the path of a URL of a file, and any other name as it is."""
    return unquote(urlsplit(name).path) if name.startswith(URL) else name


def common_folder(paths: Sequence[Path]) -> Path:
    """Return the folder that holds several files, to name them relative to it."""
    return Path(os.path.commonpath([path.absolute().parent for path in paths]))


def _readings(name: str) -> Iterator[tuple[str, str, str]]:
    """Yield the ways to read a name as path, configuration and split; the longest path first."""
    yield name, "", ""
    parts = name.rsplit(":", 2)
    if len(parts) > 1:
        yield ":".join(parts[:-1]), parts[-1], ""
    if len(parts) > 2:
        yield parts[0], parts[1], parts[2]


def _matching(pattern: str) -> list[Path]:
    """Return the files that a pattern matches, in the order of their names; the folders if it matches only such."""
    if not glob.has_magic(pattern):
        return []
    found = [Path(path) for path in sorted(glob.iglob(str(typed_path(pattern)), recursive=True))]  # noqa: PTH207
    return [path for path in found if path.is_file()] or found
