"""Announce the import of large libraries to the app: meanwhile the engine may not answer, and that is not a failure."""

from __future__ import annotations

import gc
import importlib.abc
import importlib.machinery
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Final

LARGE: Final = {"torch", "transformers", "datasets", "sentence_transformers"}


@contextmanager
def _no_collections() -> Iterator[None]:
    """Switch garbage collection off during an import, and exempt the objects that exist afterwards.

    An import makes hundreds of thousands of objects that stay; collecting among them took a tenth of its time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


class Announcer(importlib.abc.MetaPathFinder):
    """A finder that announces when a large library begins and ends to execute."""

    def __init__(self, tell: Callable[[bool], None]) -> None:
        """`tell(True)` is called before the outermost import of such a library, `tell(False)` after it."""
        self._tell = tell
        self._importer: int | None = None

    def install(self) -> None:
        """Put this finder before all others."""
        sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        # Nothing more to announce inside an import that was announced.
        if self._importer is not None or fullname.partition(".")[0] not in LARGE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Announced(spec.loader, self)
        return spec

    def execute(self, loader: importlib.abc.Loader, module: ModuleType) -> None:
        """Execute a module between the two announcements."""
        if self._importer is not None:
            loader.exec_module(module)
            return
        self._importer = threading.get_ident()
        self._tell(True)
        try:
            with _no_collections():
                loader.exec_module(module)
        finally:
            self._importer = None
            self._tell(False)


class _Announced(importlib.abc.Loader):
    """A loader that hands back to the original loader as soon as it is used."""

    def __init__(self, loader: importlib.abc.Loader, announcer: Announcer) -> None:
        self._loader = loader
        self._announcer = announcer

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._announcer.execute(self._loader, module)
