"""A document as lines on the screen, broken at white space and at every cut."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from rich.cells import cell_len

from encoder_tui.core.text.safe import visible

UNWRAPPED: Final = 1 << 30


@lru_cache(maxsize=8192)
def width_of(character: str) -> int:
    """Return the width in cells of a character after `visible`."""
    return cell_len(visible(character))


class Layout:
    """Rows of a text, each a range of its characters; `rules` says below which rows models stop reading.

    A cut ends its row, and the text goes on in the next; the rule fills the rest of the row or, if that is too short,
    a row of its own, which is an empty range.
    """

    def __init__(self, text: str, width: int, cuts: Mapping[int, str]) -> None:
        """`cuts` maps offsets to the words of the rule there."""
        self.text = text
        self.width = width
        self.starts = array("L")
        self.ends = array("L")
        self.rules: dict[int, str] = {}
        self.widest = 0
        self._cuts = dict(cuts)
        pending = sorted(cuts)
        start = 0
        while True:
            newline = text.find("\n", start)
            end = len(text) if newline < 0 else newline
            shown = end - 1 if end > start and text[end - 1] == "\r" else end
            is_cut = False
            while pending and pending[0] <= end:
                cut = pending.pop(0)
                self._add(start, min(cut, shown))
                self._add_rule(cut, cuts[cut])
                start, is_cut = cut, True
            if start < shown or not is_cut:
                self._add(start, shown)
            if newline < 0:
                break
            start = newline + 1

    def _add(self, start: int, end: int) -> None:
        for row_start, row_end in _wrapped(self.text, start, max(start, end), self.width):
            self.starts.append(row_start)
            self.ends.append(row_end)
            if self.width == UNWRAPPED:
                self.widest = max(self.widest, row_end - row_start)

    def _add_rule(self, cut: int, words: str) -> None:
        last = len(self.starts) - 1
        used = cell_len(visible(self.text[self.starts[last] : self.ends[last]])) if self.width != UNWRAPPED else 0
        if last in self.rules or used + len(words) + 6 > self.width or self.width == UNWRAPPED:
            self.starts.append(cut)
            self.ends.append(cut)
            last += 1
        self.rules[last] = words

    def __len__(self) -> int:
        return len(self.starts)

    def says(self, text: str, width: int, cuts: Mapping[int, str]) -> bool:
        """Return whether this layout fits a text with these cuts; if so, its rules get these words."""
        if text is not self.text or width != self.width or cuts.keys() != self._cuts.keys():
            return False
        if any(len(words) > len(self._cuts[cut]) for cut, words in cuts.items()):
            return False
        for row, cut in zip(sorted(self.rules), sorted(cuts), strict=True):
            self.rules[row] = cuts[cut]
        self._cuts = dict(cuts)
        return True

    def row_of(self, offset: int) -> int:
        """Return the row that holds a character."""
        return max(bisect_right(self.starts, offset) - 1, 0)


def _wrapped(text: str, start: int, end: int, width: int) -> Iterator[tuple[int, int]]:
    """Return the rows of one paragraph; an empty one is one row."""
    if end - start <= width and (width == UNWRAPPED or text[start:end].isascii()):
        yield (start, end)
        return
    paragraph = text[start:end]
    if paragraph.isascii():
        place = start
        while end - place > width:
            space = text.rfind(" ", place, place + width + 1)
            stop = space + 1 if space > place else place + width
            yield (place, stop)
            place = stop
        yield (place, end)
        return
    place, used, space = start, 0, -1
    for offset, character in enumerate(paragraph, start):
        wide = width_of(character)
        if used + wide > width and offset > place:
            stop = space + 1 if space > place else offset
            yield (place, stop)
            place = stop
            used = sum(map(width_of, text[place:offset]))
            space = -1
        used += wide
        if character == " ":
            space = offset
    yield (place, end)
