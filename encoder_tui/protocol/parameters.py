"""What is asked of the engine about a model's parameters."""

from __future__ import annotations

import msgspec


class DescribeRequest(msgspec.Struct, frozen=True):
    """Describe a model's parameters without its values.

    `location` and `commit` as for the tokenizer; `path` is the directory of its files on the engine's side,
    `repo` its Hub id if it has one, whose header is asked for where transformers has no code for the model.
    """

    name: str
    location: str
    path: str
    commit: str | None = None
    repo: str | None = None
    offline: bool = False
    trust_remote_code: bool = False
    also_allowed: tuple[str, ...] = ()


class TensorRequest(msgspec.Struct, frozen=True):
    """Read one tensor of the checkpoint in the directory `path`; `parameter` is the model's name for it."""

    name: str
    path: str
    parameter: str
    bins: int = 60


class DifferenceRequest(msgspec.Struct, frozen=True):
    """Compare the checkpoints in two directories; `first` and `second` are the models' names."""

    first: str
    first_path: str
    second: str
    second_path: str
