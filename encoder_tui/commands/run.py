"""`encoder-tui run`: the outputs of each model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from encoder_tui.client.loader import Loader
from encoder_tui.client.saving import save_outputs, why_not, wrong_suffix
from encoder_tui.commands import running
from encoder_tui.commands.options import gather, shared_options
from encoder_tui.core.outputs.runs import OUTPUT_COLUMNS, RunAnswer, output_cells, run_record
from encoder_tui.core.text.numbers import counted
from encoder_tui.core.text.rows import labelled_rows
from encoder_tui.core.text.safe import visible


@click.command("run")
@click.argument("texts", nargs=-1, metavar="[TEXT…]")
@click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.safetensors",
    help="Write every tensor, named MODEL_INDEX.NAME, to this file; a name ending in .npz selects numpy's format.",
)
@click.option("--hidden-states", is_flag=True, help="Also return the output of every layer.")
@click.option(
    "--attentions", is_flag=True, help="Also return the attentions of every layer; this uses eager attention."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@shared_options
@click.pass_context
def command(
    context: click.Context,
    /,
    texts: tuple[str, ...],
    save: Path | None,
    hidden_states: bool,
    attentions: bool,
    as_json: bool,
    **shared: Any,
) -> None:
    """Run every model on the texts as one padded batch; without texts, stdin is read."""
    settings = gather(context, shared)
    texts = running.named_texts(texts, settings)
    if save is not None and (wrong := wrong_suffix(save)):
        raise click.UsageError(wrong)
    if save is not None and not save.parent.is_dir():
        raise click.UsageError(f"the folder {save.parent} does not exist")
    batch = running.texts_of(texts)
    line = running.ProgressLine()

    unsaved: list[str] = []

    async def work(loader: Loader) -> list[running.Done]:
        models = await running.load_tokenizers(loader, settings)
        wishes = {"hidden_states": hidden_states, "attentions": attentions}
        done = [
            await running.run_one(loader, settings, model, batch, line, None if save is None else slot, wishes)
            for slot, model in enumerate(models)
        ]
        answers = {slot: (one.name, one.answer) for slot, one in enumerate(done) if one.answer is not None}
        if save is not None and answers:
            try:
                if why := why_not(save, answers):
                    unsaved.append(f"{save} was not written: {why}")
                else:
                    await save_outputs(loader.engine, save, answers)
            except OSError as error:
                unsaved.append(f"{save} cannot be written: {error.strerror or error}")
            except running.FAILURES as error:
                unsaved.append(f"{save} was not written: {error}")
        return done

    done = running.run(settings, work)
    if as_json:
        records = [
            {"model": one.name, "error": one.error} if one.answer is None else run_record(one.name, one.answer)
            for one in done
        ]
        click.echo(json.dumps({"models": records}))
    else:
        for one in done:
            if one.answer is not None:
                click.echo(table(one.name, one.answer))
    running.finish([*(one.error for one in done), *unsaved])


def table(name: str, answer: RunAnswer) -> str:
    """Return the settings that a model ran with as a line, and its outputs, one line each."""
    rows = [OUTPUT_COLUMNS, *map(output_cells, answer.outputs)]
    in_force = answer.in_force
    heading = f"{visible(name)}: {visible(in_force.class_name)}, {in_force.words()}"
    fit = [("missing", in_force.missing), ("mismatched", in_force.mismatched), ("unexpected", in_force.unexpected)]
    found = [(label, visible(counted(names))) for label, names in fit if names]
    width = max(running.terminal_width(), 60)
    outputs = [f"  {line}" for line in running.aligned(rows, left=3)]
    return "\n".join([heading, *labelled_rows(found, width), *outputs])
