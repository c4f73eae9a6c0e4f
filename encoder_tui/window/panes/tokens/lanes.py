"""The layout of a comparison's blocks in lanes of a given width."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Sequence
from itertools import accumulate
from operator import sub

from rich.cells import cell_len

from encoder_tui.core.text.safe import visible, visible_piece
from encoder_tui.core.tokens.comparison import Comparison

GUTTER = 3
"""Cells for the letter of a stream."""


class LaneLayout:
    """Cells in lanes: cell 0 holds the special tokens before the text, cell n block n - 1, the last those after it.

    A lane has a line for the text and one for each stream, and an empty one that separates it from the next.
    """

    def __init__(self, comparison: Comparison, width: int) -> None:
        self.comparison = comparison
        self.width = max(width - GUTTER - 1, 8)
        self.lane_height = len(comparison.present) + 2
        self._edges = [_edge_tokens(stream.encoding.special_tokens_mask) for stream in comparison.present]
        self.widths = self._widths()
        self.lanes = self._break_lanes()

    def is_of(self, comparison: Comparison, width: int) -> bool:
        """Whether these are the lanes of a comparison in a widget of this width."""
        return self.comparison is comparison and self.width == max(width - GUTTER - 1, 8)

    def _widths(self) -> list[int]:
        """The width of every cell, without its separator."""
        comparison = self.comparison
        alignment = comparison.alignment
        text = alignment.text
        starts = [0, *alignment.ends[:-1]]
        if text.isascii():
            widths = [end - start for start, end in zip(starts, alignment.ends, strict=True)]
        else:
            widths = [cell_len(shown_text(text[start:end])) for start, end in zip(starts, alignment.ends, strict=True)]
        for index, stream in enumerate(comparison.present):
            # A space follows every token except the last one of a block.
            ids = stream.encoding.ids
            sizes = {
                token_id: cell_len(visible_piece(token)) + 1
                for token_id, token in dict(zip(ids, stream.encoding.tokens, strict=True)).items()
            }
            order, first = alignment.order(index)
            reach = list(accumulate(map(sizes.__getitem__, map(ids.__getitem__, order)), initial=-1))
            bounds = [reach[place] for place in first]
            widths = list(map(max, widths, map(sub, bounds[1:], (bound + 1 for bound in bounds))))
        before = max((self._edge_width(index, 0) for index in range(len(comparison.present))), default=0)
        after = max((self._edge_width(index, 1) for index in range(len(comparison.present))), default=0)
        return [before, *(min(width, self.width) for width in widths), after]

    def _edge_width(self, stream: int, side: int) -> int:
        return sum(cell_len(visible_piece(token)) + 1 for token in self.edge(stream, side))

    def edge(self, stream: int, side: int) -> list[str]:
        """The special tokens of a stream before (0) or after (1) its text."""
        tokens = self.comparison.present[stream].encoding.tokens
        before, after = self._edges[stream]
        return tokens[:before] if side == 0 else tokens[after:]

    def _break_lanes(self) -> list[int]:
        """The first cell of every lane."""
        lanes, used, room = [0], 0, self.width
        for cell, width in enumerate(self.widths):
            if used and used + width > room:
                lanes.append(cell)
                used = 0
            used += width + 1
        return lanes

    @property
    def height(self) -> int:
        """Lines in all; the last lane needs no empty line."""
        return len(self.lanes) * self.lane_height - 1

    def lane_of(self, cell: int) -> int:
        """The lane of a cell."""
        return bisect_right(self.lanes, cell) - 1

    def cells(self, lane: int) -> range:
        """The cells of a lane."""
        last = self.lanes[lane + 1] if lane + 1 < len(self.lanes) else len(self.widths)
        return range(self.lanes[lane], last)

    def lane_key(self, lane: int) -> tuple[Hashable, ...]:
        """A key of everything that a lane shows: under the same tokenizers, lanes with equal keys look the same."""
        comparison, alignment = self.comparison, self.comparison.alignment
        cells = self.cells(lane)
        first, last = max(cells.start - 1, 0), min(cells.stop - 1, len(alignment))
        text, start = alignment.text, alignment.ends[first - 1] if first else 0
        end = alignment.ends[last - 1] if last > first else start
        shown: list[Hashable] = [cells.start == 0, tuple(self.widths[cells.start : cells.stop]), text[start:end]]
        shown += [(alignment.ends[block] - start, comparison.is_differing(block)) for block in range(first, last)]
        for index, stream in enumerate(comparison.present):
            order, bounds = alignment.order(index)
            tokens = order[bounds[first] : bounds[last]]
            encoding = stream.encoding
            spans = map(encoding.offsets.__getitem__, tokens)
            shown += [
                (encoding.ids[token], left - start, right - start)
                for token, (left, right) in zip(tokens, spans, strict=True)
            ]
            shown.append((*self.edge(index, 0), None, *self.edge(index, 1)))
        return tuple(shown)

    def cell_at(self, lane: int, x: int) -> int | None:
        """The cell at a column of the lane, counted from the end of the gutter."""
        left = 0
        for cell in self.cells(lane):
            left += self.widths[cell] + 1
            if x < left:
                return cell
        return None

    def column_of(self, cell: int) -> int:
        """The column at which a cell begins in its lane, counted from the end of the gutter."""
        return sum(self.widths[other] + 1 for other in range(self.lanes[self.lane_of(cell)], cell))


def shown_text(text: str) -> str:
    """Return a block's characters as shown: without the space before a word, other spaces drawn as ␣."""
    body = text[1:] if text[:1] == " " and text[1:2] not in {"", " "} else text
    return visible(body).replace(" ", "␣")


def _edge_tokens(mask: Sequence[int]) -> tuple[int, int]:
    """Return how many special tokens a stream begins with, and the index of the first of those at its end."""
    before = 0
    while before < len(mask) and mask[before]:
        before += 1
    after = len(mask)
    while after > before and mask[after - 1]:
        after -= 1
    return before, after
