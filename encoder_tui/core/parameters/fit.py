"""Which parameters of a model a checkpoint holds, by the names and shapes in its header."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from encoder_tui.core.parameters.description import Description, shape_text

OLD_NAMES: Final = (
    ("LayerNorm.gamma", "LayerNorm.weight"),
    ("LayerNorm.beta", "LayerNorm.bias"),
    (".weight_g", ".parametrizations.weight.original0"),
    (".weight_v", ".parametrizations.weight.original1"),
)
"""Names that transformers replaces in every checkpoint: the old one and the new one."""

BUFFERS: Final = (r"(^|\.)position_ids$", r"rotary_emb\.inv_freq")
"""Tensors that old checkpoints hold and models now compute; transformers does not report them."""


class Misfit(msgspec.Struct, frozen=True):
    """A tensor whose shape in the checkpoint is not the model's: transformers leaves its values out."""

    name: str
    stored: tuple[int, ...]
    expected: tuple[int, ...]

    @property
    def words(self) -> str:
        return (
            f"{self.name} is {shape_text(self.stored)} in the checkpoint and {shape_text(self.expected)} in the model"
        )


class Fit(msgspec.Struct, frozen=True):
    """`missing` are parameters that the checkpoint lacks, `unexpected` tensors that the model has no place for.

    Both words are those of transformers. `misfits` have a place in the model but another shape. `prefix` is what every
    name in the checkpoint begins with, if this alone keeps the model from finding its parameters; otherwise empty.
    """

    missing: list[str]
    unexpected: list[str]
    misfits: list[Misfit]
    prefix: str = ""


def fit(description: Description, stored: Mapping[str, tuple[int, ...]]) -> Fit | None:
    """Compare a model with the tensors of a checkpoint; None if their names alone do not show what fits."""
    if description.source == "checkpoint":
        return Fit([], [], [])
    loading = description.loading
    if loading is None or loading.is_converted:
        return None
    found = _matched(description, stored, loading.prefix, loading.passed_over)
    if len(found.missing) < len(description.parameters) or not stored:
        return found
    return msgspec.structs.replace(found, prefix=_hiding_prefix(description, stored, loading.prefix))


def _matched(
    description: Description, stored: Mapping[str, tuple[int, ...]], prefix: str, passed_over: list[str]
) -> Fit:
    canonical = {parameter.name: parameter.name for parameter in description.parameters}
    for parameter in description.parameters:
        canonical |= dict.fromkeys(parameter.tied_to, parameter.name)
    places = canonical | {buffer.name: "" for buffer in description.buffers}
    shapes = {parameter.name: parameter.shape for parameter in description.parameters}
    ignored = re.compile("|".join(f"(?:{pattern})" for pattern in (*passed_over, *BUFFERS)))
    there: set[str] = set()
    unexpected: list[str] = []
    misfits: list[Misfit] = []
    for name, shape in stored.items():
        renamed = _placed(name, places, prefix)
        if renamed not in places:
            if not ignored.search(renamed):
                unexpected.append(renamed)
        elif parameter_name := places[renamed]:
            there.add(parameter_name)
            if shape != shapes[parameter_name]:
                misfits.append(Misfit(parameter_name, shape, shapes[parameter_name]))
    return Fit([name for name in shapes if name not in there], sorted(unexpected), misfits)


def _placed(name: str, places: Mapping[str, str], prefix: str) -> str:
    """Return the model's name for a tensor of a checkpoint, as transformers finds it, or `name` if it has none."""
    for old, new in OLD_NAMES:
        name = name.replace(old, new, 1)
    if not prefix:
        return name
    inner = name.removeprefix(f"{prefix}.")
    return inner if inner in places else f"{prefix}.{name}" if f"{prefix}.{name}" in places else name


def _hiding_prefix(description: Description, stored: Mapping[str, tuple[int, ...]], prefix: str) -> str:
    """Return the prefix of all stored names if the model would find its parameters without it; otherwise empty."""
    hiding = ""
    names = dict(stored)
    for _ in range(3):
        firsts = {name.partition(".")[0] for name in names}
        if len(firsts) != 1:
            break
        first = firsts.pop()
        hiding += f"{first}."
        names = {name.removeprefix(f"{first}."): shape for name, shape in names.items()}
        if len(_matched(description, names, prefix, []).missing) < len(description.parameters) / 2:
            return hiding
    return ""
