"""The lengths of all documents of a collection under each model: exact counts by length, and statistics of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from encoder_tui.core.bounds import Exact
from encoder_tui.core.defaults import MAXIMUM
from encoder_tui.core.documents.document import LIMITS, window_count
from encoder_tui.core.files.private import read_file
from encoder_tui.core.text.numbers import count, share_percent

FORMAT: Final = 1
"""The version of saved counts; other versions are refused."""
LONGEST: Final = 64 << 20
"""The largest file of counts that is read, in bytes."""


class LengthCounts(msgspec.Struct):
    """How many documents of each length (in tokens, including special tokens) a collection has under one model.

    `special` is how many of the tokens of every document are special; `characters` is the length of all documents
    together.
    """

    model: str
    special: Exact
    limit: Annotated[int, Meta(ge=1, le=1 << 53)] | None
    documents: dict[Exact, Exact] = {}
    characters: Exact = 0

    def add(self, lengths: Iterable[int], characters: int) -> None:
        """Add documents with these lengths."""
        documents = self.documents
        for length in lengths:
            documents[length] = documents.get(length, 0) + 1
        self.characters += characters

    def merge(self, other: LengthCounts) -> None:
        """Add the counts of another part of the collection."""
        for length, number in other.documents.items():
            self.documents[length] = self.documents.get(length, 0) + number
        self.characters += other.characters

    @property
    def total(self) -> int:
        """The number of documents counted."""
        return sum(self.documents.values())

    @property
    def own_tokens(self) -> int:
        """The tokens of all documents, without special tokens."""
        return sum((length - self.special) * number for length, number in self.documents.items())

    @property
    def longest(self) -> int:
        """The length of the longest document in tokens; 0 if there is none."""
        return max(self.documents, default=0)

    @property
    def mean(self) -> float:
        """The mean number of tokens per document, including special tokens."""
        total = self.total
        return sum(length * number for length, number in self.documents.items()) / total if total else 0.0

    def quantile(self, share: float) -> float:
        """Return a quantile of the lengths, interpolated linearly as numpy does by default."""
        total = self.total
        if not total:
            return 0.0
        place = share * (total - 1)
        below = int(place)
        first, second = self._at(below), self._at(min(below + 1, total - 1))
        return first + (second - first) * (place - below)

    def _at(self, rank: int) -> int:
        """Return the length of the document at a rank, counted from 0, shortest first."""
        passed = 0
        for length in sorted(self.documents):
            passed += self.documents[length]
            if rank < passed:
                return length
        raise IndexError(rank)

    def documents_beyond(self, limit: int) -> float:
        """Return the share of documents that are longer than a limit."""
        beyond = sum(number for length, number in self.documents.items() if length > limit)
        return beyond / self.total if beyond else 0.0

    def tokens_beyond(self, limit: int) -> float:
        """Return the share of the documents' own tokens that lie beyond a limit."""
        room = max(limit, self.special)
        beyond = sum((length - room) * number for length, number in self.documents.items() if length > limit)
        return beyond / self.own_tokens if beyond else 0.0

    def windows(self, size: int, stride: int) -> float:
        """Return the mean number of windows per document. Raises ValueError if such windows are impossible."""
        if not 0 <= stride < size - self.special:
            raise ValueError(f"windows of {size} tokens cannot overlap by {stride}")
        total = self.total
        needed = sum(
            window_count(length, size, stride, self.special) * number for length, number in self.documents.items()
        )
        return needed / total if total else 0.0

    @property
    def characters_per_token(self) -> float:
        """The mean number of characters per token, without special tokens."""
        own = self.own_tokens
        return self.characters / own if own else 0.0


class CollectionCounts(msgspec.Struct):
    """The lengths of a collection under every model, and how much of the collection has been counted.

    `next` is the row to continue with, `total` the number of rows if known, `empty` the number of rows without a text.
    `sample` is how many rows were to be counted, None for all.
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
        """The number of documents counted."""
        return max((model.total for model in self.models), default=0)

    def sentence(self) -> str:
        """Say how much has been counted."""
        counted = count(self.documents, "document")
        if self.is_complete and self.sample is None:
            return f"all {counted} counted" if self.documents != 1 else "the only document counted"
        of = "" if self.total is None else f" of {self.total:,}"
        return f"{counted}{of} counted" + (", a sample" if self.is_complete else "")


def save(counts: CollectionCounts) -> bytes:
    """Return counts as the content of a file."""
    return msgspec.json.format(msgspec.json.encode(counts))


def reopen(data: bytes) -> CollectionCounts:
    """Read counts from the content of a file. Raises ValueError with a sentence."""
    try:
        counts = msgspec.json.decode(data, type=CollectionCounts)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ValueError(f"this file does not hold counts saved by encoder-tui ({error})") from error
    if counts.format != FORMAT:
        raise ValueError(f"these counts have format {counts.format}, but this version reads format {FORMAT}")
    if any(length < model.special for model in counts.models for length in model.documents):
        raise ValueError("this file does not hold counts saved by encoder-tui (impossible lengths)")
    return counts


def load(path: Path) -> CollectionCounts:
    """Read counts from a file. Raises OSError, or ValueError with a sentence."""
    if path.stat().st_size > LONGEST:
        raise ValueError("it is too large to be a file of counts")
    return reopen(read_file(path))


def summary(counts: CollectionCounts, stride: int) -> dict[str, Any]:
    """Return statistics of a collection as `docs --summary --json` prints them; windows use each model's own limit."""
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
    """Return the mean number of windows of the model's own limit per document, or None if they are impossible."""
    if model.limit is None:
        return 1.0
    try:
        return model.windows(model.limit, stride)
    except ValueError:
        return None


def card(models: Sequence[LengthCounts], stride: int, names: Sequence[str] | None = None) -> list[str]:
    """Say which model suits these documents: three sentences, from the counts alone.

    They say how much lies beyond the limit of the model with the smallest limit, how many windows it would need, and
    what the model with the largest limit still cuts. `names` replaces the names of the models.
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
            f"{short_name} has no limit and reads every document whole.",
            "No windows are needed.",
            _all_read(known),
        ]
    beyond = shortest.documents_beyond(shortest.limit)
    if not beyond:
        whole = count(shortest.total, "document")
        reads = f"{short_name} reads {shortest.limit:,} tokens, which covers all of {whole}; the longest has "
        return [f"{reads}{shortest.longest:,}.", "No document needs a second window.", _all_read(known)]
    tokens = shortest.tokens_beyond(shortest.limit)
    first = (
        f"{short_name} reads {shortest.limit:,} tokens: {share_percent(beyond)} of documents are longer; "
        f"{share_percent(tokens)} of all tokens are never seen."
    )
    needed = _windows(shortest, stride)
    second = (
        f"With a stride of {stride}, windows of {shortest.limit:,} hold no new tokens; choose a smaller stride."
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
    lost = share_percent(model.tokens_beyond(model.limit))
    return (
        f"{name} with {model.limit:,} still cuts {share_percent(beyond)} of documents and loses {lost} of all tokens."
    )


def _all_read(known: Sequence[tuple[LengthCounts, str]]) -> str:
    """Compare the models by how many tokens they make of the same text, for collections that no model cuts."""
    fewest, name = min(known, key=lambda entry: entry[0].own_tokens)
    most, _ = max(known, key=lambda entry: entry[0].own_tokens)
    if len(known) == 1 or fewest.own_tokens == most.own_tokens:
        return f"{name} has {fewest.characters_per_token:.1f} characters per token."
    share = share_percent(1 - fewest.own_tokens / most.own_tokens)
    return f"{name} needs the fewest tokens, {share} fewer than the model that needs the most."
