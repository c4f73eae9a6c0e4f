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

from encoder_tui.core.models.layouts import why_not_read
from encoder_tui.core.models.modules import DROPPED, MODULES, WEIGHTED, settings_lacking
from encoder_tui.core.models.placement import ModelSource
from encoder_tui.core.models.weight_files import weight_files
from encoder_tui.core.text import numbers
from encoder_tui.core.tokens.rust_errors import refusals
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.machine import devices
from encoder_tui.engine.machine.out_of_memory import memory_errors
from encoder_tui.engine.models.checkpoints import explained, weights_of, why_no_tensor_fits, why_without_weights
from encoder_tui.engine.models.classes import ENCODERS
from encoder_tui.engine.models.configuration import leave_attention_to_the_plan
from encoder_tui.engine.models.loaded_model import LoadedModel
from encoder_tui.engine.models.random_weights import SEED, fill
from encoder_tui.engine.tasks.own_pipeline import library_problem, load_own
from encoder_tui.engine.tasks.pipeline import LoadedPipeline
from encoder_tui.engine.tasks.vetting import Checked

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


def lacking(model: Checked) -> list[str]:
    """Return the folders of a model's modules that should hold weights and do not."""
    return [
        module.module.path
        for module in model.modules
        if module.module.name in WEIGHTED and not weight_files_in(model.directory / module.module.path)
    ]


def weight_files_in(folder: Path) -> list[Path]:
    """Return the files of weights in a folder; none if it is not there."""
    return weight_files(folder) if folder.is_dir() else []


def load_pipeline(
    source: ModelSource, checked: Checked, dtype: str | None, device: torch.device, job: Job, reason: str | None = None
) -> LoadedPipeline:
    """Read a deployed model. Raises `OperationError`, also if a part of it is not there.

    A directory without the weights of its transformer gives a pipeline of random values; `reason` says why they are not
    there, if it is known.
    """
    name, card, directory = source.name, checked.card, checked.directory
    if dropped := [module.type for module in card.modules if module.name in DROPPED]:
        raise OperationError(
            f"{name}: {MODULES} names {dropped[0]}, which sentence-transformers no longer has;"
            " write sentence_transformers.models.Transformer in its place"
        )
    transformers = [module for module in checked.modules if module.config]
    folders = [module.module.path for module in transformers] or ([] if checked.modules else [""])
    places = list(dict.fromkeys([*folders, *(module.module.path for module in checked.modules), ""]))
    is_random = not all(weights_of(source, directory / folder) for folder in folders)
    absent = lacking(checked)
    if absent and (not is_random or not folders):
        where = f"{absent[0]}/model.safetensors" if absent[0] else "model.safetensors"
        raise OperationError(
            f"{name}: {reason or f'{where} is missing, though {MODULES} names its module'};"
            " without it the vectors are not the deployed model's"
        )
    job.progress(f"{name}: importing sentence-transformers")
    if problem := library_problem():
        return load_own(source, checked, dtype, device, job, problem)
    import sentence_transformers  # noqa: PLC0415
    from transformers.utils import logging  # noqa: PLC0415

    logging.disable_progress_bar()
    job.progress(f"{name}: {'making random weights' if is_random else 'loading the weights'}")
    make = getattr(sentence_transformers, CLASSES.get(card.kind, "SentenceTransformer"))
    arguments = {} if dtype is None else {"dtype": devices.dtype_of(dtype)}
    torch.manual_seed(SEED)
    with (
        memory_errors(f"{name}: loading the weights"),
        explained(f"{name}: its files cannot be read", lambda: _why_not_read(checked, places)),
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
    new, unused = _unread(source, directory / (folders or [""])[0], model, heard)
    remarks = []
    if is_random:
        why = reason or f"{name}: {why_without_weights(source, directory / (folders or [''])[0])}"
        remarks.append(f"{why}; all values are random")
    elif new:
        are = numbers.count(len(new), "tensor is", "tensors are")
        remarks.append(f"{name}: {are} not in the checkpoint and therefore random: {numbers.first_of(new, 4)}")
    remarks += [
        f"{name}: {type(one).__name__} has an encoder and a decoder, and the vectors are made of the decoder's states"
        for one, _ in heard
        if getattr(one.config, "is_encoder_decoder", False) and not type(one).__name__.endswith(ENCODERS)
    ]
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


def _why_not_read(checked: Checked, places: list[str]) -> str | None:
    """Why sentence-transformers cannot read a directory, as far as its files say."""
    if why := why_not_read(checked.directory, places):
        return why
    absent = settings_lacking(checked.modules)
    return f"{absent[0]} is missing, though {MODULES} names its module" if absent else None


Heard = list[tuple[Any, dict[str, Any]]]
"""The transformers that were loaded, each with what transformers says of its checkpoint."""


@contextmanager
def heard_loading(is_random: bool, job: Job) -> Iterator[Heard]:
    """Hear what transformers says of each checkpoint that sentence-transformers makes it load, and fails to hand on.

    If `is_random`, models are built with random values, and so are modules whose weights are not there.
    """
    from sentence_transformers.base.modules.module import Module  # noqa: PLC0415
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

    weights = Module.load_torch_weights.__func__

    def load_torch_weights(cls: Any, /, *arguments: Any, model: Any = None, **settings: Any) -> Any:
        if is_random and model is not None:
            return model
        return weights(cls, *arguments, model=model, **settings)

    PreTrainedModel.from_pretrained = classmethod(from_pretrained)
    Module.load_torch_weights = classmethod(load_torch_weights)
    try:
        yield heard
    finally:
        PreTrainedModel.from_pretrained = classmethod(original)
        Module.load_torch_weights = classmethod(weights)


def _unread(source: ModelSource, directory: Path, model: Any, heard: Heard) -> tuple[list[str], list[str]]:
    """Return the parameters that no checkpoint holds, and the tensors of checkpoints that no model has.

    `directory` is that of the transformer, in which the reason lies if nothing fits. Raises `OperationError` if a
    checkpoint has nothing for its model.
    """
    new: list[str] = []
    unused: list[str] = []
    for one, info in heard:
        parameters = {key for key, _ in one.named_parameters()}
        missing = set(info.get("missing_keys", ())) & parameters
        if parameters and missing == parameters:
            why = why_no_tensor_fits(source, directory, one.config, type(one).__name__)
            raise OperationError(f"{source.name}: {why}")
        new += sorted(key for key in missing if not key.startswith(UNPOOLED) or _takes_pooler(model))
        unused += sorted(info.get("unexpected_keys", ()))
    return new, unused


def _takes_pooler(model: Any) -> bool:
    """Return whether a pipeline computes with the pooler of its transformer, beyond the states of tokens."""
    return any(getattr(module, "module_output_name", "") != "token_embeddings" for module in list(model)[:1])
