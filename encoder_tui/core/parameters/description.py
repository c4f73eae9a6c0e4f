"""The contents of a model: its parameters, its buffers, and what its configuration says about its layers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any, Literal

import msgspec

from encoder_tui.core.dtypes import bytes_of

Source = Literal["architecture", "checkpoint"]
Attention = Literal["global", "sliding window"]


class Parameter(msgspec.Struct, frozen=True):
    """One tensor that training changes. `tied_to` names another use of the same values."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    numel: int
    role: str
    tied_to: tuple[str, ...] = ()

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


class Loading(msgspec.Struct, frozen=True):
    """How transformers finds a model's parameters in a checkpoint.

    The names in a checkpoint may begin with `prefix` or lack it. Tensors that match a regular expression in
    `passed_over` are not reported. If `is_converted`, transformers first renames, joins or splits the tensors of this
    architecture, so their names alone do not show which ones fit.
    """

    prefix: str = ""
    passed_over: list[str] = []
    is_converted: bool = False


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """A model without its values, in the order of `named_parameters()`.

    `source` is "checkpoint" if the names come from the safetensors file because transformers has no code for the
    model. `config` is the configuration with the defaults of its class filled in. `repeats` is how often the layers
    run, if more than once. `loading` is None if the names are the checkpoint's own.
    """

    class_name: str
    kind: str
    source: Source
    parameters: list[Parameter]
    buffers: list[Buffer] = []
    layers: list[LayerFact] = []
    repeats: int | None = None
    config: dict[str, Any] = {}
    notes: list[str] = []
    loading: Loading | None = None

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


def table_tsv(description: Description) -> str:
    """Return all parameters as tab-separated lines."""
    rows = [("name", "shape", "dtype", "numel", "bytes", "role")]
    rows += [
        (p.name, "x".join(map(str, p.shape)), p.dtype, str(p.numel), str(p.bytes), p.role)
        for p in description.parameters
    ]
    return "".join("\t".join(row) + "\n" for row in rows)
