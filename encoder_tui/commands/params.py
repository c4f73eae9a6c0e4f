"""`encoder-tui params`: every parameter of every model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from encoder_tui.client.loader import Loader
from encoder_tui.commands import running
from encoder_tui.commands.console import reason
from encoder_tui.commands.options import gather, shared_options
from encoder_tui.core.parameters import description as parameters
from encoder_tui.core.parameters import tree
from encoder_tui.core.parameters.description import Description, Fit
from encoder_tui.core.parameters.roles import label
from encoder_tui.core.text.numbers import binary_size, count, counted
from encoder_tui.core.text.rows import labelled_rows
from encoder_tui.core.text.safe import shorten, visible


@click.command("params")
@click.option("--head", is_flag=True, help="Add the head: build the class that config.json names.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@shared_options
@click.pass_context
def command(context: click.Context, /, head: bool, as_json: bool, **shared: Any) -> None:
    """Print the parameters of every model without loading its weights."""
    settings = gather(context, shared)

    async def describe(loader: Loader, name: str) -> Description | str:
        try:
            files, versions = await loader.files(loader.parse(name), needs_tokenizer=False)
            return await loader.description(files, versions, head=head)
        except running.FAILURES as error:
            return reason(error)

    async def work(loader: Loader) -> list[tuple[str, Description | str]]:
        return [(name, found) async for name, found in running.each_model(loader, settings, describe)]

    running.show(running.run(settings, work), as_json, report, table)


def report(models: Sequence[tuple[str, Description | str]]) -> dict[str, Any]:
    """Return what `--json` prints."""
    return {
        "models": [
            {"model": name, "error": found}
            if isinstance(found, str)
            else {"model": name, **parameters.description_record(found)}
            for name, found in models
        ]
    }


def table(name: str, description: Description) -> str:
    """Return one model's parameter tree with its layers folded."""
    root = tree.build(description)
    width = max(running.terminal_width(), 60)
    about = f"{visible(name)}  {visible(description.class_name)}: {count(len(description.parameters), 'parameter')}"
    sizes = ", ".join(f"{binary_size(size)} of {kind}" for kind, size in description_sizes(description))
    lines = [f"{about}, {description.total:,} values, {sizes}"]
    rows = [("remark", remark) for remark in parameters.all_remarks(description)]
    if description.fit is not None:
        rows += fit_rows(description.fit)
    lines += labelled_rows(rows, width)
    for depth, node, stack in tree.folded_rows(root)[1:]:
        numbers = f"{node.numel:>15,}  {parameters.share(node.numel, root.numel):>7}  {binary_size(node.bytes):>9}"
        what = stack or (parameters.shape_text(node.parameter.shape) if node.parameter else "")
        role = label(node.parameter.role) if node.parameter and node.parameter.role != "other" else ""
        left = "  " * depth + visible(node.label)
        room = width - len(numbers) - 2
        middle = "  ".join(part for part in (what, role) if part)
        gap = max(room - len(left) - len(middle), 2)
        lines.append(
            f"{shorten(left, room - len(middle) - 2)}{' ' * gap}{middle}{numbers}"
            if middle
            else f"{shorten(left, room):<{room}}{numbers}"
        )
        lines += ["  " * (depth + 1) + visible(badge) for badge in node.badges]
    return "\n".join(lines)


def fit_rows(fit: Fit) -> list[tuple[str, str]]:
    """Return what is missing and unexpected in a checkpoint as rows of a label and a text; without what is empty."""
    rows = [("missing", counted(fit.missing)), ("unexpected", counted(fit.unexpected))]
    return [(label, visible(text)) for label, text in rows if text]


def description_sizes(description: Description) -> list[tuple[str, int]]:
    """Return pairs of dtype and bytes."""
    return list(parameters.by_dtype(description.parameters).items())
