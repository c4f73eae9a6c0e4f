"""A model's configuration as transformers reads it, once its directory has been looked at."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from encoder_tui.core.models.names import ModelError
from encoder_tui.core.models.vetting import vet
from encoder_tui.core.tokens.rust_errors import refusals
from encoder_tui.engine.job import OperationError


def refuse_unsafe(
    name: str, directory: Path, *, own: str | None = None, runs_code: bool = False, also_allowed: Iterable[str] = ()
) -> None:
    """What `vet` does; raises `OperationError`."""
    try:
        vet(name, directory, own=own, runs_code=runs_code, allowed=also_allowed)
    except ModelError as error:
        raise OperationError(str(error)) from error


def read_configuration(
    name: str,
    directory: Path,
    *,
    own: str | None = None,
    commit: str | None = None,
    runs_code: bool = False,
    also_allowed: Iterable[str] = (),
) -> Any:
    """The configuration of the model in a directory. `own` is its Hub id, if it has one.

    With a `commit` it is read by the Hub id, from that snapshot in the cache, whose directory this is then.
    Raises `OperationError`, also for a directory that transformers must not read (`refuse_unsafe`).
    """
    from transformers import AutoConfig  # noqa: PLC0415

    refuse_unsafe(name, directory, own=own, runs_code=runs_code, also_allowed=also_allowed)
    where = {"revision": commit} if own and commit else {}
    with refusals(OperationError, f"{name}: transformers cannot read its configuration"):
        config = AutoConfig.from_pretrained(
            own if own and commit else directory, local_files_only=True, trust_remote_code=runs_code, **where
        )
    leave_attention_to_the_plan(config)
    return config


def leave_attention_to_the_plan(config: Any) -> None:
    """Take out of a configuration, and of those within it, what would choose an attention implementation.

    A name such as `owner/kernels` makes transformers fetch native code from the Hub and run it. Which attention is
    used is up to the architecture and to the user. `output_attentions` chooses too: it demands eager attention.
    """
    from transformers import PreTrainedConfig  # noqa: PLC0415

    if getattr(config, "output_attentions", False):
        config.output_attentions = False
    config._attn_implementation = None
    for inner in vars(config).values():
        if isinstance(inner, PreTrainedConfig):
            leave_attention_to_the_plan(inner)
