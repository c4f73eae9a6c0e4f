"""Soft wrapping that does not wrap a long paragraph again at every key."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import ClassVar

from textual.document._document import Location
from textual.document._wrapped_document import WrappedDocument

from encoder_tui.window.textual_fixes.internals import compute_wrap_offsets


class LongLines(WrappedDocument):
    """Textual's wrapped document, quicker in long lines.

    Textual wraps the whole line again after every edit, and cuts it into all its sections to find one column; at
    100,000 characters each of these takes too long for a key. Where a line breaks depends only on the text after the
    previous break, so wrapping can begin shortly before an edit and end at the first break that is as before.
    """

    LONG: ClassVar[int] = 2_000

    def get_sections(self, line_index: int) -> list[str]:
        """Return the sections of a line, as Textual's own method does."""
        line = self.document[line_index]
        offsets = [0, *self._wrap_offsets[line_index], len(line)]
        return [line[start:end] for start, end in pairwise(offsets)]

    def wrap_range(self, start: Location, old_end: Location, new_end: Location) -> None:
        """Wrap again after an edit within one line; leave every other edit to Textual."""
        row = start[0]
        is_one_line = row == old_end[0] == new_end[0] and row < min(self.document.line_count, len(self._wrap_offsets))
        line = self.document[row] if is_one_line else ""
        if not self._width or len(line) < self.LONG or "\t" in line or self._tab_width_cache[row][:-1]:
            super().wrap_range(start, old_end, new_end)
            return
        first, last = min(start[1], old_end[1]), max(start[1], old_end[1])
        new_last = max(new_end[1], first)
        offsets = rewrapped(line, self._wrap_offsets[row], first, last, new_last, self._width)
        shift = len(offsets) - len(self._wrap_offsets[row])
        self._wrap_offsets[row] = offsets
        if shift:
            self._move_lines_below(row, len(offsets), shift)

    def _move_lines_below(self, row: int, breaks: int, shift: int) -> None:
        """Account for a line that became `shift` sections longer."""
        top = self._line_index_to_offsets[row][0]
        old_height = len(self._line_index_to_offsets[row])
        self._offset_to_line_info[top : top + old_height] = [(row, section) for section in range(breaks + 1)]
        self._line_index_to_offsets[row] = list(range(top, top + breaks + 1))
        for below in range(row + 1, len(self._line_index_to_offsets)):
            self._line_index_to_offsets[below] = [offset + shift for offset in self._line_index_to_offsets[below]]


def rewrapped(line: str, old: list[int], first: int, last: int, new_last: int, width: int) -> list[int]:
    """Return the breaks of a line after its columns `first` to `last` became `first` to `new_last`.

    `old` are the breaks before the edit. The result equals `compute_wrap_offsets(line, width, …)`.
    """
    delta = new_last - last
    # A word that became shorter may move up by a section, and so may the one before it when a space vanished.
    kept = max(bisect_right(old, first) - 3, 0)
    begin = old[kept - 1] if kept else 0
    offsets = old[:kept]
    reach = max(new_last - begin, 0) + 16 * width
    while True:
        end = min(begin + reach, len(line))
        fresh = [begin + offset for offset in compute_wrap_offsets(line[begin:end], width, 4)]
        if end == len(line):
            return offsets + fresh
        for index, offset in enumerate(fresh):
            place = bisect_left(old, offset - delta)
            if offset > new_last and place < len(old) and old[place] == offset - delta:
                return offsets + fresh[:index] + [other + delta for other in old[place:]]
        if fresh:
            offsets += fresh
            begin = fresh[-1]
        reach *= 2
