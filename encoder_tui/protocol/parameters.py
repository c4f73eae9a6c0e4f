"""Requests about a model's parameters."""

from __future__ import annotations

import msgspec


class DescribeRequest(msgspec.Struct, frozen=True):
    """Describe a model's parameters without their values.

    `location` and `commit` are those of `TokenizerRequest`; `path` is the directory of the files on the engine's
    machine. `repo` is the Hub id if there is one; if transformers has no code for the model, the headers of the weights
    there are read. With `head` it is the class that the configuration names, not the bare encoder.
    """

    name: str
    location: str
    path: str
    commit: str | None = None
    repo: str | None = None
    offline: bool = False
    trust_remote_code: bool = False
    also_allowed: tuple[str, ...] = ()
    head: bool = False


class TensorRequest(msgspec.Struct, frozen=True):
    """Read one tensor of the checkpoint in the directory `path`; `parameter` is its name in the model.

    If the weights are not there, the tensor alone is fetched from the Hub: from the repository `repo` at `commit`.
    """

    name: str
    path: str
    parameter: str
    bins: int = 60
    repo: str | None = None
    commit: str | None = None
    offline: bool = False


class DifferenceRequest(msgspec.Struct, frozen=True):
    """Compare the checkpoints in two directories; `first` and `second` are the models' names."""

    first: str
    first_path: str
    second: str
    second_path: str
