"""Some rows of a list of documents: how long each is, in characters and under each model, and how it begins."""

from __future__ import annotations

from encoder_tui.engine import opened
from encoder_tui.engine.counting import count_batch, cut_batch
from encoder_tui.engine.document_messages import Row, RowsAnswer, RowsRequest
from encoder_tui.engine.job import Job

BEGINNING = 400
"""Characters of a document that a list may show."""
BATCH = 1 << 19
"""Characters counted between two looks for cancellation."""


def run(request: RowsRequest, job: Job) -> RowsAnswer:
    """The rows without tokens first, then with them."""
    spec, column = request.spec, request.column
    missing = opened.missing(request.models)
    source = opened.source_of(spec, job)
    source.reach(request.start + request.count, job)
    texts = opened.texts_of(spec, column, job)
    rows: list[Row] = []
    stop = min(request.start + request.count, source.known)
    for index in range(request.start, stop):
        text = texts.get(index, job)
        rows.append(Row(index, None if text is None else len(text), (text or "")[:BEGINNING]))
    bare = RowsAnswer(rows, source.known, source.total, missing, source.remarks)
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
    return RowsAnswer(counted, source.known, source.total, [], source.remarks)


def _counted(request: RowsRequest, rows: list[Row], texts: opened.Texts, job: Job) -> list[Row]:
    """Rows with their tokens, and their cuts where they were asked for."""
    present = [row for row in rows if row.characters is not None]
    tokens: dict[int, list[int | None]] = {row.index: [] for row in rows}
    cuts: dict[int, list[int | None]] = {row.index: [] for row in rows}
    for model in request.models:
        job.checkpoint()
        tokenizer = opened.tokenizers[model.key]
        keys = {row.index: (request.spec, request.column, row.index, model.key) for row in present}
        known = {index: opened.counts.get(key) for index, key in keys.items()}
        if request.cuts:
            batch = [texts.get(row.index, job) or "" for row in present]
            for row, (length, cut) in zip(present, cut_batch(tokenizer, batch, model.limit), strict=True):
                known[row.index] = length
                cuts[row.index].append(cut)
        else:
            for row in present:
                if (row.characters or 0) > opened.LONG and known[row.index] is None:
                    text = texts.get(row.index, job) or ""
                    job.progress(f"tokenizing {len(text):,} characters")
                    of_row = opened.tokens_of(request.spec, request.column, row.index, model.key, text)
                    known[row.index] = of_row.total
            wanted = [index for index, length in known.items() if length is None]
            batch = [texts.get(index, job) or "" for index in wanted]
            for index, length in zip(wanted, count_batch(tokenizer, batch), strict=True):
                known[index] = length
                opened.counts.put(keys[index], length)
        for row in rows:
            tokens[row.index].append(known.get(row.index))
            if request.cuts and row.characters is None:
                cuts[row.index].append(None)
    return [Row(row.index, row.characters, row.beginning, tokens[row.index], cuts[row.index]) for row in rows]
