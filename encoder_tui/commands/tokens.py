"""`encoder-tui tokens`: the token streams of texts, and their alignment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, get_args

import click

from encoder_tui.commands import running
from encoder_tui.commands.console import reason, say
from encoder_tui.commands.options import gather, shared_options
from encoder_tui.core.models.card_words import lowering_words, other_limits, short_limit
from encoder_tui.core.models.ready import RequestedModel
from encoder_tui.core.text.safe import shorten, visible, visible_piece, without_surrogates
from encoder_tui.core.tokens.comparison import Comparison, Stream, alignment_record, encoding_record
from encoder_tui.core.tokens.tokenizer import EncodeOptions, Padding, TokenizationError


@click.command("tokens")
@click.argument("texts", nargs=-1, metavar="[TEXT…]")
@click.option("--pair", metavar="TEXT", help="Second text to pair with each; only the first is aligned.")
@click.option("--padding", type=click.Choice(get_args(Padding)), default="none", help="How to pad several texts.")
@click.option(
    "--max-length", type=click.IntRange(min=0), metavar="N", help="Maximum length for padding and truncation."
)
@click.option("--truncation", is_flag=True, help="Cut to the maximum length.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@shared_options
@click.pass_context
def command(
    context: click.Context,
    /,
    texts: tuple[str, ...],
    pair: str | None,
    padding: Padding,
    max_length: int | None,
    truncation: bool,
    as_json: bool,
    **shared: Any,
) -> None:
    """Tokenize texts with every model; without texts, stdin is read."""
    settings = gather(context, shared)
    texts = running.named_texts(texts, settings)
    batch = running.texts_of(texts)
    second = None if pair is None else without_surrogates(pair)
    models = running.run(settings, lambda loader: running.load_tokenizers(loader, settings))
    options = EncodeOptions(padding, truncation, max_length)
    if max_length is not None and not truncation and padding != "max_length":
        say("--max-length has no effect without --truncation or --padding max_length")
    streams: list[list[Stream] | None] = []
    entries: list[dict[str, Any]] = []
    for model in models:
        encoded = None
        entry: dict[str, Any] = {"model": model.name, "error": model.error}
        if model.tokenizer is not None:
            try:
                encodings = model.tokenizer.encode(batch, second, options)
                encoded = [
                    Stream(model.tokenizer, text, encoding) for text, encoding in zip(batch, encodings, strict=True)
                ]
                entry = {"model": model.name, "encodings": [encoding_record(stream) for stream in encoded]}
            except TokenizationError as refusal:
                encoded, entry["error"] = None, f"{model.name}: {reason(refusal)}"
        streams.append(encoded)
        entries.append(entry)
    comparisons = [
        Comparison(text, models, [None if encoded is None else encoded[index] for encoded in streams])
        for index, text in enumerate(batch)
    ]
    if as_json:
        alignments = [alignment_record(comparison) for comparison in comparisons]
        differing = [comparison.differing for comparison in comparisons]
        click.echo(json.dumps({"models": entries, "alignments": alignments, "differing": differing}))
    elif any(streams):
        tables = [table(comparison, second) for comparison in comparisons]
        if len(batch) > 1:
            # Each under its text.
            width = running.terminal_width()
            tables = [f"{shorten(visible(text), width)}\n{shown}" for text, shown in zip(batch, tables, strict=True)]
        click.echo("\n\n".join(tables))
        for line in notes(models):
            click.echo(line)
    running.finish([entry.get("error") for entry in entries])


def table(comparison: Comparison, pair: str | None = None) -> str:
    """Return each stream as a line of facts and lines of tokens and ids, and the sentence that compares them.

    Of a pair, only the first text is aligned; the tokens are those of both.
    """
    lines = []
    for model, stream in zip(comparison.models, comparison.streams, strict=True):
        if stream is None:
            continue
        tokens = " ".join(visible_piece(token) for token in stream.encoding.tokens)
        ids = " ".join(map(str, stream.encoding.ids))
        lines += [
            f"{model.letter}  {visible(model.name)}: {len(stream.encoding):,} tokens, {stream.unknown:,} unknown; "
            f"{stream.tokenizer.kind}",
            f"   {tokens}",
            f"   {ids}",
        ]
    of = "of the first text, " if pair is not None and len(comparison.present) > 1 and comparison.text else ""
    words = comparison.sentence() if comparison.text else "The text is empty."
    lines.append(visible(f"{of}{words}"))
    return "\n".join(lines)


def notes(models: Sequence[RequestedModel]) -> list[str]:
    """Return what to know of deployed models: limits of which the tokenizer's is not the one, and lower-cased texts."""
    found = []
    for model in models:
        ready = model.ready
        if ready is None:
            continue
        form = ready.tokenizer.form
        if other_limits(ready.card) and form.model_max_length != ready.limit:
            cut = "does not cut" if form.model_max_length is None else f"cuts at {form.model_max_length:,}"
            found.append(
                f"{model.letter} reads {short_limit(ready.card)}; without --max-length, --truncation {cut}, as its"
                " tokenizer is set"
            )
        if form.lowers_case:
            found.append(f"{model.letter}{lowering_words(form.lowers_case).replace(';', ':')}")
    return found
