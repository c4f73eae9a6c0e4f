"""A deployed model as an operation asks for it: checked, loaded or still in memory, and its prompts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import torch

from encoder_tui.core.hub.weights import fetch_modules
from encoder_tui.core.models.card import Card
from encoder_tui.core.models.placement import ModelSource, Placement
from encoder_tui.core.models.weight_files import weight_files
from encoder_tui.core.tasks.encoding import Pipeline, Side
from encoder_tui.core.text.numbers import first_of
from encoder_tui.core.text.safe import visible
from encoder_tui.core.tokens.rust_errors import words
from encoder_tui.core.versions import installed_versions
from encoder_tui.engine.job import Job, JobCancelled, OperationError
from encoder_tui.engine.machine.out_of_memory import memory_errors
from encoder_tui.engine.machine.threads import computing_in
from encoder_tui.engine.models.checkpoints import bring_weights
from encoder_tui.engine.models.loaded_models import LOADED, State
from encoder_tui.engine.tasks.loading import lacking, load_pipeline
from encoder_tui.engine.tasks.pipeline import LoadedPipeline
from encoder_tui.engine.tasks.vetting import Checked, checked

DOCUMENTS = ("document", "passage", "corpus")
"""The prompts that sentence-transformers takes for documents, the first that a model has."""


def deployed(source: ModelSource, placement: Placement, job: Job) -> LoadedPipeline:
    """Return a deployed model on its device. Raises `OperationError`; weights are downloaded from the Hub."""
    job.progress(f"{source.name}: importing torch and transformers")
    model = checked(source)
    reason = _bring(source, model, job)
    loaded = LOADED.get_pipeline(
        source,
        placement,
        _state(source, model),
        lambda device: load_pipeline(source, model, placement.dtype, device, job, reason),
    )
    assert isinstance(loaded, LoadedPipeline)
    return loaded


def _bring(source: ModelSource, model: Checked, job: Job) -> str | None:
    """Download missing weights of a model on the Hub, of all its modules. Returns the reason if that fails."""
    reason = bring_weights(source, model.directory / model.card.folder, job) if _has_transformer(model) else None
    folders = [folder for folder in lacking(model) if folder]
    if reason or not folders or not source.repo or not source.commit:
        return reason
    return fetch_modules(
        source.name, source.repo, source.commit, folders, offline=source.offline, progress=job.progress
    )


def _has_transformer(model: Checked) -> bool:
    return not model.modules or any(module.config for module in model.modules)


def _state(source: ModelSource, model: Checked) -> State:
    """Return names, times and sizes of all that a pipeline is made of, so that a rewritten one is loaded again."""
    directory = model.directory
    files: set[Path] = set()
    for folder in {directory, *(directory / module.module.path for module in model.modules)}:
        if folder.is_dir():
            code = folder.glob("*.py") if source.trust_remote_code else ()
            files |= {*weight_files(folder), *folder.glob("*.json"), *folder.glob("*.txt"), *code}
    found = [(file, file.stat()) for file in sorted(files) if file.is_file()]
    return tuple((str(file.relative_to(directory)), about.st_mtime_ns, about.st_size) for file, about in found)


def prompt_of(loaded: LoadedPipeline, name: str | None, side: Side | None) -> tuple[str | None, str]:
    """Return the name and the text of the prompt that the pipeline puts before each text; None if it uses none.

    Raises `OperationError` if the model has no prompt of this name.
    """
    prompts: dict[str, str] = loaded.model.prompts
    if name is not None:
        if name not in prompts:
            has = f"it has {first_of(sorted(prompts), 8)}" if prompts else "it has no prompts"
            raise OperationError(f"{loaded.source.name}: there is no prompt {visible(name)}; {has}")
        return name, prompts[name]
    sides = {"query": ("query",), "document": DOCUMENTS, None: ()}[side]
    found = next((one for one in sides if one in prompts), loaded.model.default_prompt_name)
    return found, "" if found is None else prompts.get(found) or ""


@contextmanager
def failures(loaded: LoadedPipeline, what: str) -> Iterator[None]:
    """Turn what goes wrong in a pipeline into `OperationError` in one line."""
    name = loaded.source.name
    try:
        with torch.inference_mode(), memory_errors(f"{name}: {what}"):
            yield
    except (JobCancelled, OperationError):
        raise
    except Exception as error:  # of whatever kind the library and a model's own code raise
        # What the card says of a limit beyond the model's positions is then the reason.
        hint = next((f"; {remark}" for remark in loaded.card.remarks if "set max_seq_length to" in remark), "")
        raise OperationError(f"{name}: {what} failed: {words(error)}{hint}") from error


@contextmanager
def stopping_at(loaded: LoadedPipeline, limit: int | None) -> Iterator[None]:
    """Let a pipeline read `limit` tokens of a text, in place of as many as it is deployed to read."""
    before: list[tuple[Any, str, Any]] = []
    for module in loaded.model.modules() if limit else ():
        for owner, name in ((getattr(module, "tokenizer", None), "model_max_length"), (module, "document_length")):
            if getattr(owner, name, None) is not None:
                before.append((owner, name, getattr(owner, name)))
                setattr(owner, name, limit)
    try:
        yield
    finally:
        for owner, name, value in reversed(before):
            setattr(owner, name, value)


class Work:
    """A piece of work with a pipeline: its settings while it runs, and the facts about it afterwards."""

    def __init__(self, loaded: LoadedPipeline, placement: Placement, limit: int | None = None) -> None:
        """`limit` is how many tokens are read of a text, None for as many as the model is deployed to read."""
        self.loaded = loaded
        self._placement = placement
        self._limit = limit
        self._in_force = loaded.use_attention(placement.attention)
        self._began = time.perf_counter()
        self._seconds = 0.0

    @contextmanager
    def running(self, what: str) -> Iterator[None]:
        """Run in the requested number of threads; failures are as in `failures`."""
        with (
            computing_in(self._placement.threads) as threads,
            failures(self.loaded, what),
            stopping_at(self.loaded, self._limit),
        ):
            self._in_force = msgspec.structs.replace(self._in_force, threads=threads)
            began = time.perf_counter()
            yield
            self._seconds += time.perf_counter() - began

    def pipeline(
        self,
        prompt: tuple[str | None, str] = (None, ""),
        remarks: Sequence[str] = (),
        side: Side | None = None,
    ) -> Pipeline:
        """Return what computed the answer; `prompt` is its name and its text."""
        loaded, card = self.loaded, self.loaded.card
        name = loaded.source.name
        own = []
        if loaded.pooling_is_ours:
            own.append(f"{name}: it states no pooling; the mean of its token states is the choice of encoder-tui")
        if self._placement.dtype not in {None, self._in_force.dtype}:
            own.append(f"{name}: it has no transformer, so it is computed in {self._in_force.dtype}")
        return Pipeline(
            self._in_force,
            card.kind,
            loaded.library,
            self._limit or card.limit,
            list(card.pooling or (["mean"] if loaded.pooling_is_ours else [])),
            loaded.pooling_is_ours,
            *prompt,
            loaded.is_random,
            [*self._in_force.remarks, *own, *remarks],
            self._seconds,
            side,
            loaded.source.commit,
            installed_versions(),
            self._limit is not None,
        )


def kind_words(card: Card) -> str:
    """Return what a model is in words: `a cross-encoder`, `an encoder`."""
    article = "an" if card.kind[0] in "aeiou" else "a"
    return f"{article} {card.kind}"


def as_bytes(values: Any) -> bytes:
    """Return numbers of a tensor or an array as little-endian float32, row by row."""
    import numpy as np  # noqa: PLC0415

    if isinstance(values, torch.Tensor):
        values = values.detach().float().cpu().numpy()
    return np.ascontiguousarray(values, dtype="<f4").tobytes()
