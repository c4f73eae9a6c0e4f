"""The documents that ship with the program, as triplets like those of MLDR."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from encoder_tui import builtin
from encoder_tui.engine.documents.sources.source import Source
from encoder_tui.engine.job import Job


class Samples(Source):
    """A question, a document that answers it, and one that does not: columns anchor, positive, negative."""

    def __init__(self, reason: str | None = None) -> None:
        super().__init__("built-in samples")
        self.stands_in_for = reason
        folder = builtin.documents()
        triplets = json.loads((folder / "triplets.json").read_text("utf-8"))
        documents = {path.name: path.read_bytes().decode() for path in folder.glob("*.txt")}
        self._rows: list[dict[str, str]] = [
            {
                "anchor": triplet["anchor"],
                "positive": documents[triplet["positive"]],
                "negative": documents[triplet["negative"]],
            }
            for triplet in triplets
        ]
        self.take_columns(self._rows)
        self.known = self.total = len(self._rows)

    def reach(self, count: int, job: Job) -> None:
        """All rows are here."""

    def rows(self, start: int, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        return iter(self._rows[start:])
