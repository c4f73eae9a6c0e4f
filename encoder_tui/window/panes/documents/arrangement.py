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

    def filter_by_length(self, typed: str, lengths: Sequence[int], letter: str, *, is_part: bool) -> None:
        """Let those pass that are as long as the filter wants, of all that were counted under the model of a letter."""
        sign, than = length_asked(typed) or ("", 0)
        passing = (i for i, length in enumerate(lengths) if (length > than if sign == ">" else length < than))
        self.filter(typed, f"{sign} {than:,} {letter} tokens", array("I", passing), is_part=is_part)

    def sort(self, by: int) -> None:
        """List in another order, by the user's wish."""
        self.by, self.sort_wanted = by, 0

    def put_off_order(self) -> None:
        """List in the order of the source until there is what the order in force goes by."""
        self.sort_wanted, self.by = self.sort_wanted or self.by, 0

    def put_off_tokens(self) -> list[str]:
        """Put off what hangs on the tokens of models that are gone; returns that in words."""
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
        """Whether an order or a filter was put off, and none was chosen since."""
        return bool(self.filter_wanted) or (bool(self.sort_wanted) and not self.by)

    @property
    def is_done_in_part(self) -> bool:
        """Whether documents that had no length yet may have one by now."""
        return (self.is_by_length and self.is_part) or (bool(self.by) and self.is_sorted_in_part)

    def take_up(self, orders: int) -> None:
        """Take up an order that was put off; `orders` is how many there are by now."""
        if not self.by:
            self.by = min(self.sort_wanted, orders - 1)
            if self.by == self.sort_wanted:
                self.sort_wanted = 0  # otherwise it is by the tokens of a model that is still to come

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

    def summary(self, listed: int, rows: str) -> str:
        """How many documents are listed of the source's `rows`, and why these, and in which order."""
        is_filtered, is_in_part = self.rows is not None, bool(self.by) and self.is_sorted_in_part
        so_far = self.is_part if is_filtered else is_in_part
        told = f"{listed:,} of {rows}{' so far' if so_far else ''}"
        if is_filtered:
            told += f": {self.words}"
        if self.by:
            told += f", {self.first}{' so far' if is_in_part and not so_far else ''}"
        return told
