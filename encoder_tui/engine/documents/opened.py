"""What the engine for documents keeps between two requests: sources, tokenizers, texts and counts."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final, Generic, TypeVar

from encoder_tui.core.documents.document import DocumentTokens
from encoder_tui.core.tokens.tokenizer import ModelTokenizer
from encoder_tui.engine.documents.counting import document_tokens
from encoder_tui.engine.documents.piecewise import Tokenization
from encoder_tui.engine.documents.sources import open_source
from encoder_tui.engine.documents.sources.each_text import EachText
from encoder_tui.engine.documents.sources.source import Source
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.protocol.documents import Counted, SourceSpec

K = TypeVar("K")
V = TypeVar("V")

SOURCES: Final = 4
FIRST_STEP: Final = 64
LARGEST_STEP: Final = 10_000
"""How many rows are found at a time while nobody has asked for them."""
TEXTS: Final = 16 << 20
"""How many characters of documents are kept, for scrolling back and forth."""
COUNTS: Final = 100_000
TOKENS: Final = 1 << 23
"""How many tokens of documents are kept with their spans, 8 bytes each."""
LONG: Final = 1 << 20
"""Length in characters from which a document takes seconds to tokenize, so that it is tokenized once for all purposes.
"""


class Recent(Generic[K, V]):
    """The most recently used values, up to a total weight; the newest always stays."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._weight = 0
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def get(self, key: K) -> V | None:
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, weight: int = 1) -> None:
        old = self._values.pop(key, None)
        self._weight += weight - (old[1] if old else 0)
        self._values[key] = (value, weight)
        while self._weight > self._most and len(self._values) > 1:
            _, (_, lost) = self._values.popitem(last=False)
            self._weight -= lost

    def drop(self, key: K) -> None:
        """Forget one value."""
        found = self._values.pop(key, None)
        self._weight -= found[1] if found else 0

    def clear(self) -> None:
        """Forget all values."""
        self._values.clear()
        self._weight = 0


class Texts:
    """One column of a source, read in any order. Reading on from where the last reading ended costs nothing extra."""

    def __init__(self, source: Source, column: str) -> None:
        self.source = source
        self.column = column
        self._kept: Recent[int, str | None] = Recent(TEXTS)
        self._reading: Iterator[str | None] | None = None
        self._next = 0

    def get(self, index: int, job: Job) -> str | None:
        """Return the text of a row. Raises `OperationError`, or IndexError if there is no such row."""
        found = self._kept.get(index)
        if found is not None:
            return found
        self.source.reach(index + 1, job)
        if self._reading is None or not self._next <= index < self._next + 64:
            self._reading = self.source.iterate(index, self.column)
            self._next = index
        while True:
            job.checkpoint()
            try:
                text = next(self._reading)
            except StopIteration:
                self._reading = None
                raise IndexError(index) from None
            except BaseException:
                self._reading = None
                raise
            self._kept.put(self._next, text, len(text or "") + 1)
            self._next += 1
            if self._next > index:
                return text


_sources: Recent[SourceSpec, Source] = Recent(SOURCES)
_documents: Recent[tuple[SourceSpec, str], EachText] = Recent(SOURCES)
_texts: Recent[tuple[SourceSpec, str], Texts] = Recent(SOURCES)
_scans: dict[tuple[SourceSpec, str], tuple[int, Iterator[str | None]]] = {}
tokenizers: dict[str, ModelTokenizer] = {}
counts: Recent[tuple[SourceSpec, str, int, str], int] = Recent(COUNTS)


_tokens: Recent[tuple[SourceSpec, str, int, str], DocumentTokens] = Recent(TOKENS)


_growing: Recent[tuple[SourceSpec, str, int, str], Tokenization] = Recent(16)
"""Long documents that are tokenized in part."""


class Tokens:
    """A document's tokens under a model, from a cache if they were used lately; those of a long document come in
    pieces.
    """

    def __init__(self, spec: SourceSpec, column: str, index: int, key: str, text: str) -> None:
        self._place = (spec, column, index, key)
        self._text = text

    @property
    def found(self) -> DocumentTokens | None:
        """All tokens, or the first ones of a long document; None before any are found."""
        growing = _growing.get(self._place)
        return _tokens.get(self._place) if growing is None else growing.tokens

    @property
    def is_growing(self) -> bool:
        """Whether some tokens are found and others are not yet."""
        return _growing.get(self._place) is not None

    def go_on(self, job: Job) -> DocumentTokens:
        """Find more tokens: all of them if the document is not long. Raises `OperationError`."""
        known = _tokens.get(self._place)
        if known is not None:
            # Only the count may have been dropped meanwhile, to make room.
            counts.put(self._place, known.total)
            return known
        tokenizer = tokenizers[self._place[-1]]
        if len(self._text) <= LONG:
            job.progress(f"tokenizing {len(self._text):,} characters")
            return self._keep(document_tokens(tokenizer, self._text))
        growing = _growing.get(self._place)
        if growing is None:
            growing = Tokenization(tokenizer, self._text)
            _growing.put(self._place, growing)
        job.progress("tokenizing a long document", growing.reached, len(self._text), "characters")
        try:
            growing.go_on()
        except OperationError as error:
            raise OperationError(
                f"row {self._place[2]:,} of {source_of(self._place[0], job).label}: {error}"
            ) from error
        if not growing.is_whole:
            return growing.tokens
        _growing.drop(self._place)
        return self._keep(growing.tokens)

    def all(self, job: Job) -> DocumentTokens:
        """Return all tokens. Raises `OperationError`."""
        tokens = self.go_on(job)
        while not tokens.is_whole:
            tokens = self.go_on(job)
        return tokens

    def _keep(self, tokens: DocumentTokens) -> DocumentTokens:
        _tokens.put(self._place, tokens, tokens.total)
        counts.put(self._place, tokens.total)
        return tokens


def source_of(spec: SourceSpec, job: Job) -> Source:
    """Return the source, opening it if necessary. Raises `OperationError`."""
    source = _sources.get(spec)
    if source is None:
        source = open_source(spec, job)
        _sources.put(spec, source)
    return source


def documents_of(spec: SourceSpec, column: str, job: Job) -> Source:
    """Return the source whose rows are the documents of a column: of its lists of texts if the column says so. Raises
    `OperationError`.
    """
    source = source_of(spec, job)
    if not source.chosen(column).is_each:
        return source
    documents = _documents.get((spec, column))
    if documents is None:
        documents = EachText(source, column)
        _documents.put((spec, column), documents)
    return documents


def look_ahead(source: Source, seconds: float, job: Job) -> None:
    """Find more rows of a local source, for about the requested time."""
    deadline = time.monotonic() + seconds
    step = FIRST_STEP
    while source.total is None and (began := time.monotonic()) < deadline:
        source.reach(source.known + step, job)
        if time.monotonic() - began < seconds / 4:
            step = min(2 * step, LARGEST_STEP)  # each row may be a file of its own, so it begins small


def forget(spec: SourceSpec) -> None:
    """Open the source again next time: it may have changed, or the Hub may answer now."""
    _sources.drop(spec)
    _documents.clear()
    _texts.clear()
    _tokens.clear()
    _growing.clear()
    _scans.clear()
    counts.clear()


def texts_of(spec: SourceSpec, column: str, job: Job) -> Texts:
    """Return a column of a source. Raises `OperationError`."""
    texts = _texts.get((spec, column))
    if texts is None:
        texts = Texts(documents_of(spec, column, job), column)
        _texts.put((spec, column), texts)
    return texts


def reading_from(spec: SourceSpec, column: str, start: int, job: Job) -> Iterator[str | None]:
    """Return the texts from a row on, continuing the reading of the slice before if it is still open. Raises
    `OperationError`.
    """
    position, reading = _scans.pop((spec, column), (-1, iter(())))
    if position == start:
        return reading
    source = documents_of(spec, column, job)
    if not source.is_remote:
        source.reach(start + 1, job)
    return source.iterate(start, column)


def leave_reading(spec: SourceSpec, column: str, position: int, reading: Iterator[str | None]) -> None:
    """Keep a reading open for the next slice."""
    _scans[spec, column] = (position, reading)


def missing(models: Sequence[Counted]) -> list[str]:
    """Return the keys of tokenizers that have not been received yet."""
    return [model.key for model in models if model.key not in tokenizers]
