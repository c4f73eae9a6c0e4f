"""Load a model from its directory: download its weights, read them, and tell them apart from random ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch

from encoder_tui import builtin
from encoder_tui.core.hub.weights import fetch_weights
from encoder_tui.core.models.card import card_of
from encoder_tui.core.models.layouts import why_not_loaded
from encoder_tui.core.models.names import ModelError
from encoder_tui.core.models.placement import Head, ModelSource, Weights
from encoder_tui.core.models.weight_files import PREFERRED, are_whole, weight_files
from encoder_tui.core.parameters.description import Fit, Misfit
from encoder_tui.core.parameters.fit import prefix_words, remarks_on, why_nothing_fits
from encoder_tui.core.text import numbers
from encoder_tui.core.tokens.rust_errors import refusals
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.machine import devices
from encoder_tui.engine.machine.out_of_memory import OutOfMemory, memory_errors
from encoder_tui.engine.models.classes import ENCODERS, build_to_run, class_to_run, runs_on_text, without_values
from encoder_tui.engine.models.configuration import read_configuration
from encoder_tui.engine.models.loaded_model import LoadedModel
from encoder_tui.engine.models.random_weights import SEED, construct, fill
from encoder_tui.engine.parameters.comparison import hiding_prefix
from encoder_tui.engine.parameters.listed_tensors import listed_here


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
        loaded = _Read(model)
    model, remarks, class_name = loaded.model, list(loaded.remarks), type(loaded.model).__name__
    if has_weights:
        remarks += [
            f"{source.name}: {sentence}" for sentence in said_of_weights(source, directory) if sentence not in remarks
        ]
    if getattr(config, "is_encoder_decoder", False):
        model, sentence = _part_that_runs(model)
        remarks.append(f"{source.name}: {sentence}")
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
        loaded.missing,
        loaded.unexpected,
        remarks,
        mismatched=loaded.mismatched,
        class_name=class_name,
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


class _Read(NamedTuple):
    """A model, and how its checkpoint fits it, as `InForce` says it."""

    model: Any
    missing: list[str] = []
    unexpected: list[str] = []
    mismatched: list[str] = []
    remarks: list[str] = []


def _read(source: ModelSource, directory: Path, config: Any, dtype: torch.dtype | None) -> _Read:
    """Return a checkpoint's model. Raises `OperationError`, also if the checkpoint has no tensor of it.

    transformers reads a pickle as plain tensors only (`weights_only`), and renames LayerNorm's old gamma and beta.
    """
    from transformers import AutoModel  # noqa: PLC0415

    name = source.name
    # Tensors missing from the checkpoint are drawn from the global generator.
    torch.manual_seed(SEED)
    found = class_to_run(config)
    code = {} if found is not None else {"trust_remote_code": source.trust_remote_code}
    with (
        explained(what := f"{name}: its weights cannot be loaded", partial(why_not_loaded, directory)),
        refusals(OperationError, what),
        memory_errors(f"{name}: loading the weights"),
    ):
        model, info = (found or AutoModel).from_pretrained(
            directory,
            config=config,
            dtype=dtype or "auto",
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
            **code,
        )
    order = {key: place for place, key in enumerate(model.state_dict())}
    missing = sorted(info["missing_keys"], key=lambda key: order.get(key, 0))
    misfits = [Misfit(key, tuple(there), tuple(wanted)) for key, there, wanted in info["mismatched_keys"]]
    misfits.sort(key=lambda misfit: order.get(misfit.name, 0))
    parameters = {key for key, _ in model.named_parameters()}
    class_name = type(model).__name__
    if parameters <= {*missing, *(misfit.name for misfit in misfits)}:
        raise OperationError(f"{name}: {why_no_tensor_fits(source, directory, config, class_name)}")
    fit = Fit(missing, sorted(info["unexpected_keys"]), misfits)
    file = next((file for file in PREFERRED if (directory / file).is_file()), "the checkpoint")
    remarks = [f"{name}: {sentence}" for sentence in remarks_on(fit, class_name, [], file)]
    return _Read(model, missing, fit.unexpected, [misfit.name for misfit in misfits], remarks)


@contextmanager
def explained(what: str, why_not: Callable[[], str | None]) -> Iterator[None]:
    """Replace the reason of an `OperationError` by what `why_not` says is wrong with the files, if it says anything.

    The message begins with `what`.
    """
    try:
        yield
    except OutOfMemory:
        raise
    except OperationError as error:
        why = why_not()
        if why is None:
            raise
        raise OperationError(f"{what}: {why}") from error


def why_no_tensor_fits(source: ModelSource, directory: Path, config: Any, class_name: str) -> str:
    """Return why no tensor of a checkpoint has the name of a parameter, and what to do about it."""
    if why := why_not_loaded(directory):
        return why
    checkpoint = listed_here(directory)
    how = partial(build_to_run, trust_remote_code=source.trust_remote_code)
    build = partial(without_values, how, config, "float32")
    if checkpoint is not None and (prefix := hiding_prefix(build, checkpoint.tensors)):
        return prefix_words(prefix, checkpoint.file)
    return why_nothing_fits(class_name, checkpoint.tensors if checkpoint is not None else ())


def said_of_weights(source: ModelSource, directory: Path) -> list[str]:
    """Return what a model's files say about its weights."""
    try:
        return card_of(source.name, directory, looks_into_pickles=False).of_weights
    except ModelError:
        return []


def why_without_weights(source: ModelSource, directory: Path) -> str:
    """Return why there is nothing to load in a transformer's directory."""
    said = why_not_loaded(directory) or next(iter(said_of_weights(source, directory)), None)
    return said or f"there are no weights at {directory}"


def _part_that_runs(model: Any) -> tuple[Any, str]:
    """Return the part of an encoder-decoder that runs on a text alone, and a sentence about what comes out of it."""
    name = type(model).__name__
    if name.endswith(ENCODERS):
        return model, f"it is an encoder with a decoder, of which only the encoder runs ({name})"
    if not runs_on_text(model):
        return model.get_encoder(), f"{name} has a decoder that needs a text of its own, so only its encoder runs"
    return model, (
        f"{name} has an encoder and a decoder: last_hidden_state is the decoder's,"
        " encoder_last_hidden_state the encoder's"
    )


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
        explained(what := f"{source.name}: it cannot be loaded with a {words}", partial(why_not_loaded, directory)),
        refusals(OperationError, what),
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
