"""The inputs and outputs of a model, as the app and the engine exchange them."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from encoder_tui.core.bounds import Tokens
from encoder_tui.core.models.placement import Head, InForce
from encoder_tui.core.text.numbers import count
from encoder_tui.core.text.safe import visible


class Batch(msgspec.Struct, frozen=True):
    """Tokenized texts: lists of shape (batch, sequence).

    `token_type_ids` is None if the tokenizer does not return them.
    """

    input_ids: list[list[Tokens]]
    attention_mask: list[list[Tokens]]
    token_type_ids: list[list[Tokens]] | None = None


class OutputFacts(msgspec.Struct, frozen=True):
    """An output tensor. Statistics are None if they are not finite; `std` is also None for a single value.

    `std` is the sample standard deviation, as `Tensor.std()` computes it. `random` says why the values are random
    although the model has weights, as a clause for people; empty if they are not.
    """

    name: str
    shape: list[int]
    dtype: str
    device: str
    mean: float | None
    std: float | None
    min: float | None
    max: float | None
    non_finite: int = 0
    random: str = ""

    @property
    def numel(self) -> int:
        return math.prod(self.shape)


def output_cells(output: OutputFacts) -> list[str]:
    """Return an output as a row of the table that `run` prints: name, shape, dtype, statistics, a remark."""
    numbers = ["–" if one is None else f"{one:.4g}" for one in (output.mean, output.std, output.min, output.max)]
    broken = count(output.non_finite, "value is not finite", "values are not finite") if output.non_finite else ""
    remark = "; ".join(filter(None, (broken, visible(output.random))))
    return [visible(output.name), "×".join(map(str, output.shape)), output.dtype, *numbers, remark]


OUTPUT_COLUMNS = ["output", "shape", "dtype", "mean", "std", "min", "max", ""]
"""The column heads of these cells."""


class RunAnswer(msgspec.Struct, frozen=True):
    """The settings that a model ran with, and its outputs. Partial answers hold one output each."""

    in_force: InForce
    outputs: list[OutputFacts]
    seconds: float = 0.0


class Values(msgspec.Struct, frozen=True):
    """Values as little-endian bytes of `dtype`; `shape` is that of the whole output."""

    dtype: str
    shape: list[int]
    data: bytes


class ModelInMemory(msgspec.Struct, frozen=True):
    """A model that the engine holds; the same model with its masked-language head is a separate one."""

    name: str
    in_force: InForce
    head: Head | None = None


class MemoryAnswer(msgspec.Struct, frozen=True):
    """What the engine holds in memory; sizes in bytes."""

    models: list[ModelInMemory]
    outputs: int
    resident: int | None
    free: int | None


class Dimensions(msgspec.Struct, frozen=True):
    """The sizes of an encoder that determine how much memory a pass needs."""

    layers: int
    heads: int
    hidden: int
    intermediate: int


def memory_needed(
    size: Dimensions,
    batch: int,
    length: int,
    item: int,
    *,
    eager: bool,
    hidden_states: bool = False,
    attentions: bool = False,
) -> int:
    """Estimate the bytes that a pass needs beside the weights, with `item` bytes per value.

    It is a lower bound, meant to refuse only what cannot fit: the activations of one layer, the scores and
    probabilities of one layer if attention is eager, and what is kept of all layers.
    """
    tokens = batch * length
    scores = batch * size.heads * length * length * item
    needed = tokens * (6 * size.hidden + 2 * size.intermediate) * item
    if eager:
        needed += 2 * scores
    if hidden_states:
        needed += (size.layers + 1) * tokens * size.hidden * item
    if attentions:
        needed += size.layers * scores
    return needed


def run_record(name: str, answer: RunAnswer) -> dict[str, Any]:
    """Return one model as `run --json` prints it."""
    in_force = answer.in_force
    return {
        "model": name,
        "device": in_force.device,
        "dtype": in_force.dtype,
        "attention": in_force.attention,
        "weights": in_force.weights,
        "missing": in_force.missing,
        "unexpected": in_force.unexpected,
        **({"mismatched": in_force.mismatched} if in_force.mismatched else {}),
        "remarks": in_force.remarks,
        "outputs": [output_record(output) for output in answer.outputs],
    }


def output_record(output: OutputFacts) -> dict[str, Any]:
    """Return an output as `run --json` prints it; one that is random says so."""
    return {
        **{key: getattr(output, key) for key in ("name", "shape", "dtype", "mean", "std", "min", "max")},
        **({"random": True, "remark": output.random} if output.random else {}),
    }
