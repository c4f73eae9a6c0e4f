"""The lengths of a whole collection under each model: exact counts by length, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from encoder_tui.core.bounds import Exact
from encoder_tui.core.defaults import MAXIMUM
from encoder_tui.core.documents.document import LIMITS, percent, window_count
from encoder_tui.core.files.private import read_file
from encoder_tui.core.text.safe import count

FORMAT: Final = 1
"""The version of saved counts; another one is not understood."""
LONGEST: Final = 64 << 20
"""Bytes of a file of counts that is read."""


class LengthCounts(msgspec.Struct):
    """How many documents of each length, in tokens, special tokens included, a collection has under one model.

    `special` is how many of the tokens of every document are special, `characters` the length of all documents.
    """

    model: str
    special: Exact
    limit: Annotated[int, Meta(ge=1, le=1 << 53)] | None
    documents: dict[Exact, Exact] = {}
    characters: Exact = 0

    def add(self, lengths: Iterable[int], characters: int) -> None:
        """Count documents in."""
        documents = self.documents
        for length in lengths:
            documents[length] = documents.get(length, 0) + 1
        self.characters += characters

    def merge(self, other: LengthCounts) -> None:
        """Count another part of the collection in."""
        for length, number in other.documents.items():
            self.documents[length] = self.documents.get(length, 0) + number
        self.characters += other.characters

    @property
    def total(self) -> int:
        """How many documents were counted."""
        return sum(self.documents.values())

    @property
    def own_tokens(self) -> int:
        """The tokens of all documents, special ones left out."""
        return sum((length - self.special) * number for length, number in self.documents.items())

    @property
    def longest(self) -> int:
        """The longest document in tokens; 0 where there is none."""
        return max(self.documents, default=0)

    @property
    def mean(self) -> float:
        """Tokens a document, special ones included."""
        total = self.total
        return sum(length * number for length, number in self.documents.items()) / total if total else 0.0

    def quantile(self, share: float) -> float:
        """The length that `share` of the documents do not pass, interpolated as numpy does by default."""
        total = self.total
        if not total:
            return 0.0
        place = share * (total - 1)
        below = int(place)
        first, second = self._at(below), self._at(min(below + 1, total - 1))
        return first + (second - first) * (place - below)

    def _at(self, rank: int) -> int:
        """The length of the document at a rank, counted from 0, shortest first."""
        passed = 0
        for length in sorted(self.documents):
            passed += self.documents[length]
            if rank < passed:
                return length
        raise IndexError(rank)

    def documents_beyond(self, limit: int) -> float:
        """The share of documents that are longer than a limit."""
        beyond = sum(number for length, number in self.documents.items() if length > limit)
        return beyond / self.total if beyond else 0.0

    def tokens_beyond(self, limit: int) -> float:
        """The share of the documents' own tokens that lie beyond a limit."""
        room = max(limit, self.special)
        beyond = sum((length - room) * number for length, number in self.documents.items() if length > limit)
        return beyond / self.own_tokens if beyond else 0.0

    def windows(self, size: int, stride: int) -> float:
        """Windows that an average document takes. Raises ValueError where such windows cannot be."""
        if not 0 <= stride < size - self.special:
            raise ValueError(f"windows of {size} tokens cannot overlap by {stride}")
        total = self.total
        needed = sum(
            window_count(length, size, stride, self.special) * number for length, number in self.documents.items()
        )
        return needed / total if total else 0.0

    @property
    def characters_per_token(self) -> float:
        """Characters that one token stands for, special tokens left out."""
        own = self.own_tokens
        return self.characters / own if own else 0.0


class CollectionCounts(msgspec.Struct):
    """What was counted of a collection: the lengths under every model, and how much of it that is.

    `next` is the row to go on with, `total` the collection's rows where known, `empty` the rows without a text.
    `sample` is the number of rows that were to be counted, None for all.
    """

    source: str
    column: str
    models: Annotated[list[LengthCounts], Meta(min_length=1, max_length=MAXIMUM)]
    next: Exact = 0
    total: Exact | None = None
    empty: Exact = 0
    sample: Exact | None = None
    is_complete: bool = False
    format: int = FORMAT

    @property
    def documents(self) -> int:
        """How many documents were counted."""
        return max((model.total for model in self.models), default=0)

    def sentence(self) -> str:
        """How far the counting is."""
        counted = count(self.documents, "document")
        if self.is_complete and self.sample is None:
            return f"all {counted} counted" if self.documents != 1 else "the only document counted"
        of = "" if self.total is None else f" of {self.total:,}"
        return f"{counted}{of} counted" + (", a sample" if self.is_complete else "")


def save(counts: CollectionCounts) -> bytes:
    """Counts as the content of a file."""
    return msgspec.json.format(msgspec.json.encode(counts))


def reopen(data: bytes) -> CollectionCounts:
    """Counts from the content of a file; raises ValueError with a sentence."""
    try:
        counts = msgspec.json.decode(data, type=CollectionCounts)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ValueError(f"these are no counts that encoder-tui saved ({error})") from error
    if counts.format != FORMAT:
        raise ValueError(f"these counts are of format {counts.format}, this version reads {FORMAT}")
    if any(length < model.special for model in counts.models for length in model.documents):
        raise ValueError("these are no counts that encoder-tui saved (no documents have such lengths)")
    return counts


def load(path: Path) -> CollectionCounts:
    """Counts from a file; raises OSError, and ValueError with a sentence."""
    if path.stat().st_size > LONGEST:
        raise ValueError("it is too long for counts")
    return reopen(read_file(path))


def summary(counts: CollectionCounts, stride: int) -> dict[str, Any]:
    """A collection's figures, as `docs --summary --json` prints them; windows are of each model's own limit."""
    return {
        "source": counts.source,
        "column": counts.column,
        "documents": counts.documents,
        "empty": counts.empty,
        "complete": counts.is_complete and counts.sample is None,
        "models": [_model_summary(model, stride) for model in counts.models],
        "card": card(counts.models, stride),
    }


def _model_summary(model: LengthCounts, stride: int) -> dict[str, Any]:
    limits = sorted({*LIMITS, *([] if model.limit is None else [model.limit])})
    return {
        "model": model.model,
        "limit": model.limit,
        "documents": model.total,
        "characters": model.characters,
        "tokens": model.own_tokens + model.special * model.total,
        "characters_per_token": model.characters_per_token,
        "mean": model.mean,
        "median": model.quantile(0.5),
        "p95": model.quantile(0.95),
        "max": model.longest,
        "windows": {"size": model.limit, "stride": stride, "mean": _windows(model, stride)},
        "beyond": [
            {"limit": limit, "documents": model.documents_beyond(limit), "tokens": model.tokens_beyond(limit)}
            for limit in limits
        ],
    }


def _windows(model: LengthCounts, stride: int) -> float | None:
    """Windows of the model's own limit that an average document takes; None where there can be none."""
    if model.limit is None:
        return 1.0
    try:
        return model.windows(model.limit, stride)
    except ValueError:
        return None


def card(models: Sequence[LengthCounts], stride: int, names: Sequence[str] | None = None) -> list[str]:
    """Which model for these documents: three sentences, from the counts alone.

    Evidence beyond the cut of the model with the smallest limit, the windows it would take, and what the
    model with the largest limit still cuts. `names` are what to call the models.
    """
    called = names or [model.model for model in models]
    known = [(model, name) for model, name in zip(models, called, strict=True) if model.total]
    if not known:
        return []
    unlimited = float("inf")
    shortest, short_name = min(known, key=lambda entry: unlimited if entry[0].limit is None else entry[0].limit)
    longest, long_name = max(known, key=lambda entry: unlimited if entry[0].limit is None else entry[0].limit)
    if shortest.limit is None:
        return [
            f"{short_name} has no limit: it reads every document whole.",
            "No windows are needed.",
            _all_read(known),
        ]
    beyond = shortest.documents_beyond(shortest.limit)
    if not beyond:
        whole = count(shortest.total, "document")
        reads = f"{short_name} reads {shortest.limit:,} tokens and sees all of {whole}; the longest has "
        return [f"{reads}{shortest.longest:,}.", "No document needs a second window.", _all_read(known)]
    tokens = shortest.tokens_beyond(shortest.limit)
    first = (
        f"{short_name} reads {shortest.limit:,} tokens: {percent(beyond)} of the documents go on beyond that, "
        f"with {percent(tokens)} of all tokens."
    )
    needed = _windows(shortest, stride)
    second = (
        f"A stride of {stride} leaves nothing new in windows of {shortest.limit:,}; choose a smaller one."
        if needed is None
        else f"To see it all, {short_name} needs {needed:.1f} windows of {shortest.limit:,} with a stride of {stride}"
        " for an average document."
    )
    return [first, second, _still_cut(longest, long_name, has_other=longest is not shortest)]


def _still_cut(model: LengthCounts, name: str, *, has_other: bool) -> str:
    if model.limit is None:
        return f"{name} has no limit and cuts nothing."
    if not has_other:
        return f"The longest document has {model.longest:,} tokens, {model.longest / model.limit:.1f} times that limit."
    beyond = model.documents_beyond(model.limit)
    if not beyond:
        return f"{name} with {model.limit:,} cuts nothing: the longest document has {model.longest:,} tokens."
    lost = percent(model.tokens_beyond(model.limit))
    return f"{name} with {model.limit:,} still cuts {percent(beyond)} of the documents and {lost} of all tokens."


def _all_read(known: Sequence[tuple[LengthCounts, str]]) -> str:
    """Where no model cuts anything, what still tells them apart: how many tokens they make of the same text."""
    fewest, name = min(known, key=lambda entry: entry[0].own_tokens)
    most, _ = max(known, key=lambda entry: entry[0].own_tokens)
    if len(known) == 1 or fewest.own_tokens == most.own_tokens:
        return f"{name} makes a token of {fewest.characters_per_token:.1f} characters."
    share = percent(1 - fewest.own_tokens / most.own_tokens)
    return f"{name} needs the fewest tokens, {share} fewer than the model that needs the most."
