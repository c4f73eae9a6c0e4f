"""Load a deployed model through sentence-transformers, once its directory has been looked at.

The library follows whatever the files of a directory say. So its classes of code, its folders and the arguments that it
would hand to transformers are checked first, nothing is asked of the Hub, and what it would leave unsaid (which values
are random) is heard while it loads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import torch

from encoder_tui.core.models.card import Card
from encoder_tui.core.models.modules import DROPPED, MODULES
from encoder_tui.core.models.placement import ModelSource
from encoder_tui.core.text import numbers
from encoder_tui.core.tokens.rust_errors import refusals
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.machine import devices
from encoder_tui.engine.machine.out_of_memory import memory_errors
from encoder_tui.engine.models.checkpoints import weights_of
from encoder_tui.engine.models.configuration import leave_attention_to_the_plan
from encoder_tui.engine.models.loaded_model import LoadedModel
from encoder_tui.engine.models.random_weights import SEED, fill
from encoder_tui.engine.tasks.pipeline import LoadedPipeline

CLASSES: Final = {
    "sparse-encoder": "SparseEncoder",
    "multi-vector-encoder": "MultiVectorEncoder",
    "cross-encoder": "CrossEncoder",
}
"""The classes of sentence-transformers by kind; every other kind is a SentenceTransformer."""

STATED: Final = frozenset({"sentence-transformer", "sparse-encoder", "multi-vector-encoder", "cross-encoder"})
"""Kinds that say themselves how vectors or scores come about."""

UNPOOLED: Final = ("pooler.", "bert.pooler.", "roberta.pooler.")
"""Parameters that no pipeline computes with unless it takes the pooler's output."""


def load_pipeline(
    source: ModelSource, directory: Path, card: Card, dtype: str | None, device: torch.device, job: Job
) -> LoadedPipeline:
    """Read a deployed model. Raises `OperationError`, also if a part of it is not there.

    A directory without any weights gives a pipeline of random values.
    """
    name = source.name
    if dropped := [module.type for module in card.modules if module.name in DROPPED]:
        raise OperationError(
            f"{name}: {MODULES} names {dropped[0]}, which sentence-transformers no longer has;"
            " write sentence_transformers.models.Transformer in its place"
        )
    job.progress(f"{name}: importing sentence-transformers")
    import sentence_transformers  # noqa: PLC0415
    from transformers.utils import logging  # noqa: PLC0415

    logging.disable_progress_bar()
    is_random = not weights_of(source, directory / card.folder)
    job.progress(f"{name}: {'making random weights' if is_random else 'loading the weights'}")
    make = getattr(sentence_transformers, CLASSES.get(card.kind, "SentenceTransformer"))
    arguments = {} if dtype is None else {"dtype": devices.dtype_of(dtype)}
    torch.manual_seed(SEED)
    with (
        memory_errors(f"{name}: loading the weights"),
        refusals(OperationError, f"{name}: sentence-transformers cannot load it"),
        memory_errors(f"{name}: loading the weights"),
        heard_loading(is_random, job) as heard,
    ):
        model = make(
            str(directory),
            device=str(device),
            local_files_only=True,
            trust_remote_code=source.trust_remote_code,
            model_kwargs=arguments,
        )
    model.eval()
    encoders = [
        LoadedModel(source, one, device, "checkpoint", str(one.config._attn_implementation)) for one, _ in heard
    ]
    new, unused = _unread(name, model, heard)
    remarks = []
    if is_random:
        remarks.append(f"{name}: there are no weights at {directory}; all values are random")
    elif new:
        are = numbers.count(len(new), "tensor is", "tensors are")
        remarks.append(f"{name}: {are} not in the checkpoint and therefore random: {numbers.first_of(new, 4)}")
    return LoadedPipeline(
        source,
        model,
        device,
        "random" if is_random else "checkpoint",
        "",
        new,
        unused,
        remarks,
        head="pipeline",
        card=card,
        encoders=encoders,
        library=f"sentence-transformers {version('sentence-transformers')}",
        pooling_is_ours=card.kind not in STATED,
        is_random=is_random or bool(new),
    )


Heard = list[tuple[Any, dict[str, Any]]]
"""The transformers that were loaded, each with what transformers says of its checkpoint."""


@contextmanager
def heard_loading(is_random: bool, job: Job) -> Iterator[Heard]:
    """Hear what transformers says of each checkpoint that sentence-transformers makes it load, and fails to hand on.

    If `is_random`, models are built with random values, for a directory without weights.
    """
    from transformers import PreTrainedModel  # noqa: PLC0415
    from transformers.initialization import no_init_weights  # noqa: PLC0415

    heard: Heard = []
    original = PreTrainedModel.from_pretrained.__func__

    def from_pretrained(cls: Any, *arguments: Any, **settings: Any) -> Any:
        config = settings.get("config")
        if config is not None:
            leave_attention_to_the_plan(config)
        if is_random and config is not None:
            with no_init_weights():
                model = cls._from_config(config, **{key: settings[key] for key in ("dtype",) if key in settings})
            model.tie_weights()
            fill(model, job)
            heard.append((model, {}))
            return model
        model, info = original(cls, *arguments, **settings, output_loading_info=True)
        heard.append((model, info))
        return model

    PreTrainedModel.from_pretrained = classmethod(from_pretrained)
    try:
        yield heard
    finally:
        PreTrainedModel.from_pretrained = classmethod(original)


def _unread(name: str, model: Any, heard: Heard) -> tuple[list[str], list[str]]:
    """Return the parameters that no checkpoint holds, and the tensors of checkpoints that no model has.

    Raises `OperationError` if a checkpoint has nothing for its model.
    """
    new: list[str] = []
    unused: list[str] = []
    for one, info in heard:
        parameters = {key for key, _ in one.named_parameters()}
        missing = set(info.get("missing_keys", ())) & parameters
        if parameters and missing == parameters:
            raise OperationError(
                f"{name}: the weights have no tensor of a {type(one).__name__}; they belong to another model"
            )
        new += sorted(key for key in missing if not key.startswith(UNPOOLED) or _takes_pooler(model))
        unused += sorted(info.get("unexpected_keys", ()))
    return new, unused


def _takes_pooler(model: Any) -> bool:
    """Return whether a pipeline computes with the pooler of its transformer, beyond the states of tokens."""
    return any(getattr(module, "module_output_name", "") != "token_embeddings" for module in list(model)[:1])
