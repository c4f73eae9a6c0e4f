"""The contents of a model: its parameters, its buffers, and what its configuration says about its layers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any, Final, Literal

import msgspec

from encoder_tui.core.dtypes import bytes_of
from encoder_tui.core.models.stored_weights import StoredWeights

Source = Literal["architecture", "checkpoint"]
Attention = Literal["global", "sliding window"]


class Parameter(msgspec.Struct, frozen=True):
    """One tensor that training changes. `tied_to` names other uses of the same values.

    `is_head` says that it belongs to the head, if the model was described with its head.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    numel: int
    role: str
    tied_to: tuple[str, ...] = ()
    is_head: bool = False

    @property
    def bytes(self) -> int:
        """The bytes of its values."""
        return bytes_of(self.numel, self.dtype)


class Buffer(msgspec.Struct, frozen=True):
    """A tensor of the model that is not trained."""

    name: str
    shape: tuple[int, ...]
    dtype: str


class LayerFact(msgspec.Struct, frozen=True):
    """How one layer attends: the window in tokens (both sides together), and the base of its rotary positions."""

    attention: Attention
    window: int | None = None
    rotary_base: float | None = None


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
    """How a checkpoint fits a model.

    `missing` are tensors of the model that the checkpoint lacks, so that they are random once it is loaded;
    `unexpected` are tensors of the checkpoint that the model has no place for. Both words are those of transformers.
    `misfits` have a place in the model but another shape, so they are random too. `prefix` is what every name in the
    checkpoint begins with, if this alone keeps the model from finding its parameters; otherwise empty.

    `stored_dtypes` are the dtypes in the file, by parameter, of those that the model loads as another dtype.
    `stored_names` are the names in the file, by parameter, of those that it calls something else.
    """

    missing: list[str] = []
    unexpected: list[str] = []
    misfits: list[Misfit] = []
    prefix: str = ""
    stored_dtypes: dict[str, str] = {}
    stored_names: dict[str, str] = {}

    @property
    def random(self) -> list[str]:
        """The parameters that are random once the checkpoint is loaded: those missing, then those of another shape."""
        return [*self.missing, *(misfit.name for misfit in self.misfits)]


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """A model without its values, in the order of `named_parameters()`.

    `class_name` is the class that was built. `source` is "checkpoint" if the names come from the safetensors file
    because transformers has no code for the model. `config` is the configuration with the defaults of its class filled
    in. `repeats` is how often the layers run, if more than once. `fit` compares the model with its checkpoint; None if
    there is no checkpoint whose tensors can be listed. `head_class` is the class with a head that the configuration
    names, None if it names none. `on_hub` are the checkpoint's files if they are on the Hub and not here.
    `remarks` are sentences about the model and its checkpoint.
    """

    class_name: str
    kind: str
    source: Source
    parameters: list[Parameter]
    buffers: list[Buffer] = []
    layers: list[LayerFact] = []
    repeats: int | None = None
    config: dict[str, Any] = {}
    fit: Fit | None = None
    on_hub: StoredWeights | None = None
    head_class: str | None = None
    remarks: list[str] = []

    @property
    def total(self) -> int:
        """The number of values in the model; tied values count once."""
        return total(self.parameters)

    def neighbour(self, name: str, step: int) -> Parameter:
        """Return the parameter `step` places after `name`, wrapping around; an unknown name counts as the first."""
        names = [parameter.name for parameter in self.parameters]
        place = names.index(name) if name in names else -1
        return self.parameters[(place + step) % len(names)]


def total(parameters: Iterable[Parameter]) -> int:
    """Return the number of values in all parameters."""
    return sum(parameter.numel for parameter in parameters)


def share(part: int, whole: int) -> str:
    """Format a share in per cent, for people."""
    if not whole or not part:
        return "0 %"
    percent = 100 * part / whole
    return f"{percent:.0f} %" if percent >= 9.95 else f"{percent:.1f} %" if percent >= 0.05 else "< 0.1 %"


def by_dtype(parameters: Iterable[Parameter]) -> dict[str, int]:
    """Return the bytes of each dtype, largest first."""
    sizes: dict[str, int] = {}
    for parameter in parameters:
        sizes[parameter.dtype] = sizes.get(parameter.dtype, 0) + parameter.bytes
    return dict(sorted(sizes.items(), key=lambda entry: -entry[1]))


def million(count: int) -> str:
    """Format a number of parameters for people: 108.3 M."""
    for step, unit in ((10**9, "B"), (10**6, "M"), (10**3, "K")):
        if count >= step:
            return f"{count / step:.1f} {unit}"
    return str(count)


def shape_text(shape: Sequence[int]) -> str:
    """Format a shape for people: 768 × 768."""
    return " × ".join(f"{side:,}" for side in shape) if shape else "scalar"


def numel_of(shape: Sequence[int]) -> int:
    """Return the number of values in a tensor of this shape."""
    return prod(shape)


def parameter_record(parameter: Parameter) -> dict[str, Any]:
    """Return one parameter as `params --json` prints it."""
    return {
        "name": parameter.name,
        "shape": list(parameter.shape),
        "dtype": parameter.dtype,
        "numel": parameter.numel,
        "role": parameter.role,
    }


NOT_COMPARED: Final = "there are no weights here, so the parameters were not compared with a checkpoint"


def all_remarks(description: Description) -> list[str]:
    """Return a description's remarks, and that it was not compared with a checkpoint unless they say why."""
    return description.remarks or ([NOT_COMPARED] if description.fit is None else [])


def fit_record(fit: Fit | None) -> dict[str, Any]:
    """Return how a checkpoint fits as `params --json` prints it; if there is no checkpoint, nothing is missing."""
    found = fit or Fit()
    misfits = [{"name": one.name, "stored": list(one.stored), "expected": list(one.expected)} for one in found.misfits]
    return {
        "missing": found.missing,
        "unexpected": found.unexpected,
        **({"mismatched": misfits} if misfits else {}),
    }


def description_record(description: Description) -> dict[str, Any]:
    """Return a model as `params --json` prints it, without its name."""
    return {
        "class": description.class_name,
        "parameters": [parameter_record(parameter) for parameter in description.parameters],
        "total": description.total,
        **fit_record(description.fit),
        "remarks": all_remarks(description),
    }


def table_tsv(description: Description) -> str:
    """Return all parameters as tab-separated lines."""
    rows = [("name", "shape", "dtype", "numel", "bytes", "role")]
    rows += [
        (p.name, "x".join(map(str, p.shape)), p.dtype, str(p.numel), str(p.bytes), p.role)
        for p in description.parameters
    ]
    return "".join("\t".join(row) + "\n" for row in rows)
