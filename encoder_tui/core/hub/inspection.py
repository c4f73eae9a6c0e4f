"""Inspecting a model by its name: its card, wherever its files are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from encoder_tui.core.hub.resolve import on_this_machine, resolve
from encoder_tui.core.models.card import card_of
from encoder_tui.core.models.files import Inspected, ModelFiles, Source, directory_here, from_directory
from encoder_tui.core.models.names import ModelName
from encoder_tui.core.models.stored_weights import tensors_of


def inspect_here(name: ModelName) -> Inspected | None:
    """Inspect a model if its files are complete on this machine, else return None. Raises `ModelError`."""
    directory = directory_here(name)
    if directory is not None:
        return _of_directory(name, directory)
    files = on_this_machine(name, needs_tokenizer=False)
    return None if files is None else _of_files(files)


def inspect(name: ModelName, *, offline: bool, progress: Callable[..., None]) -> tuple[Inspected, str]:
    """Inspect a model; also return a remark if some of its files are missing. Raises `ModelError`.

    Small files of a model on the Hub are fetched; `progress` is as in `fetch`.
    """
    here = inspect_here(name)
    if here is not None:
        return here, ""
    files, remark = resolve(name, offline=offline, progress=progress, needs_tokenizer=False)
    return _of_files(files), remark


def _of_directory(name: ModelName, directory: Path) -> Inspected:
    card = card_of(name.text, directory)
    if not (directory / card.folder / "config.json").is_file():
        return Inspected(card, None, tensors_of(directory, card.weights, card.folder))
    source: Source = "builtin" if name.is_builtin else "directory"
    return _of_files(from_directory(name.text, directory, source, needs_tokenizer=False))


def _of_files(files: ModelFiles) -> Inspected:
    """Look closer than `files.card` does: into pickled weights, and at settings that cannot be read."""
    directory = Path(files.directory)
    card = card_of(files.name, directory)
    return Inspected(card, files, tensors_of(directory, card.weights, card.folder))
