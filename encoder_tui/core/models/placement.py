"""Where and how a model runs: what was asked for, and what is in force."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from encoder_tui.core.bounds import Bytes, SomeTokens, Tokens
from encoder_tui.core.models.files import ModelFiles
from encoder_tui.core.models.trust import also_allowed, is_trusted
from encoder_tui.core.settings import Settings

Weights = Literal["checkpoint", "random"]
Head = Literal["masked_lm"]
"""What a model is loaded with beyond its encoder; None for the encoder alone."""


class ModelSource(msgspec.Struct, frozen=True):
    """A model that the engine is to load: its name as given, and `builtin:NAME` or a directory on the engine's side.

    `repo` and `commit` tell where weights that are not in that directory yet may be fetched, unless `offline`.
    `also_allowed` are others whose code a model that is trusted refers to, and that are trusted too.
    """

    name: str
    location: str
    trust_remote_code: bool = False
    repo: str | None = None
    commit: str | None = None
    offline: bool = False
    also_allowed: tuple[str, ...] = ()


class Placement(msgspec.Struct, frozen=True):
    """What was asked for; None leaves it to the machine (device, threads), the checkpoint (dtype), the architecture.

    `threads` are those of the processor that a pass is computed in. Weights do not depend on them.
    """

    device: str | None = None
    dtype: str | None = None
    attention: str | None = None
    threads: SomeTokens | None = None


class InForce(msgspec.Struct, frozen=True):
    """How a loaded model runs. `device` is named in full and, like `dtype`, read from the parameters.

    `new` are tensors that the checkpoint lacks or has in another shape, and that are therefore random; `unused`
    are those that the checkpoint has beyond the model, for example of a head. `remarks` are sentences for people.
    `threads` is what was obtained where a number was asked for, None otherwise.
    """

    device: str
    dtype: str
    attention: str
    weights: Weights
    parameter_bytes: Bytes
    new: list[str] = []
    unused: list[str] = []
    remarks: list[str] = []
    threads: Tokens | None = None

    @property
    def where(self) -> str:
        """The device, with the number of threads where one was asked for: `cpu ×2`."""
        return self.device if self.threads is None else f"{self.device} ×{self.threads}"

    @property
    def short(self) -> str:
        """Device, dtype and attention in a few words, as the panes show them."""
        return f"{self.device} · {self.dtype} · {self.attention}"

    def words(self, modes: Sequence[str] = ()) -> str:
        """The settings in a line, as the commands print them; `modes` are what else a pass was run with."""
        weights = "random weights" if self.weights == "random" else "weights of the checkpoint"
        return ", ".join([self.where, self.dtype, f"{self.attention} attention", *modes, weights])


class Offers(msgspec.Struct, frozen=True):
    """What is in force for a model, and what it could run with on that device: attention implementations that its
    architecture has and this installation offers, and the cores of its processor. `threads` are those in force.
    """

    in_force: InForce
    attentions: list[str]
    threads: int
    cores: int


def placement_of(settings: Settings) -> Placement:
    """Where and how the user wants models to run."""
    return Placement(settings.device, settings.dtype, settings.attention, settings.threads)


def source_of(files: ModelFiles, trusted: tuple[str, ...] = (), offline: bool = False) -> ModelSource:
    """The source of a model whose small files were found; `trusted` is what `is_trusted` goes by."""
    location = files.name if files.source == "builtin" else files.path
    runs_code = is_trusted(files, trusted)
    also = also_allowed(files.code_of, trusted) if runs_code else ()
    return ModelSource(files.name, location, runs_code, files.repo, files.commit, offline, also)
