"""Load a model from its directory: download its weights, read them, and tell them apart from random ones."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import torch

from encoder_tui import builtin
from encoder_tui.core.hub.weights import fetch_weights
from encoder_tui.core.models.placement import Head, ModelSource, Weights
from encoder_tui.core.models.weight_files import are_whole, weight_files
from encoder_tui.core.text import numbers
from encoder_tui.core.tokens.rust_errors import refusals
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.machine import devices
from encoder_tui.engine.machine.out_of_memory import OutOfMemory, memory_errors
from encoder_tui.engine.models.configuration import read_configuration
from encoder_tui.engine.models.loaded_model import LoadedModel
from encoder_tui.engine.models.random_weights import SEED, construct, fill


def directory_of(source: ModelSource) -> Path:
    """Return the folder of a model's files. Raises `OperationError` if it is gone."""
    if source.location.startswith("builtin:"):
        return builtin.directory(source.location.removeprefix("builtin:"))
    directory = Path(source.location).expanduser()
    if not (directory / "config.json").is_file():
        raise OperationError(f"{source.name}: there is no config.json at {directory} any more")
    return directory


def bring_weights(source: ModelSource, directory: Path, job: Job) -> str | None:
    """Download missing weights of a model on the Hub. Returns the reason if that fails."""
    if not source.repo or not source.commit or weights_of(source, directory):
        return None
    return fetch_weights(
        source.name, source.repo, source.commit, source.folder, offline=source.offline, progress=job.progress
    )


def weights_of(source: ModelSource, directory: Path) -> tuple[tuple[str, int, int], ...]:
    """Return names, times and sizes of the weight files in a directory, so that rewritten weights are loaded again.

    If a snapshot of the Hub holds only some of the weights, it counts as having none: the rest is not downloaded yet.
    """
    if source.repo and not are_whole(directory):
        return ()
    return _states(weight_files(directory))


def building_files(source: ModelSource, directory: Path) -> tuple[tuple[str, int, int], ...]:
    """Return names, times and sizes of the files that a model is built from: its configuration and, if trusted, its
    code.
    """
    code = (file for file in directory.glob("*.py") if source.trust_remote_code and file.is_file())
    return _states([directory / "config.json", *code])


def _states(files: Iterable[Path]) -> tuple[tuple[str, int, int], ...]:
    return tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in sorted(files))


def load(source: ModelSource, directory: Path, dtype: str | None, device: torch.device, job: Job) -> LoadedModel:
    """Read a checkpoint, or make random weights if there is none. Raises `OperationError`."""
    from transformers.utils import logging  # noqa: PLC0415

    logging.disable_progress_bar()
    torch_dtype = None if dtype is None else devices.dtype_of(dtype)
    code = {"trust_remote_code": source.trust_remote_code}
    has_weights = bool(weights_of(source, directory))
    config = _configuration(source, directory)
    if has_weights:
        job.progress(f"{source.name}: loading the weights")
        loaded = _read(source, directory, config, torch_dtype)
    else:
        job.progress(f"{source.name}: making random weights")
        making = f"{source.name}: making random weights"
        with memory_errors(making):
            with refusals(OperationError, f"{source.name}: transformers cannot build it"), memory_errors(making):
                model = construct(config, **code, **({} if torch_dtype is None else {"dtype": torch_dtype}))
            _refuse_what_cannot_be_filled(making, model)
            fill(model, job)
        loaded = model, [], [], []
    model, new, unused, remarks = loaded
    if device.type != "cpu":
        job.progress(f"{source.name}: moving the weights to {device}")
        with memory_errors(f"{source.name}: moving the weights to {device}"):
            model = model.to(device)
    weights: Weights = "checkpoint" if has_weights else "random"
    return LoadedModel(
        source,
        model.eval(),
        device,
        weights,
        str(model.config._attn_implementation),
        new,
        unused,
        remarks,
    )


def _refuse_what_cannot_be_filled(making: str, model: Any) -> None:
    """Raise `OutOfMemory` before random weights are written that the memory cannot hold.

    Linux lends more memory than there is, and kills a process that uses it.
    """
    size = sum(parameter.nbytes for parameter in model.parameters())
    free = devices.free_on(torch.device("cpu"))
    if free is not None and size > free:
        raise OutOfMemory(
            f"{making}: out of memory: they take {numbers.decimal_size(size)} and {numbers.decimal_size(free)} are free"
        )


def _configuration(source: ModelSource, directory: Path) -> Any:
    return read_configuration(
        source.name,
        directory,
        own=source.repo,
        runs_code=source.trust_remote_code,
        also_allowed=source.also_allowed,
    )


def _read(
    source: ModelSource, directory: Path, config: Any, dtype: torch.dtype | None
) -> tuple[Any, list[str], list[str], list[str]]:
    """Return a checkpoint's model, its new and unused tensors, and remarks on them.

    transformers reads a pickle as plain tensors only (`weights_only`), and renames LayerNorm's old gamma and beta.
    """
    from transformers import AutoModel  # noqa: PLC0415

    name = source.name
    # Tensors missing from the checkpoint are drawn from the global generator.
    torch.manual_seed(SEED)
    with (
        refusals(OperationError, f"{name}: its weights cannot be loaded"),
        memory_errors(f"{name}: loading the weights"),
    ):
        model, info = AutoModel.from_pretrained(
            directory,
            config=config,
            dtype=dtype or "auto",
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            trust_remote_code=source.trust_remote_code,
        )
    missing = sorted(info["missing_keys"])
    mismatched = {key: (tuple(there), tuple(wanted)) for key, there, wanted in info["mismatched_keys"]}
    parameters = {key for key, _ in model.named_parameters()}
    new = sorted({*missing, *mismatched} & parameters)
    if len(new) == len(parameters):
        raise OperationError(
            f"{name}: the weights have no tensor of a {type(model).__name__}; they belong to another model"
        )
    remarks = []
    absent = [key for key in new if key not in mismatched]
    if absent:
        are = numbers.count(len(absent), "tensor is", "tensors are")
        remarks.append(f"{name}: {are} not in the checkpoint and therefore random: {numbers.first_of(absent, 4)}")
    remarks += [
        f"{name}: {key} is {_shape(there)} in the checkpoint but {_shape(wanted)} in the model, and therefore random"
        for key, (there, wanted) in sorted(mismatched.items())
    ]
    return model, new, sorted(info["unexpected_keys"]), remarks


HEADS: Final[dict[Head, tuple[str, str]]] = {
    "masked_lm": ("AutoModelForMaskedLM", "masked-language head"),
    "sequence_classification": ("AutoModelForSequenceClassification", "head for labels of texts"),
    "token_classification": ("AutoModelForTokenClassification", "head for labels of tokens"),
    "question_answering": ("AutoModelForQuestionAnswering", "head for answers"),
    "multiple_choice": ("AutoModelForMultipleChoice", "head for choices"),
}
"""The class of transformers that loads a model with a head, and what messages call the head."""


def load_with_head(
    source: ModelSource,
    directory: Path,
    head: Head,
    dtype: str | None,
    device: torch.device,
    job: Job,
    allow_random: bool = False,
) -> LoadedModel:
    """Read a checkpoint with its head. Raises `OperationError` if it holds none, unless `allow_random`."""
    import transformers  # noqa: PLC0415
    from transformers.utils import logging  # noqa: PLC0415

    class_name, words = HEADS[head]
    job.progress(f"{source.name}: loading the weights and the head")
    # Tensors missing from the checkpoint are drawn from the global generator.
    torch.manual_seed(SEED)
    logging.disable_progress_bar()
    config = _configuration(source, directory)
    with (
        refusals(OperationError, f"{source.name}: it cannot be loaded with a {words}"),
        memory_errors(f"{source.name}: loading the weights"),
    ):
        model, info = getattr(transformers, class_name).from_pretrained(
            directory,
            config=config,
            dtype="auto" if dtype is None else devices.dtype_of(dtype),
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            trust_remote_code=source.trust_remote_code,
        )
    parameters = {name for name, _ in model.named_parameters()}
    absent = sorted((set(info["missing_keys"]) | {key for key, *_ in info["mismatched_keys"]}) & parameters)
    names = numbers.first_of(absent, 3)
    if absent and not allow_random:
        raise OperationError(f"{source.name}: its checkpoint has no {words} ({names} would be random)")
    remarks = [f"{source.name}: {names} are random, and so is what the head says"] if absent else []
    model = model.to(device).eval()
    attention = str(model.config._attn_implementation)
    return LoadedModel(source, model, device, "checkpoint", attention, absent, remarks=remarks, head=head)


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
