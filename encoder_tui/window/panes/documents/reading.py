"""What one model sees of the current document."""

from __future__ import annotations

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.documents.document import DocumentTokens
from encoder_tui.core.text.numbers import share_percent
from encoder_tui.core.tokens.alignment import Span


class Reading:
    """What one model sees of the current document; `others` are words on its other limits and on lower case."""

    def __init__(self, slot: int, tokens: DocumentTokens, limit: int | None, length: int, others: str = "") -> None:
        self.slot = slot
        self.tokens = tokens
        self.limit = limit
        self.others = others
        self.cut = tokens.cut(limit)
        self.seen: Span = tokens.seen(limit, length)

    @property
    def share(self) -> float:
        """The share of the document's own tokens that the model sees."""
        return 1 - self.tokens.lost(self.limit)

    def rule(self) -> str:
        """Return the words at the cut."""
        verb = "begins" if self.tokens.side == "left" else "stops"
        line = f"{LETTERS[self.slot]} {verb} reading here: {self.limit:,} tokens"
        return f"{line}, {share_percent(self.share) if self.tokens.is_whole else 'counting…'}"

    @property
    def mark(self) -> int | None:
        """The offset of the rule: the cut or, if truncation is on the left, the first character that is seen."""
        if self.cut is None:
            return None
        return self.seen[0] if self.tokens.side == "left" else self.cut
