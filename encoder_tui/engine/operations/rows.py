"""Rows of a list of documents: the length of each in characters and under each model, and its beginning."""

from __future__ import annotations

import msgspec

from encoder_tui.engine.documents import opened
from encoder_tui.engine.documents.counting import count_batch, cut_batch
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.protocol.documents import Row, RowsAnswer, RowsRequest

BEGINNING = 400
"""How many characters of a document a list may show."""
BATCH = 1 << 19
"""How many characters are counted between two checks for cancellation."""


def run(request: RowsRequest, job: Job) -> RowsAnswer:
    """The rows without tokens first, then with them; fewer than were asked for if their texts are long.

    Without `cuts`, long documents that were not counted yet have None for tokens: a list is not to wait for them. With
    them a long document comes alone, so that the rows before it do not wait.
    """
    spec, column = request.spec, request.column
    missing = opened.missing(request.models)
    source = opened.documents_of(spec, column, job)
    source.reach(request.start + request.count, job)
    texts = opened.texts_of(spec, column, job)
    rows: list[Row] = []
    stop = min(request.start + request.count, source.known)
    characters = 0
    for index in range(request.start, stop):
        try:
            text = texts.get(index, job)
        except OperationError:
            if not rows:
                raise
            stop = index  # a request for the rest gets the error
            break
        is_alone = request.cuts and len(text or "") > opened.LONG
        if is_alone and rows:
            stop = index
            break
        beginning = (text or "")[:BEGINNING]
        rows.append(Row(index, None if text is None else len(text), beginning, file=source.file_of(index)))
        characters += len(text or "")
        if characters > (opened.LONG if request.cuts else opened.TEXTS):
            stop = index + 1
            break
    bare = RowsAnswer(rows, source.known, source.expected(), missing, source.remarks, stop == source.total)
    if missing or not request.models:
        return bare
    job.partial(bare)
    counted: list[Row] = []
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if sum(entry.characters or 0 for entry in batch) > BATCH:
            counted += _counted(request, batch, texts, job)
            batch = []
    counted += _counted(request, batch, texts, job)
    return msgspec.structs.replace(bare, rows=counted)


def _counted(request: RowsRequest, rows: list[Row], texts: opened.Texts, job: Job) -> list[Row]:
    """Return rows with their tokens, and with their cuts if requested."""
    present = [row for row in rows if row.characters is not None]
    tokens: dict[int, list[int | None]] = {row.index: [] for row in rows}
    cuts: dict[int, list[int | None]] = {row.index: [] for row in rows}
    for model in request.models:
        job.checkpoint()
        tokenizer = opened.tokenizers[model.key]
        keys = {row.index: (request.spec, request.column, row.index, model.key) for row in present}
        known = {index: opened.counts.get(key) for index, key in keys.items()}
        short = [row.index for row in present if (row.characters or 0) <= opened.LONG]
        if request.cuts:
            found = dict(zip(short, cut_batch(tokenizer, _texts(short, texts, job), model.limit), strict=True))
            for row in present:
                if row.index not in found:
                    text = texts.get(row.index, job) or ""
                    of_row = opened.Tokens(request.spec, request.column, row.index, model.key, text).all(job)
                    found[row.index] = (of_row.total, of_row.cut(model.limit))
                known[row.index] = found[row.index][0]
                cuts[row.index].append(found[row.index][1])
        else:
            wanted = [index for index in short if known[index] is None]
            batch = _texts(wanted, texts, job)
            for index, length in zip(wanted, count_batch(tokenizer, batch), strict=True):
                known[index] = length
                opened.counts.put(keys[index], length)
        for row in rows:
            tokens[row.index].append(known.get(row.index))
            if request.cuts and row.characters is None:
                cuts[row.index].append(None)
    return [msgspec.structs.replace(row, tokens=tokens[row.index], cuts=cuts[row.index]) for row in rows]


def _texts(indices: list[int], texts: opened.Texts, job: Job) -> list[str]:
    return [texts.get(index, job) or "" for index in indices]
