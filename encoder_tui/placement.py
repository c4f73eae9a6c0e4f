"""Where and how a model runs: what was asked for, and what is in force."""

from __future__ import annotations

from typing import Literal

import msgspec

from encoder_tui.models import ModelFiles, is_trusted

Weights = Literal["checkpoint", "random"]


class ModelSource(msgspec.Struct, frozen=True):
    """A model that the engine is to load: its name as given, and `builtin:NAME` or a directory on the engine's side.

    `repo` and `commit` tell where weights that are not in that directory yet may be fetched, unless `offline`.
    """

    name: str
    location: str
    trust_remote_code: bool = False
    repo: str | None = None
    commit: str | None = None
    offline: bool = False


class Placement(msgspec.Struct, frozen=True):
    """What was asked for; None leaves it to the machine (device), the checkpoint (dtype), the architecture."""

    device: str | None = None
    dtype: str | None = None
    attention: str | None = None


class InForce(msgspec.Struct, frozen=True):
    """How a loaded model runs. `device` is named in full and, like `dtype`, read from the parameters.

    `new` are tensors that the checkpoint lacks or has in another shape, and that are therefore random; `unused`
    are those that the checkpoint has beyond the model, for example of a head. `remarks` are sentences for people.
    """

    device: str
    dtype: str
    attention: str
    weights: Weights
    parameter_bytes: int
    new: list[str] = []
    unused: list[str] = []
    remarks: list[str] = []

    def words(self) -> str:
        """The settings in a line, as the commands print them."""
        weights = "random weights" if self.weights == "random" else "weights of the checkpoint"
        return f"{self.device}, {self.dtype}, {self.attention} attention, {weights}"


def source_of(files: ModelFiles, trusted: tuple[str, ...] = (), offline: bool = False) -> ModelSource:
    """The source of a model whose small files were found; `trusted` is what `is_trusted` goes by."""
    location = files.name if files.source == "builtin" else files.path
    return ModelSource(files.name, location, is_trusted(files, trusted), files.repo, files.commit, offline)
