"""The files below a folder, listed once."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path


class Tree:
    """The files below a folder, by their paths relative to it, in the order of their names.

    Hidden files and folders, and folders whose names begin with two underscores, are left out. Links to folders are
    followed, except into a folder that holds them. `links` are those followed, `closed` the errors of folders that
    cannot be listed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(os.path.realpath(folder))
        self.links: list[str] = []
        self.closed: list[OSError] = []
        self.files: list[str] = []
        self.empty: set[str] = set()
        self._list(str(self.folder), "", frozenset({str(self.folder)}))
        self.files.sort()
        self.links.sort()

    def look_at_sizes(self) -> None:
        """Find out which files are `empty`. Those in folders that can be listed but not entered are none."""
        readable = []
        for file in self.files:
            try:
                if not os.stat(f"{self.folder}/{file}").st_size:  # noqa: PTH116  # a path costs more than the call
                    self.empty.add(file)
                readable.append(file)
            except OSError as error:
                self.closed.append(OSError(error.errno, error.strerror, str(self.path(file).parent)))
        self.files = readable

    @cached_property
    def joined(self) -> str:
        """All paths in one text, to find out quickly whether a word is in any of them."""
        return "\n".join(self.files)

    def path(self, file: str) -> Path:
        """Return the path of a file."""
        return self.folder / file

    def has(self, file: str) -> bool:
        """Return whether there is a file of this name, hidden ones too."""
        return self.path(file).is_file()

    def below(self, folder: str) -> list[str]:
        """Return the files in a folder of the tree and below it."""
        return [file for file in self.files if file.startswith(f"{folder}/")]

    def _list(self, folder: str, prefix: str, above: frozenset[str]) -> None:
        try:
            with os.scandir(folder) as entries:
                found = [one for one in entries if not one.name.startswith(".")]
        except OSError as error:
            self.closed.append(error)
            return
        for entry in found:
            name = f"{prefix}{entry.name}"
            try:
                if entry.is_dir():
                    self._enter(entry, name, above)
                elif entry.is_file():
                    self.files.append(name)
            except OSError as error:  # its folder can be listed but not entered
                self.closed.append(OSError(error.errno, error.strerror, folder))

    def _enter(self, entry: os.DirEntry[str], name: str, above: frozenset[str]) -> None:
        if entry.name.startswith("__"):
            return
        real = entry.path
        if entry.is_symlink():
            real = os.path.realpath(entry.path)
            if real in above:
                return
            self.links.append(name)
        self._list(entry.path, f"{name}/", above | {real})
