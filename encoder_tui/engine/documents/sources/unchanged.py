"""Check whether a file is still the one that was opened."""

from __future__ import annotations

import os
from typing import IO, Final

from encoder_tui.engine.job import OperationError

PROBES: Final = 16
PROBE: Final = 512
"""How many bytes are compared in each of several places if a file has grown."""


class AsOpened:
    """The identity of a file when it was opened.

    If it `may_grow`, lines added at the end are accepted: the earlier part is compared in several places.
    """

    def __init__(self, file: IO[bytes], may_grow: bool = False) -> None:
        self._was = os.fstat(file.fileno())
        self._probed = self._probe(file) if may_grow else None

    def refuse_another(self, file: IO[bytes], name: str) -> None:
        """Raise `OperationError` if another file has taken its place, or if it was rewritten."""
        was, now = self._was, os.fstat(file.fileno())
        is_same = (now.st_dev, now.st_ino, now.st_size) == (was.st_dev, was.st_ino, was.st_size)
        if is_same and now.st_mtime_ns == was.st_mtime_ns:
            return
        has_grown = (now.st_dev, now.st_ino) == (was.st_dev, was.st_ino) and now.st_size > was.st_size
        if self._probed is None or not has_grown or self._probe(file) != self._probed:
            raise OperationError(f"{name} has changed on the disk since it was opened; open it again")

    def _probe(self, file: IO[bytes]) -> list[bytes]:
        position = file.tell()
        last = max(self._was.st_size - PROBE, 0)
        found = []
        for step in range(PROBES + 1):
            file.seek(last * step // PROBES)
            found.append(file.read(min(PROBE, self._was.st_size)))
        file.seek(position)
        return found
