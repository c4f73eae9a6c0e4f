"""`encoder-tui encode`: the vectors that each deployed model makes of texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from encoder_tui.client.loader import Loader
from encoder_tui.client.saving import save_vectors, wrong_suffix
from encoder_tui.commands import running
from encoder_tui.commands.console import fail, reason, say
from encoder_tui.commands.options import gather, shared_options
from encoder_tui.core.models.placement import ModelSource, placement_of, source_of
from encoder_tui.core.settings import Settings
from encoder_tui.core.tasks.encoding import MOST_TEXTS, SIDES, EncodeAnswer, Side
from encoder_tui.core.tasks.encoding_words import (
    COLUMNS,
    MEANINGLESS,
    encode_record,
    heading,
    similarity_rows,
    text_cells,
)
from encoder_tui.core.text.safe import visible
from encoder_tui.protocol import operations
from encoder_tui.protocol.tasks import EncodeRequest

CELL = 9
"""Columns of the terminal that a similarity takes."""


@click.command("encode")
@click.argument("texts", nargs=-1, metavar="[TEXT…]")
@click.option("--prompt", metavar="NAME", help="Name of the model's prompt to put before each text.")
@click.option("--as", "side", type=click.Choice(SIDES), help="Encode as queries, or as documents to be found.")
@click.option(
    "--truncate-dim", type=click.IntRange(min=1), metavar="N", help="Keep only the first N values of each vector."
)
@click.option("--lines", is_flag=True, help="Read stdin as one text a line.")
@click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the vectors to this file, .safetensors or .npz.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@shared_options
@click.pass_context
def command(
    context: click.Context,
    /,
    texts: tuple[str, ...],
    prompt: str | None,
    side: Side | None,
    truncate_dim: int | None,
    lines: bool,
    save: Path | None,
    as_json: bool,
    **shared: Any,
) -> None:
    """Encode the texts as each model does once it is deployed, and compare them; without texts, stdin is read.

    Modules, pooling, prompts and limits are those that the model's directory states.
    """
    settings = gather(context, shared)
    texts = running.named_texts(texts, settings)
    if save is not None and (wrong := wrong_suffix(save)):
        raise click.UsageError(wrong)
    if save is not None and not save.parent.is_dir():
        raise click.UsageError(f"the folder {save.parent} does not exist")
    if lines and texts:
        raise click.UsageError("--lines reads the texts from stdin; leave out either --lines or the texts")
    batch = running.texts_of(texts)
    if lines:
        batch = [line for line in batch[0].split("\n") if line.strip()]
    if not batch:
        raise click.UsageError("no text: every line of stdin is empty")
    if len(batch) > MOST_TEXTS:
        fail(
            f"{len(batch):,} texts are too many at once (at most {MOST_TEXTS:,}): encode files of so many lines"
            " one after the other, or let evaluate read the whole collection"
        )
    line = running.ProgressLine()

    async def encode(loader: Loader, name: str) -> EncodeAnswer | str:
        try:
            source, limit = await _source(loader, name, settings, line)
            request = EncodeRequest(source, placement_of(settings), batch, prompt, side, truncate_dim, limit)
            answer = await loader.engine.run(operations.ENCODE, request, line.show)
        except running.FAILURES as error:
            return reason(error)
        finally:
            line.clear()
        for remark in answer.pipeline.remarks:
            say(remark)
        return answer

    async def work(loader: Loader) -> tuple[list[tuple[str, EncodeAnswer | str]], str | None]:
        found = [(name, found) async for name, found in running.each_model(loader, settings, encode)]
        return found, None if save is None else await _unsaved(save, found)

    found, unsaved = running.run(settings, work)
    running.show(found, as_json, report, block, unsaved)


async def _source(
    loader: Loader, name: str, settings: Settings, line: running.ProgressLine
) -> tuple[ModelSource, int | None]:
    """Return where the engine loads a model from, and the limit that the user chose. Raises `running.FAILURES`."""
    parsed = loader.parse(name)
    try:
        files, _ = await loader.files(parsed, line.show, needs_tokenizer=False)
    except running.FAILURES:
        # A directory without a transformer has no config.json, but its modules may be a table of vectors.
        if not parsed.is_directory or not (await loader.inspected(parsed, line.show))[0].card.modules:
            raise
        return ModelSource(name, parsed.location, offline=settings.offline), None
    return source_of(files, settings.trust_remote_code, settings.offline), files.card.chosen_limit


async def _unsaved(path: Path, found: list[tuple[str, EncodeAnswer | str]]) -> str | None:
    """Save the vectors; return why they could not be saved, None if they were."""
    answers = {slot: (name, one) for slot, (name, one) in enumerate(found) if not isinstance(one, str)}
    if not answers:
        return None
    try:
        await save_vectors(path, answers)
    except OSError as error:
        return f"{path} cannot be written: {error.strerror or error}"
    return None


def report(models: Any) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "models": [
            {"model": name, "error": found} if isinstance(found, str) else encode_record(name, found)
            for name, found in models
        ]
    }


def block(name: str, answer: EncodeAnswer) -> str:
    """One model as a person reads it: what computed the vectors, a row a text, and how alike the texts are."""
    lines = [f"{visible(name)}: {heading(answer.pipeline, answer.dimension)}"]
    rows = [list(COLUMNS), *(text_cells(answer, text) for text in range(len(answer.texts)))]
    # The last column is as long as its words, and aligned left.
    for line, row in zip(running.aligned([row[:-1] for row in rows], left=0), rows, strict=True):
        lines.append(f"  {line}  {row[-1]}".rstrip())
    similarity = answer.similarity
    if similarity is not None and similarity.size > 1:
        most = max((running.terminal_width() - 16) // CELL, 2)
        lines += ["", *(f"  {line}" for line in running.aligned(similarity_rows(similarity, most), left=1))]
        if similarity.size > most:
            lines.append(f"  the first {most} of {similarity.size:,} texts; --json has all of them")
        if answer.pipeline.is_random:
            lines.append(f"  {MEANINGLESS}")
    return "\n".join(lines)
