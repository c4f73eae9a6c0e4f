"""Where and how a model runs: requested settings, and effective ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from encoder_tui.core.bounds import Bytes, SomeTokens, Tokens
from encoder_tui.core.models.files import ModelFiles
from encoder_tui.core.models.trust import also_allowed, is_trusted
from encoder_tui.core.settings import Settings

Weights = Literal["checkpoint", "random"]
Head = Literal[
    "masked_lm",
    "sequence_classification",
    "token_classification",
    "question_answering",
    "multiple_choice",
    "pipeline",
]
"""The head that a model is loaded with, by its task, or the whole deployed pipeline; None for the encoder alone."""


class ModelSource(msgspec.Struct, frozen=True):
    """A model for the engine to load: its name as given, and `builtin:NAME` or a directory on the engine's machine.

    `repo`, `commit` and the `folder` inside the repository say where missing weights may be fetched, unless `offline`.
    `also_allowed` are other repositories whose code a trusted model refers to, and that are trusted too.
    """

    name: str
    location: str
    trust_remote_code: bool = False
    repo: str | None = None
    commit: str | None = None
    offline: bool = False
    also_allowed: tuple[str, ...] = ()
    folder: str = ""


class Placement(msgspec.Struct, frozen=True):
    """Requested settings; None leaves one to the machine (device, threads), checkpoint (dtype) or architecture.

    `threads` is the number of CPU threads for a pass. Weights do not depend on it.
    """

    device: str | None = None
    dtype: str | None = None
    attention: str | None = None
    threads: SomeTokens | None = None


class InForce(msgspec.Struct, frozen=True):
    """How a loaded model runs. `device` is the full name and, like `dtype`, read from the parameters.

    `missing` are parameters that the checkpoint lacks, `mismatched` those that it has in another shape, so both are
    random; `unexpected` are tensors of the checkpoint that the model does not have, for example of a head. `remarks`
    are sentences for people. `threads` is the number obtained if one was requested, None otherwise. `class_name` is
    the class of transformers that was loaded.
    """

    device: str
    dtype: str
    attention: str
    weights: Weights
    parameter_bytes: Bytes
    missing: list[str] = []
    unexpected: list[str] = []
    remarks: list[str] = []
    threads: Tokens | None = None
    mismatched: list[str] = []
    class_name: str = ""

    @property
    def random(self) -> list[str]:
        """The parameters that are random although the others are those of a checkpoint."""
        return [*self.missing, *self.mismatched]

    @property
    def where(self) -> str:
        """The device, with the number of threads if one was requested: `cpu ×2`."""
        return self.device if self.threads is None else f"{self.device} ×{self.threads}"

    @property
    def short(self) -> str:
        """Device, dtype and attention in a few words, as the panes show them."""
        return f"{self.device} · {self.dtype} · {self.attention}"

    def words(self, modes: Sequence[str] = ()) -> str:
        """Return the settings in one line, as commands print them; `modes` are further settings of a pass."""
        weights = "random weights" if self.weights == "random" else "weights of the checkpoint"
        return ", ".join([self.where, self.dtype, f"{self.attention} attention", *modes, weights])


class Offers(msgspec.Struct, frozen=True):
    """The effective settings of a model, and those that it supports on its device: attention implementations that its
    architecture has and this installation offers, and CPU cores. `threads` is the current number.
    """

    in_force: InForce
    attentions: list[str]
    threads: int
    cores: int


def placement_of(settings: Settings) -> Placement:
    """Return where and how the user wants models to run."""
    return Placement(settings.device, settings.dtype, settings.attention, settings.threads)


def source_of(files: ModelFiles, trusted: tuple[str, ...] = (), offline: bool = False) -> ModelSource:
    """Return the source of a model whose small files were found; `trusted` is as in `is_trusted`."""
    location = files.name if files.source == "builtin" else files.path
    runs_code = is_trusted(files, trusted)
    also = also_allowed(files.code_of, trusted) if runs_code else ()
    return ModelSource(files.name, location, runs_code, files.repo, files.commit, offline, also, files.card.folder)
