"""Token streams over one text, aligned by character span.

A block ends where a token of some stream ends and no stream has a token that crosses that place. What follows the last
such place joins the last block, and a text without tokens is one block. So the blocks cover the text exactly and in
order, every token lies in exactly one block, and no block can be split further without splitting a token.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, pairwise
from typing import NamedTuple

Span = tuple[int, int]


class Block(NamedTuple):
    """A stretch of the text, with the indices of its tokens in each stream (`tokens[stream]`)."""

    start: int
    end: int
    tokens: tuple[tuple[int, ...], ...]


class Alignment:
    """The blocks of several streams over one text.

    Blocks are stored as arrays (the end of each; each stream's token indices in block order, and where a block's tokens
    begin among them). A `Block` is made on request: a long text has tens of thousands, a screen shows a few dozen.
    """

    def __init__(
        self,
        text: str,
        streams: Sequence[Sequence[Span]],
        special: Sequence[Sequence[int]],
        unknown: Sequence[Sequence[int]] = (),
    ) -> None:
        """Align `streams[k]`, the token offsets of each stream, ignoring tokens with `special[k][i]` set.

        `unknown[k]` are the indices of the stream's unknown tokens, in ascending order.
        """
        self.text = text
        self.streams = streams
        self._unknown = [frozenset(indices) for indices in unknown]
        kept = [
            [index for index, is_special in enumerate(mask) if not is_special] if any(mask) else list(range(len(mask)))
            for mask in special
        ]
        spans = [[stream[index] for index in indices] for stream, indices in zip(streams, kept, strict=True)]
        self.ends = block_ends(len(text), spans)
        self._order: list[list[int]] = []
        self._first: list[list[int]] = []
        for indices, stream in zip(kept, spans, strict=True):
            order, first = self._distribute(indices, stream)
            self._order.append(order)
            self._first.append(first)

    def _distribute(self, indices: list[int], spans: list[Span]) -> tuple[list[int], list[int]]:
        """Return token indices in block order, and where each block's tokens begin among them."""
        ends, last = self.ends, len(self.ends) - 1
        counts = [0] * (last + 2)
        block, blocks, sorted_so_far = 0, [], True
        for _, end in spans:
            if end > ends[block]:
                block += 1
                if block > last or end > ends[block]:
                    block = min(bisect_left(ends, end), last)
            elif block and end <= ends[block - 1]:
                # An empty span may point backwards, for example (0, 0) in the middle of a text.
                block = bisect_left(ends, end)
                sorted_so_far = False
            blocks.append(block)
            counts[block + 1] += 1
        if not sorted_so_far:
            indices = [index for _, index in sorted(zip(blocks, indices, strict=True))]
        return indices, list(accumulate(counts))

    def order(self, stream: int) -> tuple[list[int], list[int]]:
        """Return a stream's token indices in block order, and where each block's tokens begin among them.

        The second list has one entry more than there are blocks.
        """
        return self._order[stream], self._first[stream]

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> Block:
        if not 0 <= index < len(self.ends):
            raise IndexError(index)
        return Block(
            self.ends[index - 1] if index else 0,
            self.ends[index],
            tuple(
                tuple(order[first[index] : first[index + 1]])
                for order, first in zip(self._order, self._first, strict=True)
            ),
        )

    def __iter__(self) -> Iterator[Block]:
        return map(self.__getitem__, range(len(self.ends)))

    def block_at(self, character: int) -> int:
        """Return the index of the block that contains a character; the last block for any place after the end."""
        return min(bisect_right(self.ends, character), len(self.ends) - 1)

    def agrees(self, index: int) -> bool:
        """Return whether all streams split a block at the same characters, and know or do not know the same pieces.

        White space inside a token is ignored, because one tokenizer adds the space before a word to the word and
        another to no token. An unknown token says nothing of its text, so it agrees only with another unknown token.
        """
        block = self[index]
        if len({len(tokens) for tokens in block.tokens}) > 1:
            return False
        pieces = zip(self._unknown, block.tokens, strict=False)
        if len({tuple(token in unknown for token in tokens) for unknown, tokens in pieces}) > 1:
            return False
        splits = {
            tuple(self._trimmed(self.streams[stream][token]) for token in tokens)
            for stream, tokens in enumerate(block.tokens)
        }
        return len(splits) <= 1

    def _trimmed(self, span: Span) -> Span:
        start, end = span
        while start < end and self.text[start].isspace():
            start += 1
        while end > start and self.text[end - 1].isspace():
            end -= 1
        return (start, end)

    def differing(self) -> list[int]:
        """The blocks that the streams split differently, or in which not all of them know the same pieces."""
        if len(self._first) < 2:
            return []
        text, with_unknown = self.text, self._with_unknown()
        counts = zip(*([end - start for start, end in pairwise(first)] for first in self._first), strict=True)
        # The first token of every block; if a block has none, any span will do.
        leading = zip(
            *(
                [stream[order[at]] if at < len(order) else (0, 0) for at in first[:-1]]
                for stream, order, first in zip(self.streams, self._order, self._first, strict=True)
            ),
            strict=True,
        )
        alone = (1,) * len(self._first)
        found = []
        for index, (count, spans) in enumerate(zip(counts, leading, strict=True)):
            if count == alone and index not in with_unknown:
                # The usual block of a long text: one token per stream, equal ends, starts that differ by white space.
                start, end = spans[0]
                for other_start, other_end in spans:
                    if other_end != end:
                        break
                    if other_start != start and not text[min(start, other_start) : max(start, other_start)].isspace():
                        break
                else:
                    continue
            if not self.agrees(index):
                found.append(index)
        return found

    def _with_unknown(self) -> set[int]:
        """Return the blocks in which a stream has an unknown token."""
        found = set()
        for unknown, order, first in zip(self._unknown, self._order, self._first, strict=False):
            if unknown:
                found |= {bisect_right(first, at) - 1 for at, token in enumerate(order) if token in unknown}
        return found


def block_ends(length: int, streams: Sequence[Sequence[Span]]) -> list[int]:
    """Return the ends of the blocks of a text of `length` characters, in ascending order; the last is `length`."""
    ends: list[int] = []
    reach = 0
    for start, end in sorted(chain.from_iterable(streams)):
        if start >= reach > 0 and (not ends or reach > ends[-1]):
            # Every token that begins before `reach` ends by it, and one ends there.
            ends.append(reach)
        reach = max(reach, end)
    if reach and (not ends or reach > ends[-1]):
        ends.append(reach)
    if ends:
        ends[-1] = length
    else:
        ends.append(length)
    return ends
