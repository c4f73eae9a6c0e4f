"""One document under one model: what the model reads of it, where it is cut, and which windows would cover it."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from encoder_tui.core.tokens.alignment import Span

LIMITS: Final = (128, 256, 512, 1024, 2048, 4096, 8192)
"""Limits that collections are compared with, in tokens, including special tokens."""


class DocumentTokens:
    """The tokens of a document, as spans in characters, without special tokens.

    `special` is how many special tokens the model adds to a text; `side` is the side from which truncation removes
    tokens. Spans are stored as two arrays, because a document of 10 MB has millions of them. If `is_whole` is false,
    only the first tokens are known: cuts are right for limits below that number, shares are not.
    """

    def __init__(
        self, starts: Sequence[int], ends: Sequence[int], special: int, side: str = "right", is_whole: bool = True
    ) -> None:
        self.starts = starts
        self.ends = ends
        self.special = special
        self.side = side
        self.is_whole = is_whole

    @classmethod
    def from_bytes(cls, starts: bytes, ends: bytes, special: int, side: str, is_whole: bool = True) -> DocumentTokens:
        """Read spans written by `packed`."""
        return cls(unpacked(starts), unpacked(ends), special, side, is_whole)

    @property
    def total(self) -> int:
        """The length of the document in tokens, as far as it is known, including special tokens."""
        return len(self.starts) + self.special

    def room(self, limit: int) -> int:
        """Return how many tokens of the document fit into a limit beside the special tokens."""
        return max(limit - self.special, 0)

    def cut(self, limit: int | None) -> int | None:
        """Return the offset of the first character beyond `limit` tokens, or None if everything fits.

        It is the end of the last token that truncation keeps. If truncation removes tokens from the left it is 0,
        because the first character is not read.
        """
        if limit is None or self.total <= limit:
            return None
        room = self.room(limit)
        if self.side == "left" or not room:
            return 0
        return self.ends[room - 1]

    def seen(self, limit: int | None, length: int) -> Span:
        """Return the span of characters that a model with this limit reads of a document of `length` characters."""
        if limit is None or self.total <= limit:
            return (0, length)
        room = self.room(limit)
        if not room:
            return (0, 0)
        if self.side == "left":
            return (self.starts[-room], length)
        return (0, self.ends[room - 1])

    def lost(self, limit: int | None) -> float:
        """Return the share of the document's own tokens that lie beyond the limit, 0 to 1."""
        return lost(self.total, limit, self.special)

    def windows(self, size: int, stride: int) -> Windows:
        """Return windows of `size` tokens that overlap by `stride`. Raises ValueError."""
        return Windows(self, size, stride)

    def boundaries(self, start: int, end: int) -> Iterator[Span]:
        """Return the spans of the tokens that overlap the characters from `start` to `end`."""
        for token in range(bisect_right(self.ends, start), bisect_left(self.starts, end)):
            yield (self.starts[token], self.ends[token])


class Windows(Sequence[Span]):
    """Sliding windows over a document, as spans of characters, in the order that `transformers` returns them.

    They are those of `return_overflowing_tokens` with this `max_length` and `stride`: each holds `size` tokens minus
    the special ones, and shares `stride` tokens with its neighbour. If the tokenizer truncates on the left, the first
    window is the end of the document.
    """

    def __init__(self, tokens: DocumentTokens, size: int, stride: int) -> None:
        room = size - tokens.special
        if room <= 0:
            raise ValueError(f"a window of {size} tokens has no room beside {tokens.special} special tokens")
        if not 0 <= stride < room:
            raise ValueError(f"windows of {size} tokens can overlap by 0 to {room - 1} tokens, not by {stride}")
        self.tokens = tokens
        self.size = size
        self.stride = stride
        self._room = room
        self._step = room - stride
        self._count = window_count(tokens.total, size, stride, tokens.special)

    def __len__(self) -> int:
        return self._count

    def token_range(self, index: int) -> tuple[int, int]:
        """Return the first token of a window and the one after its last, not counting special tokens."""
        length = len(self.tokens.starts)
        if self.tokens.side == "left":
            last = length - index * self._step
            return (max(last - self._room, 0), last)
        first = index * self._step
        return (first, min(first + self._room, length))

    def __getitem__(self, index: int) -> Span:  # type: ignore[override]  # slices are of no use here
        if index < 0:
            index += self._count
        if not 0 <= index < self._count:
            raise IndexError(index)
        first, last = self.token_range(index)
        return (self.tokens.starts[first], self.tokens.ends[last - 1]) if last > first else (0, 0)

    def holding(self, offset: int) -> list[int]:
        """Return the windows that contain the character at `offset`."""
        return [index for index in range(self._count) if self[index][0] <= offset < self[index][1]]

    @property
    def processed(self) -> int:
        """The number of tokens that a model would process, including special tokens and overlaps."""
        return sum(last - first + self.tokens.special for first, last in map(self.token_range, range(self._count)))


def window_count(total: int, size: int, stride: int, special: int) -> int:
    """Return how many windows cover a document of `total` tokens (including special tokens)."""
    own, room = total - special, size - special
    if own <= room:
        return 1
    return 1 - (room - own) // (room - stride)


def lost(total: int, limit: int | None, special: int) -> float:
    """Return the share of a document's own tokens beyond the limit; `total` and `limit` include the special tokens."""
    own = total - special
    if limit is None or total <= limit or own <= 0:
        return 0.0
    return 1 - max(limit - special, 0) / own


def packed(numbers: Sequence[int]) -> bytes:
    """Return offsets as bytes, 32 bits each, for a frame."""
    return array("I", numbers).tobytes()


def unpacked(data: bytes) -> Sequence[int]:
    """Return offsets from bytes. Both ends of the pipe must be little-endian, as every machine with torch is."""
    numbers = array("I")
    numbers.frombytes(data)
    return numbers
