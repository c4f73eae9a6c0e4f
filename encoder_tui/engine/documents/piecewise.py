"""Tokenize a long document in pieces: the first tokens come soon, and memory stays small.

Pieces overlap. If two neighbours have the same tokens throughout the middle half of their overlap, both are far enough
from their own ends to give what the whole text would, and the second continues where the first stops. If they differ
(for example because one word is longer than the overlap), the first piece grows until they agree, up to the whole
document.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from typing import Final, NamedTuple

from encoder_tui.core.documents.document import DocumentTokens
from encoder_tui.core.tokens.rust_errors import refusals, silence
from encoder_tui.core.tokens.tokenizer import ModelTokenizer
from encoder_tui.engine.documents.counting import before_text
from encoder_tui.engine.job import OperationError

STEP: Final = 1 << 16
"""Characters from the beginning of one piece to the beginning of the next."""
OVERLAP: Final = 1 << 12
"""Characters that neighbours share."""
AT_ONCE: Final = 4
"""How many pieces are tokenized at a time, on all cores: about a third of a second."""

MOST_AT_ONCE: Final = 1 << 23
"""Characters that are tokenized at a time at most; each takes some 200 bytes of memory meanwhile."""


class _Piece(NamedTuple):
    """The tokens of the text between two characters, with spans counted from the beginning of the document."""

    begin: int
    end: int
    ids: list[int]
    starts: list[int]
    ends: list[int]

    def between(self, first: int, last: int) -> tuple[int, int]:
        """Return the tokens that overlap the characters from `first` to `last`, as a range of indices."""
        return bisect_right(self.ends, first), bisect_left(self.starts, last)

    def equals(self, other: _Piece, mine: tuple[int, int], others: tuple[int, int]) -> bool:
        """Return whether a range of tokens equals one of another piece."""
        a, b = slice(*mine), slice(*others)
        return (self.ids[a], self.starts[a], self.ends[a]) == (other.ids[b], other.starts[b], other.ends[b])


class Tokenization:
    """A document while it is tokenized; its tokens are final up to the character `reached`."""

    def __init__(
        self, tokenizer: ModelTokenizer, text: str, step: int = STEP, overlap: int = OVERLAP, at_once: int = AT_ONCE
    ) -> None:
        self.text = text
        self.is_whole = False
        self._tokenizer = tokenizer
        self._special = tokenizer.special_count()
        self._step = step
        self._overlap = overlap
        self._at_once = at_once
        self._starts: array[int] = array("I")
        self._ends: array[int] = array("I")
        self._open: _Piece | None = None
        self._used = 0
        """How many tokens of the open piece are final, counted from its beginning."""

    @property
    def reached(self) -> int:
        """The number of characters whose tokens are final."""
        return len(self.text) if self.is_whole else (self._ends[-1] if self._ends else 0)

    @property
    def tokens(self) -> DocumentTokens:
        """The document's tokens as far as they are final."""
        return DocumentTokens(
            self._starts, self._ends, self._special, self._tokenizer.form.truncation_side, is_whole=self.is_whole
        )

    def go_on(self) -> None:
        """Tokenize a few more pieces. Raises `OperationError`."""
        if self.is_whole:
            return
        begin = 0 if self._open is None else self._open.end - self._overlap
        bounds: list[tuple[int, int]] = []
        while len(bounds) < self._at_once and (not bounds or bounds[-1][1] < len(self.text)):
            bounds.append((begin, min(begin + self._step + self._overlap, len(self.text))))
            begin += self._step
        for piece in self._encoded(bounds):
            if self._open is None:
                self._open = piece
            elif not self._join(self._open, piece):
                self._grow(self._open)
                break
        if self._open is not None and self._open.end == len(self.text):
            self._settle(self._open, len(self._open.ids))
            self._open = None
            self.is_whole = True

    def _join(self, open_: _Piece, piece: _Piece) -> bool:
        """Continue with the next piece at the place where both agree."""
        quarter = self._overlap // 4
        middle = (piece.begin + quarter, open_.end - quarter)
        mine, others = open_.between(*middle), piece.between(*middle)
        if mine[0] >= mine[1] or mine[0] < self._used or not open_.equals(piece, mine, others):
            return False
        half = (mine[1] - mine[0] + 1) // 2
        self._settle(open_, mine[0] + half)
        self._open, self._used = piece, others[0] + half
        return True

    def _settle(self, piece: _Piece, stop: int) -> None:
        self._starts.extend(piece.starts[self._used : stop])
        self._ends.extend(piece.ends[self._used : stop])
        self._used = stop

    def _grow(self, open_: _Piece) -> None:
        """Make the open piece twice as long. If that changes final tokens, start again with one piece."""
        end = min(open_.begin + 2 * (open_.end - open_.begin), len(self.text))
        self._refuse_to_grow(open_.begin, end)
        (longer,) = self._encoded([(open_.begin, end)])
        settled = (0, self._used)
        if not longer.equals(open_, settled, settled):
            self._refuse_to_grow(0, len(self.text))
            del self._starts[:], self._ends[:]
            self._used = 0
            (longer,) = self._encoded([(0, len(self.text))])
        self._open = longer

    def _refuse_to_grow(self, begin: int, end: int) -> None:
        """Raise `OperationError` if a piece would take too much memory."""
        if end - begin > MOST_AT_ONCE:
            raise OperationError(
                f"a document of {len(self.text):,} characters cannot be tokenized in pieces: there is no place"
                f" to cut it in the {MOST_AT_ONCE:,} characters after character {begin:,}"
            )

    def _encoded(self, bounds: list[tuple[int, int]]) -> list[_Piece]:
        texts = [self.text[begin:end] for begin, end in bounds]
        with silence(), refusals(OperationError, "the tokenizer refuses this text"):
            encoded = self._tokenizer.encode_plainly(texts)
        pieces = []
        for (begin, end), raw in zip(bounds, encoded, strict=True):
            before = before_text(raw) if self._special else 0
            own = slice(before, len(raw) - (self._special - before))
            offsets = raw.offsets[own]
            starts, ends = ([begin + span[side] for span in offsets] for side in (0, 1))
            pieces.append(_Piece(begin, end, raw.ids[own], starts, ends))
        return pieces
