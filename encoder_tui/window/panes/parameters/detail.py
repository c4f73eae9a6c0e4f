"""The node under the tree's cursor in words: name, role, numbers, badges, and its counterpart in the other models."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content

from encoder_tui.core.defaults import LETTERS
from encoder_tui.core.parameters.correspondence import counterpart
from encoder_tui.core.parameters.description import Description, Parameter, by_dtype, shape_text, share
from encoder_tui.core.parameters.roles import label
from encoder_tui.core.parameters.tree import Node
from encoder_tui.core.text.numbers import binary_size, count
from encoder_tui.core.text.safe import visible
from encoder_tui.window.theme import QUIET
from encoder_tui.window.widgets.model_letters import letter_markup


def detail_lines(
    number: int, node: Node, descriptions: Mapping[int, Description | None], width: int, lines: int = 6
) -> Content:
    """Return the description of a node of a model, each line cut to the width.

    `number` chooses the model's letter; `descriptions` are by these numbers.
    """
    description = descriptions.get(number)
    if description is None:
        return Content("")
    made = [_first(number, node, description)]
    badges = node.details or node.badges
    if not node.path:  # the model: the badges of its stacks of layers
        badges = [*node.badges, *(badge for below in node.walk() if below.is_stack for badge in below.badges)]
    if badges:
        made.append(Content.assemble("   ", (visible(" · ".join(badges)), "$text-secondary italic")))
    if node.parameter is not None:
        for other, target in descriptions.items():
            if other != number and target is not None:
                made.append(_counterpart(other, node.parameter, description, target))
    return Content("\n").join(line.truncate(max(width - 1, 1), ellipsis=True) for line in made[:lines])


def _first(number: int, node: Node, description: Description) -> Content:
    sizes = f"{node.numel:,} values, {share(node.numel, description.total)}, {binary_size(node.bytes)}"
    if node.is_outside:
        what = "not counted in the model"
    elif node.parameter is not None:
        what = f"{label(node.parameter.role)} · {shape_text(node.parameter.shape)} · {node.parameter.dtype} · {sizes}"
    else:
        kinds = ", ".join(by_dtype(node.parameters))
        what = f"{count(len(node.parameters), 'parameter')} · {kinds} · {sizes}"
    return Content.assemble(
        (f" {LETTERS[number]} ", letter_markup(number)),
        (visible(node.path or node.label), "bold"),
        (f"   {visible(what)}", QUIET),
    )


def _counterpart(other: int, parameter: Parameter, source: Description, target: Description) -> Content:
    name = counterpart(parameter, source, target)
    if name is None:
        words = [(f"has no {label(parameter.role)}", QUIET)]
    else:
        found = next(p for p in target.parameters if p.name == name)
        words = [
            (visible(name), ""),
            (f"   {label(found.role)} · {shape_text(found.shape)} · {found.numel:,} values", QUIET),
        ]
    return Content.assemble((f" {LETTERS[other]} ", letter_markup(other)), *words)
