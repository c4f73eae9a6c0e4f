"""Which documents the list holds, and in which order."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LENGTH: Final = re.compile(r"\s*([<>])\s*(\d[\d,]{0,18})\s*")


def length_asked(typed: str) -> tuple[str, int] | None:
    """What a filter by length compares with, `> 512` or `< 512`; None for a filter by text."""
    compared = LENGTH.fullmatch(typed)
    return None if compared is None else (compared[1], int(compared[2].replace(",", "")))


@dataclass
class Arrangement:
    """A filter and an order, which hold together.

    `typed` is the filter as it was typed, `words` what it lets pass, and `rows` are the documents that pass, in the
    order of the source: None where there is no filter. `is_part` says that others have not been looked at.
    `by` is 0 for the order of the source, 1 for characters, 2 and more for the tokens of each model; `first` says which
    documents are first then, and `is_sorted_in_part` that others have no length yet.
    `sort_wanted` and `filter_wanted` are an order and a filter by length that are put off until there are counts.
    """

    typed: str = ""
    words: str = ""
    rows: array[int] | None = None
    is_part: bool = False
    by: int = 0
    first: str = ""
    is_sorted_in_part: bool = False
    sort_wanted: int = 0
    filter_wanted: str = ""

    def filter(self, typed: str, words: str, rows: array[int] | None, *, is_part: bool = False) -> None:
        """Let other documents pass, in the order in force."""
        self.filter_wanted = ""
        self.typed, self.words, self.rows, self.is_part = typed, words, rows, is_part

    @property
    def is_by_length(self) -> bool:
        """Whether the filter lets documents of some length pass."""
        return self.rows is not None and length_asked(self.typed) is not None

    @property
    def is_everything(self) -> bool:
        """Whether all documents are listed in the order of the source."""
        return self.rows is None and not self.by

    def order(self, lengths: Sequence[int]) -> Sequence[int] | None:
        """The documents in the order of the list, None for all of them in that of the source.

        `lengths` are what they are sorted by; those that have none yet come last.
        """
        if not self.by:
            return self.rows
        rows = range(len(lengths)) if self.rows is None else self.rows
        known = len(lengths)
        return array("I", sorted(rows, key=lambda row: lengths[row] if row < known else -1, reverse=True))

    def sentence(self, listed: int, rows: str) -> str:
        """How many documents are listed of the source's `rows`, and why these, and in which order."""
        is_filtered, is_in_part = self.rows is not None, bool(self.by) and self.is_sorted_in_part
        so_far = self.is_part if is_filtered else is_in_part
        told = f"{listed:,} of {rows}{' so far' if so_far else ''}"
        if is_filtered:
            told += f": {self.words}"
        if self.by:
            told += f", {self.first}{' so far' if is_in_part and not so_far else ''}"
        return told
