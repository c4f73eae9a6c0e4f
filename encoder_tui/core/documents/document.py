"""One document under one model: what the model sees of it, where its cut falls, which windows would see it all."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from encoder_tui.core.tokens.alignment import Span

LIMITS: Final = (128, 256, 512, 1024, 2048, 4096, 8192)
"""Limits that collections are measured against, in tokens, special tokens included."""


class DocumentTokens:
    """The tokens that a document has of its own: each one's span in characters, special tokens left out.

    `special` is how many special tokens the model adds to a text, `side` the end at which truncation takes
    tokens away. Spans are kept as two arrays, because a document of 10 MB has some million of them. Where
    `is_whole` is false only the first tokens are known: cuts hold for limits that these exceed, shares do not.
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
        """Read the spans as `packed` writes them."""
        return cls(unpacked(starts), unpacked(ends), special, side, is_whole)

    @property
    def total(self) -> int:
        """The document's length in tokens, as far as they are known, special tokens included."""
        return len(self.starts) + self.special

    def room(self, limit: int) -> int:
        """How many tokens of the document a limit leaves beside the special ones."""
        return max(limit - self.special, 0)

    def cut(self, limit: int | None) -> int | None:
        """The character offset of the first character not seen within `limit` tokens; None where all is seen.

        It is the end of the last token that truncation keeps; where truncation takes from the left, the first
        character of the document is not seen.
        """
        if limit is None or self.total <= limit:
            return None
        room = self.room(limit)
        if self.side == "left" or not room:
            return 0
        return self.ends[room - 1]

    def seen(self, limit: int | None, length: int) -> Span:
        """The characters that a model with this limit sees of a document of `length` characters."""
        if limit is None or self.total <= limit:
            return (0, length)
        room = self.room(limit)
        if not room:
            return (0, 0)
        if self.side == "left":
            return (self.starts[-room], length)
        return (0, self.ends[room - 1])

    def lost(self, limit: int | None) -> float:
        """The share of the document's own tokens that lie beyond the limit, 0 to 1."""
        return lost(self.total, limit, self.special)

    def windows(self, size: int, stride: int) -> Windows:
        """The windows of `size` tokens, each overlapping the one before by `stride`. Raises ValueError."""
        return Windows(self, size, stride)

    def boundaries(self, start: int, end: int) -> Iterator[Span]:
        """The spans of the tokens that overlap the characters from `start` to `end`."""
        for token in range(bisect_right(self.ends, start), bisect_left(self.starts, end)):
            yield (self.starts[token], self.ends[token])


class Windows(Sequence[Span]):
    """Where sliding windows fall on a document, as spans of characters, in the order `transformers` gives them.

    They are those of `return_overflowing_tokens` with this `max_length` and `stride`: each holds `size` less
    the special tokens, and shares `stride` tokens with its neighbour. Where the tokenizer truncates on the
    left, the first window is the document's end.
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
        """The first token of a window and the one after its last, counted without special tokens."""
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
        """The windows that see the character at `offset`."""
        return [index for index in range(self._count) if self[index][0] <= offset < self[index][1]]

    @property
    def processed(self) -> int:
        """Tokens that a model would process in all, special tokens and overlaps included."""
        return sum(last - first + self.tokens.special for first, last in map(self.token_range, range(self._count)))


def window_count(total: int, size: int, stride: int, special: int) -> int:
    """How many windows a document of `total` tokens (special ones included) takes."""
    own, room = total - special, size - special
    if own <= room:
        return 1
    return 1 - (room - own) // (room - stride)


def lost(total: int, limit: int | None, special: int) -> float:
    """The share of a document's own tokens beyond the limit; `total` and `limit` include the special tokens."""
    own = total - special
    if limit is None or total <= limit or own <= 0:
        return 0.0
    return 1 - max(limit - special, 0) / own


def percent(share: float) -> str:
    """A share of 0 to 1 for people: 0 and 100 % only where it is all or nothing."""
    if share <= 0:
        return "0 %"
    if share >= 1:
        return "100 %"
    if share < 0.01:
        return "under 1 %"
    return "over 99 %" if share > 0.99 else f"{100 * share:.0f} %"


def packed(numbers: Sequence[int]) -> bytes:
    """Offsets as bytes, 32 bits each, for a frame."""
    return array("I", numbers).tobytes()


def unpacked(data: bytes) -> Sequence[int]:
    """Offsets from bytes. Both ends of a pipe are taken to be little-endian, as every machine with torch is."""
    numbers = array("I")
    numbers.frombytes(data)
    return numbers
