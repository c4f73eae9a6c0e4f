"""Documents as the app and the commands see them: an opened source that returns rows, texts and counts."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import cached_property, partial
from typing import Final, TypeVar

import msgspec

from encoder_tui.client.client import EngineClient
from encoder_tui.core.documents.document import DocumentTokens, unpacked
from encoder_tui.core.documents.lengths import CollectionCounts, LengthCounts
from encoder_tui.core.models.ready import ReadyModel
from encoder_tui.core.tokens.exact_form import TokenizerForm
from encoder_tui.protocol import operations
from encoder_tui.protocol.documents import (
    Counted,
    DocumentAnswer,
    DocumentRequest,
    FindRequest,
    FormsRequest,
    RowsAnswer,
    RowsRequest,
    ScanAnswer,
    ScanRequest,
    SourceAnswer,
    SourceRequest,
    SourceSpec,
)
from encoder_tui.protocol.frames import Progress

OnProgress = Callable[[Progress], None]
A = TypeVar("A", RowsAnswer, DocumentAnswer, ScanAnswer)

SLICE: Final = 0.5
"""Seconds that a slice of a scan takes; other requests to the engine wait no longer than that."""
COMMAND_SLICE: Final = 5.0
"""The same for a command, which sends no other requests."""


class CountedModel:
    """A model whose tokens are counted: its name, its tokenizer, its card, and its limit in tokens.

    `lowers_case` is whether sentence-transformers lower-cases its texts, and the tokenizer itself does not.
    """

    def __init__(self, model: ReadyModel) -> None:
        self.name = model.name
        self.tokenizer = model.tokenizer
        self.card = model.card
        self.limit = model.limit
        self.lowers_case = model.tokenizer.form.lowers_case
        self.key = form_key(model.tokenizer.form)

    @cached_property
    def special(self) -> int:
        """The number of special tokens that the model adds to a document."""
        return self.tokenizer.special_count()

    @property
    def counted(self) -> Counted:
        """The model as requests to the engine name it."""
        return Counted(self.key, self.limit)


def _tokens(answer: DocumentAnswer) -> list[DocumentTokens]:
    return [
        DocumentTokens.from_bytes(spans.starts, spans.ends, spans.special, spans.side, spans.is_whole)
        for spans in answer.spans
    ]


def form_key(form: TokenizerForm) -> str:
    """Return a key that differs between any two tokenizers."""
    parts = (form.json, form.truncation_side, str(form.split_special_tokens))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


class Collection:
    """One opened source. Every method raises `OperationFailed` or `EngineError`.

    A restarted engine knows neither the source nor the tokenizers: the source is opened again with the next request,
    and tokenizers are sent when an answer says that they are missing.
    """

    def __init__(self, engine: EngineClient, spec: SourceSpec, answer: SourceAnswer) -> None:
        self.engine = engine
        self.spec = spec
        self.answer = answer
        self.column = answer.column

    @classmethod
    async def open(
        cls, engine: EngineClient, spec: SourceSpec, column: str | None = None, on_progress: OnProgress | None = None
    ) -> Collection:
        """Open a source and choose its column."""
        return cls(engine, spec, await engine.run(operations.SOURCE, SourceRequest(spec, column), on_progress))

    @property
    def label(self) -> str:
        """The source and the column, for people."""
        return f"{self.answer.label} · {self.column}"

    async def rows(
        self,
        start: int,
        count: int,
        models: Sequence[CountedModel],
        *,
        cuts: bool = False,
        on_partial: Callable[[RowsAnswer], None] | None = None,
        on_progress: OnProgress | None = None,
    ) -> RowsAnswer:
        """Return rows, with the number of tokens of each model."""
        request = RowsRequest(self.spec, self.column, start, count, [model.counted for model in models], cuts)
        return await self._ask(models, partial(self.engine.run, operations.ROWS, request, on_progress, on_partial))

    async def document(
        self,
        index: int,
        models: Sequence[CountedModel],
        on_text: Callable[[str], None] | None = None,
        on_progress: OnProgress | None = None,
        on_first: Callable[[list[DocumentTokens]], None] | None = None,
    ) -> tuple[str | None, list[DocumentTokens]]:
        """Return a whole document and each model's tokens of it.

        `on_text` receives the text as soon as it is read. If the document is long, `on_first` then receives its first
        tokens, at least as many as the largest limit.
        """
        text: list[str | None] = [None]

        def hear(answer: DocumentAnswer) -> None:
            text[0] = answer.text
            if on_text is not None and answer.text is not None:
                on_text(answer.text)

        request = DocumentRequest(self.spec, self.column, index, [model.counted for model in models])
        answer = await self._ask(models, partial(self.engine.run, operations.DOCUMENT, request, on_progress, hear))
        if answer.text is not None:
            text[0] = answer.text
        tokens = _tokens(answer)
        for place, model in enumerate(models if not answer.is_whole else ()):
            if on_first is not None:
                on_first(list(tokens))
            rest = msgspec.structs.replace(request, models=[model.counted], goes_on=True)
            while not tokens[place].is_whole:
                answer = await self._ask(
                    models,
                    partial(self.engine.run, operations.DOCUMENT, rest, on_progress),
                )
                if answer.is_whole:
                    tokens[place : place + 1] = _tokens(answer)
        return text[0], tokens

    async def texts(self, index: int, columns: Sequence[str]) -> list[str | None]:
        """Return columns of one row; None for a column without text in this row."""
        requests = [DocumentRequest(self.spec, column, index) for column in columns]
        return [
            (await self._ask((), partial(self.engine.run, operations.DOCUMENT, request))).text for request in requests
        ]

    async def find(self, wanted: str, seconds: float = SLICE) -> AsyncIterator[tuple[Sequence[int], int, bool]]:
        """Yield for each slice the rows that contain a text, the row to continue with, and whether it was the last."""
        start, is_end = 0, False
        while not is_end:
            request = FindRequest(self.spec, self.column, wanted, start, seconds)
            answer = await self.engine.once_more(partial(self.engine.run, operations.FIND, request))
            start, is_end = answer.next, answer.is_end
            yield unpacked(answer.found), start, is_end

    async def scan(
        self,
        counts: CollectionCounts,
        models: Sequence[CountedModel],
        *,
        seconds: float = SLICE,
        on_progress: OnProgress | None = None,
    ) -> AsyncIterator[ScanAnswer]:
        """Continue counting where `counts` ends and add each slice to it. To stop, take no further slice."""
        while not counts.is_complete:
            rows = None if counts.sample is None else counts.sample - counts.next
            request = ScanRequest(
                self.spec, self.column, counts.next, seconds, [model.counted for model in models], rows
            )
            answer = await self._ask(
                models,
                partial(self.engine.run, operations.SCAN, request, on_progress),
            )
            for into, part in zip(counts.models, answer.counts, strict=True):
                into.merge(part)
            counts.next, counts.empty = answer.next, counts.empty + answer.empty
            counts.total = answer.total
            if answer.is_end:
                counts.sample = None  # the sample was as large as the source, or larger
            counts.is_complete = answer.is_end or counts.next == counts.sample
            yield answer

    def no_counts(self, models: Sequence[CountedModel], sample: int | None = None) -> CollectionCounts:
        """Return counts to begin with; `sample` is the number of rows to count, None for all."""
        return CollectionCounts(
            self.answer.label,
            self.column,
            [LengthCounts(model.name, model.special, model.limit) for model in models],
            total=self.answer.total,
            sample=sample,
        )

    async def _ask(self, models: Sequence[CountedModel], ask: Callable[[], Awaitable[A]]) -> A:
        """Return the answer to a request about tokens, even if the engine was restarted meanwhile."""
        # All that a new engine needs can be sent or opened again.
        return await self.engine.once_more(lambda: self._ask_with_tokenizers(models, ask))

    async def _ask_with_tokenizers(self, models: Sequence[CountedModel], ask: Callable[[], Awaitable[A]]) -> A:
        """Return an answer. If the engine lacks tokenizers, send them and repeat the request."""
        answer = await ask()
        if answer.missing:
            forms = {model.key: model.tokenizer.form for model in models if model.key in answer.missing}
            await self.engine.run(operations.FORMS, FormsRequest(forms))
            answer = await ask()
        return answer
