"""Count the tokens of a slice of a collection, in memory that does not grow with it."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator
from typing import Final

from encoder_tui.core.documents.document import packed
from encoder_tui.core.documents.lengths import LengthCounts
from encoder_tui.engine.documents import fast_counters, opened
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.protocol.documents import HURRY, ScanAnswer, ScanRequest, SourceSpec

BATCH: Final = 1 << 20
"""How many characters are counted at a time: enough to keep all cores busy, few enough to be cancelled soon."""
BATCH_ROWS: Final = 2_048


def run(request: ScanRequest, job: Job) -> ScanAnswer:
    """Count for about the requested time."""
    missing = opened.missing(request.models)
    if missing:
        return ScanAnswer([], request.start, False, 0, 0, None, missing=missing)
    slice_ = _Slice(request)
    deadline = time.monotonic() + request.seconds
    while not slice_.is_end and slice_.rows != request.rows:
        job.checkpoint()
        texts = slice_.batch(job)
        text = texts[0] if len(texts) == 1 else None
        if text is not None and len(text) > opened.LONG and not slice_.count_long(text, deadline, job):
            break
        slice_.count(texts)
        source = opened.documents_of(request.spec, request.column, job)
        job.progress(f"counting {source.label}", slice_.position, source.expected(slice_.position), "rows")
        if time.monotonic() >= deadline or job.noted(HURRY).times:
            break
    source = opened.documents_of(request.spec, request.column, job)
    if not source.is_remote:
        with contextlib.suppress(OperationError):
            # The counts so far stay; a reader that gets here again receives the error.
            opened.look_ahead(source, request.seconds / 5, job)
    return slice_.answer(job)


class _Slice:
    """A slice while it is being counted."""

    def __init__(self, request: ScanRequest) -> None:
        self.request = request
        self.position = request.start
        self.rows = 0
        self.is_end = False
        self.empty = 0
        self.counters = [
            fast_counters.Counter(model.key, opened.tokenizers[model.key], enabled=request.fast)
            for model in request.models
        ]
        self.counts = [
            LengthCounts("", opened.tokenizers[model.key].special_count(), model.limit) for model in request.models
        ]
        self.lengths: list[list[int]] = [[] for _ in request.models]
        self.characters: list[int] = []
        self._reading: Iterator[str | None] | None = None

    def batch(self, job: Job) -> list[str | None]:
        """Return the next texts, as many as are counted at a time."""
        request = self.request
        if self._reading is None:
            self._reading = opened.reading_from(request.spec, request.column, self.position, job)
        texts: list[str | None] = []
        characters = 0
        while characters < BATCH and len(texts) < BATCH_ROWS and self.rows + len(texts) != request.rows:
            job.checkpoint()
            try:
                text = next(self._reading)
            except StopIteration:
                self.is_end = True
                break
            if len(text or "") > opened.LONG and texts:
                # It is counted alone, next time.
                self._reading = itertools.chain([text], self._reading)
                break
            texts.append(text)
            characters += len(text or "")
            if len(text or "") > opened.LONG:
                break
        return texts

    def count(self, texts: list[str | None]) -> None:
        """Add texts to the counts."""
        present = [text for text in texts if text is not None]
        characters = sum(map(len, present))
        self.characters += [len(text or "") for text in texts]
        for counter, counts, lengths in zip(self.counters, self.counts, self.lengths, strict=True):
            known = opened.counts.get(self._place(counter)) if len(texts) == 1 else None
            found = counter.count(present) if known is None else [known]
            counts.add(found, characters)
            each = iter(found)
            lengths += [0 if text is None else next(each) for text in texts]
        self.empty += len(texts) - len(present)
        self.position += len(texts)
        self.rows += len(texts)

    def count_long(self, text: str, deadline: float, job: Job) -> bool:
        """Count the tokens of a long document, using those found before; return False if the time is over."""
        for counter in self.counters:
            tokens = opened.Tokens(*self._place(counter), text)
            while opened.counts.get(self._place(counter)) is None:
                tokens.go_on(job)
                if time.monotonic() >= deadline and tokens.is_growing:
                    # It becomes the first of the next batch.
                    self._reading = itertools.chain([text], self._reading or ())
                    return False
        return True

    def _place(self, counter: fast_counters.Counter) -> tuple[SourceSpec, str, int, str]:
        return (self.request.spec, self.request.column, self.position, counter.key)

    def answer(self, job: Job) -> ScanAnswer:
        """Return the counts; the open reading is kept for the next slice."""
        request = self.request
        source = opened.documents_of(request.spec, request.column, job)
        if self._reading is not None and not self.is_end:
            opened.leave_reading(request.spec, request.column, self.position, self._reading)
        is_end = self.is_end or self.position == source.total
        return ScanAnswer(
            self.counts,
            self.position,
            is_end,
            self.empty,
            max(source.known, self.position),
            self.position if is_end else source.expected(self.position),
            [packed(lengths) for lengths in self.lengths],
            packed(self.characters),
            [counter.name for counter in self.counters],
            remarks=[*source.remarks, *(counter.remark for counter in self.counters if counter.remark)],
        )
