"""`encoder-tui docs`: document lengths in tokens for every model, and where each model stops reading."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any, Final

import click
from rich.cells import cell_len, set_cell_size

from encoder_tui.client.collection import COMMAND_SLICE, Collection, CountedModel
from encoder_tui.client.loader import Loader
from encoder_tui.client.pipes import STDIN, Pipe, pipe_of
from encoder_tui.commands import running
from encoder_tui.commands.console import fail, say, tell
from encoder_tui.commands.options import gather, shared_options
from encoder_tui.core.defaults import STRIDE
from encoder_tui.core.documents.document import lost
from encoder_tui.core.documents.lengths import summary
from encoder_tui.core.models.card_words import lowering_words, other_limits, short_limit
from encoder_tui.core.models.ready import RequestedModel
from encoder_tui.core.settings import Settings
from encoder_tui.core.text.numbers import count, share_percent
from encoder_tui.core.text.safe import visible
from encoder_tui.protocol.documents import FORMATS, Row, RowsAnswer, SourceSpec
from encoder_tui.protocol.frames import Progress

PAGE: Final = 32
"""Rows to request from the engine at a time."""
LOOK: Final = 100
"""Rows of a Hub data set that the table shows if --limit is not given, so that it is not fetched whole."""


def _delimiter(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Return the character that a delimiter's name or escape stands for."""
    value = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}.get(value or "", value)
    if value is not None and (len(value) != 1 or value in '\r\n"'):
        raise click.BadParameter("it must be one character, or the word tab")
    return value


def _with_pipes(sources: Sequence[str]) -> tuple[list[str], list[Pipe]]:
    """Return the sources by the names that the engine can open, and the pipes among them."""
    names: list[str] = []
    pipes: list[Pipe] = []
    for source in sources:
        if source in STDIN and (sys.stdin is None or sys.stdin.isatty()):
            raise click.UsageError("no documents on stdin; pipe a file into this command")
        try:
            pipe = pipe_of(source)
        except OSError as error:
            fail(f"{source} cannot be read: {error.strerror}")
        names.append(source if pipe is None else pipe.name)
        pipes += [] if pipe is None else [pipe]
    return names, pipes


@click.command("docs")
@click.argument("sources", nargs=-1, metavar="[SOURCE]…")
@click.option("--column", metavar="NAME", help="Column that holds the documents.")
@click.option("--limit", "most", type=click.IntRange(min=1), metavar="N", help="Read at most N documents.")
@click.option("--lines", is_flag=True, help="Treat every line of a text file as a document.")
@click.option("--format", "kind", type=click.Choice(FORMATS), help="Format of the files, whatever they are called.")
@click.option("--delimiter", callback=_delimiter, metavar="CHARACTER", help="Between the fields of CSV; tab is a name.")
@click.option("--header/--no-header", default=None, help="Whether the first row of CSV names the columns.")
@click.option("--quotes/--no-quotes", default=None, help="Whether fields of CSV are quoted, or quotes are text.")
@click.option("--field", metavar="NAME", help="Key of the JSON object that holds the rows.")
@click.option("--summary", "is_summary", is_flag=True, help="Print statistics of the whole collection.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object per line.")
@shared_options
@click.pass_context
def command(
    context: click.Context,
    /,
    sources: tuple[str, ...],
    column: str | None,
    most: int | None,
    lines: bool,
    kind: str | None,
    delimiter: str | None,
    header: bool | None,
    quotes: bool | None,
    field: str | None,
    is_summary: bool,
    as_json: bool,
    **shared: Any,
) -> None:
    """Count the tokens of documents for every model, and find the character where each stops reading.

    SOURCE is a file (text, JSON, CSV, parquet, arrow; also packed), a directory, a pattern, or several of them; a data
    set of the Hub; PATH or NAME, each with [:CONFIG[:SPLIT]]; - for stdin; or builtin. The default is
    sentence-transformers/mldr. Rows are those of datasets.load_dataset, except that a text file is one document.
    """
    settings = gather(context, shared)
    named = sources or ((settings.docs,) if settings.docs is not None else ())
    names, pipes = _with_pipes(named)
    spec = SourceSpec(
        names[0] if names else None,
        lines,
        settings.offline,
        more=tuple(names[1:]),
        format=kind,
        delimiter=delimiter,
        header=header,
        quotes=quotes,
        field=field,
        label=pipes[0].label if len(names) == 1 and pipes else None,
    )
    asked = _Asked(spec, column, most, as_json, [pipe.descriptor for pipe in pipes])
    work = _summarize if is_summary else _list
    errors = running.run(settings, lambda loader: work(loader, settings, asked))
    running.finish(errors)


class _Asked:
    """The arguments of the command."""

    def __init__(
        self, spec: SourceSpec, column: str | None, most: int | None, as_json: bool, descriptors: list[int]
    ) -> None:
        self.descriptors = descriptors
        self.spec = spec
        self.column = column
        self.most = most
        self.as_json = as_json


async def _opened(
    loader: Loader, settings: Settings, asked: _Asked
) -> tuple[Collection, list[RequestedModel], list[CountedModel]]:
    """Open the source and the models; a model that failed is in the first list only."""
    loader.engine.descriptors += asked.descriptors
    collection = await Collection.open(loader.engine, asked.spec, asked.column)
    if collection.answer.stands_in_for:
        say(collection.answer.stands_in_for)
    models = await running.load_tokenizers(loader, settings)
    return collection, models, [CountedModel(model.ready) for model in models if model.ready is not None]


def _letters(models: Sequence[RequestedModel]) -> list[str]:
    """Return the letters of the models that loaded; a letter does not depend on which other models failed."""
    return [model.letter for model in models if model.ready is not None]


async def _list(loader: Loader, settings: Settings, asked: _Asked) -> list[str | None]:
    """Print every document as soon as it is counted."""
    collection, models, counted = await _opened(loader, settings, asked)
    errors = [model.error for model in models]
    remarks = running.Remarks()
    most = asked.most
    if most is None and collection.answer.is_remote and not asked.as_json:
        most = LOOK
        say(f"the first {LOOK} rows of {collection.answer.label}; --limit N reads more")
    if not asked.as_json:
        click.echo(_header(collection, _letters(models), counted))
    start, empty = 0, 0
    line = running.ProgressLine()

    def ask(start: int) -> asyncio.Future[RowsAnswer]:
        wanted = collection.rows(start, _page(start, most), counted, cuts=True, on_progress=line.show)
        return asyncio.ensure_future(wanted)

    page = ask(0)
    while True:
        try:
            answer = await page
        finally:
            line.clear()
        new = remarks.show(answer.remarks)
        start += len(answer.rows)
        is_last = start == most or not answer.rows or answer.is_end
        if not is_last:
            # The engine counts the next rows while these are printed.
            page = ask(start)
        for row in answer.rows:
            empty += row.characters is None
            if asked.as_json:
                record = _record(row, collection.column, models, counted)
                click.echo(json.dumps({**record, "remarks": new} if new else record))
                new = []
            else:
                click.echo(_line(row, counted))
        if is_last:
            break
    if empty:
        say(f"{count(empty, 'row')} {'has' if empty == 1 else 'have'} no text in column {collection.column} (null)")
    return errors


def _page(start: int, most: int | None) -> int:
    """Return how many rows to request: few at first, so that output appears soon."""
    wanted = 4 if start == 0 else PAGE
    return wanted if most is None else min(wanted, most - start)


def _record(row: Row, column: str, models: list[RequestedModel], counted: list[CountedModel]) -> dict[str, Any]:
    """Return one document as `--json` prints it; with its file if the source has several."""
    figures = zip(counted, row.tokens, row.cuts, strict=True)
    entries: list[dict[str, Any]] = []
    for model in models:
        if model.error is not None:
            entries.append({"model": model.name, "error": model.error})
        else:
            of, tokens, cut = next(figures)
            entries.append({"model": model.name, "tokens": tokens, "limit": of.limit, "cut": cut})
    file = {} if row.file is None else {"file": row.file}
    return {"index": row.index, **file, "column": column, "characters": row.characters, "models": entries}


def _header(collection: Collection, letters: list[str], counted: list[CountedModel]) -> str:
    """Return the source, the model of each letter, and the column heads."""
    lines = [visible(collection.label)]
    for letter, model in zip(letters, counted, strict=True):
        reads = "has no limit" if model.limit is None else f"reads {model.limit:,} tokens"
        special = f"{model.special} of them special{other_limits(model.card)}{lowering_words(model.lowers_case)}"
        lines.append(f"{letter}  {visible(model.name)} {reads}, {special}")
    heads = "".join(f"{f'{letter} tokens':>12}{'lost':>10}{'cut at':>10}" for letter in letters)
    return "\n".join([*lines, "", f"{'#':>7}{'characters':>12}{heads}  text"])


def _line(row: Row, counted: list[CountedModel]) -> str:
    """Return one document as a line of the table."""
    if row.characters is None:
        return f"{row.index:>7,}{'–':>12}  no text in this row"
    figures = f"{row.index:>7,}{row.characters:>12,}"
    for model, tokens, cut in zip(counted, row.tokens, row.cuts, strict=True):
        share = lost(tokens or 0, model.limit, model.special)
        figures += (
            f"{tokens:>12,}{share_percent(share) if share else '–':>10}{'–' if cut is None else format(cut, ','):>10}"
        )
    room = max(running.terminal_width() - len(figures) - 2, 16)
    beginning = visible(row.beginning)
    if cell_len(beginning) > room:
        beginning = set_cell_size(beginning, room - 1) + "…"
    return f"{figures}  {beginning}"


async def _summarize(loader: Loader, settings: Settings, asked: _Asked) -> list[str | None]:
    """Count the whole collection, or its first documents, and print statistics."""
    collection, models, counted = await _opened(loader, settings, asked)
    if not counted:
        # Nothing is counted without a model, and a count of zero documents would be wrong.
        if asked.as_json:
            failed = [{"model": model.name, "error": model.error} for model in models]
            click.echo(json.dumps({"source": collection.label, "column": collection.column, "models": failed}))
        return [model.error for model in models]
    remarks = running.Remarks()
    counts = collection.no_counts(counted, asked.most)
    show = _progress if sys.stderr.isatty() else None
    async for answer in collection.scan(counts, counted, seconds=COMMAND_SLICE, on_progress=show):
        remarks.show(answer.remarks)
    if show is not None:
        tell("\r\x1b[K", nl=False)
    figures = summary(counts, STRIDE)
    failed = [{"model": model.name, "error": model.error} for model in models if model.error is not None]
    if asked.as_json:
        click.echo(json.dumps({**figures, "models": figures["models"] + failed, "remarks": remarks.shown}))
    else:
        click.echo(_summary_table(figures, counts.sentence(), _letters(models), counted))
    return [model.error for model in models]


def _progress(progress: Progress) -> None:
    of = "" if progress.total is None else f" of {progress.total:,}"
    tell(f"\r\x1b[K{visible(progress.text)}: {progress.done:,}{of}", nl=False)


def _summary_table(figures: dict[str, Any], sentence: str, letters: list[str], counted: Sequence[CountedModel]) -> str:
    """Return the statistics as a table."""
    lines = [f"{visible(figures['source'])} · {visible(figures['column'])}: {sentence}", ""]
    if figures["empty"]:
        lines.insert(1, f"{count(figures['empty'], 'row')} without text")
    for letter, model, of in zip(letters, figures["models"], counted, strict=True):
        reads = "no limit" if of.limit is None else f"limit {short_limit(of.card)}"
        lines += [
            f"{letter}  {visible(model['model'])}, {reads}{lowering_words(of.lowers_case)}",
            f"   tokens per document: median {model['median']:,.0f}, p95 {model['p95']:,.0f}, max {model['max']:,}",
            f"   {model['tokens']:,} tokens in all, {model['characters_per_token']:.2f} characters per token",
            *_windows_line(model["windows"]),
            "   beyond     documents    tokens",
            *(
                f"   {entry['limit']:>6,}  {share_percent(entry['documents']):>12}{share_percent(entry['tokens']):>10}"
                for entry in model["beyond"]
            ),
            "",
        ]
    return "\n".join([*lines, *(visible(line) for line in figures["card"])])


def _windows_line(windows: dict[str, Any]) -> list[str]:
    """Return how many windows cover an average document, as a line."""
    if windows["mean"] is None or windows["size"] is None:
        return []
    return [
        f"   windows of {windows['size']:,} with a stride of {windows['stride']}: {windows['mean']:.1f} per document"
    ]
