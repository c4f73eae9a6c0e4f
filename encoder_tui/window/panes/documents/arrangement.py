"""The filter and the order of the list of documents."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LENGTH: Final = re.compile(r"\s*([<>])\s*(\d[\d,]{0,18})\s*")


def length_asked(typed: str) -> tuple[str, int] | None:
    """Return the sign and the number of a filter by length, `> 512` or `< 512`; None for a filter by text."""
    compared = LENGTH.fullmatch(typed)
    return None if compared is None else (compared[1], int(compared[2].replace(",", "")))


@dataclass
class Arrangement:
    """A filter and an order that apply together.

    `typed` is the filter as it was typed, `words` describes it, and `rows` are the documents that pass, in the
    order of the source; None without a filter. If `is_part`, other documents have not been checked yet.
    `by` is 0 for the order of the source, 1 for characters, 2 and more for the tokens of each model; `first` says which
    documents come first; if `is_sorted_in_part`, others have no length yet. `sort_wanted` and `filter_wanted` are an
    order and a filter by length that wait for counts.
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
        """Apply another filter; the order stays."""
        self.filter_wanted = ""
        self.typed, self.words, self.rows, self.is_part = typed, words, rows, is_part

    def filter_by_length(self, typed: str, lengths: Sequence[int], letter: str, *, is_part: bool) -> None:
        """Filter by length, among the documents that were counted for the model with this letter."""
        sign, than = length_asked(typed) or ("", 0)
        passing = (i for i, length in enumerate(lengths) if (length > than if sign == ">" else length < than))
        self.filter(typed, f"{sign} {than:,} {letter} tokens", array("I", passing), is_part=is_part)

    def sort(self, by: int) -> None:
        """Apply an order that the user chose."""
        self.by, self.sort_wanted = by, 0

    def put_off_order(self) -> None:
        """List in the order of the source until the current order's values are known."""
        self.sort_wanted, self.by = self.sort_wanted or self.by, 0

    def put_off_tokens(self) -> list[str]:
        """Suspend the filter and the order that use tokens of removed models; return both in words."""
        left = []
        if self.is_by_length:
            left.append(self.words)
            typed = self.typed
            self.filter("", "", None)
            self.filter_wanted = typed
        if self.by > 1:
            left.append(self.first)
            self.put_off_order()
        return left

    @property
    def is_waiting(self) -> bool:
        """Whether a suspended order or filter is waiting, and no other was chosen since."""
        return bool(self.filter_wanted) or (bool(self.sort_wanted) and not self.by)

    @property
    def is_done_in_part(self) -> bool:
        """Whether documents were left out or unsorted because they had no length yet."""
        return (self.is_by_length and self.is_part) or (bool(self.by) and self.is_sorted_in_part)

    def take_up(self, orders: int) -> None:
        """Apply a suspended order, if it exists by now; `orders` is the number of orders."""
        if not self.by:
            self.by = min(self.sort_wanted, orders - 1)
            if self.by == self.sort_wanted:
                self.sort_wanted = 0  # otherwise it needs a model that has not loaded yet

    @property
    def is_by_length(self) -> bool:
        """Whether the filter is by length."""
        return self.rows is not None and length_asked(self.typed) is not None

    @property
    def is_everything(self) -> bool:
        """Whether all documents are listed in the order of the source."""
        return self.rows is None and not self.by

    def order(self, lengths: Sequence[int]) -> Sequence[int] | None:
        """Return the documents in the order of the list; None for all of them in the order of the source.

        They are sorted by `lengths`; documents without a length come last.
        """
        if not self.by:
            return self.rows
        rows = range(len(lengths)) if self.rows is None else self.rows
        known = len(lengths)
        return array("I", sorted(rows, key=lambda row: lengths[row] if row < known else -1, reverse=True))

    def summary(self, listed: int, rows: str) -> str:
        """Return how many of the source's `rows` are listed, the filter and the order, in words."""
        is_filtered, is_in_part = self.rows is not None, bool(self.by) and self.is_sorted_in_part
        so_far = self.is_part if is_filtered else is_in_part
        line = f"{listed:,} of {rows}{' so far' if so_far else ''}"
        if is_filtered:
            line += f": {self.words}"
        if self.by:
            line += f", {self.first}{' so far' if is_in_part and not so_far else ''}"
        return line
