"""Inspecting a model by its name: its card, wherever its files are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from encoder_tui.core.hub.cache import absence
from encoder_tui.core.hub.fetch import fetch
from encoder_tui.core.hub.resolve import on_this_machine, resolve
from encoder_tui.core.models.card import Inspected, card_of
from encoder_tui.core.models.files import ModelFiles, Source, directory_here, from_directory
from encoder_tui.core.models.modules import files_wanted, read_modules
from encoder_tui.core.models.names import ModelError, ModelName
from encoder_tui.core.models.stored_weights import tensors_of


def inspect_here(name: ModelName) -> Inspected | None:
    """Inspect a model if its files are complete on this machine, else return None. Raises `ModelError`."""
    directory = directory_here(name)
    if directory is not None:
        return _inspect(name, directory, "builtin" if name.is_builtin else "directory")
    files = on_this_machine(name, needs_tokenizer=False)
    if files is None or files_lacking(name.text, Path(files.path)):
        return None
    return _of_snapshot(name, files)


def inspect(name: ModelName, *, offline: bool, progress: Callable[..., None]) -> tuple[Inspected, str]:
    """Inspect a model; also return a remark if some of its files are missing. Raises `ModelError`.

    Small files of a model on the Hub are fetched; `progress` is as in `fetch`.
    """
    here = inspect_here(name)
    if here is not None:
        return here, ""
    files, remark = resolve(name, offline=offline, progress=progress, needs_tokenizer=False)
    lacking = files_lacking(name.text, Path(files.path))
    if lacking:
        try:
            files = fetch(name, offline=offline, progress=progress, needs_tokenizer=False)
        except ModelError:
            remark = (
                f"{name.text}: the cache lacks {lacking[0]} and others that modules.json names, and they cannot be"
                " fetched now, so the card may be wrong; go online once"
            )
    return _of_snapshot(name, files), remark


def files_lacking(name: str, snapshot: Path) -> list[str]:
    """Return the files that a snapshot lacks in the folders that `modules.json` names. Raises `ModelError`."""
    wanted = files_wanted(read_modules(name, snapshot) or [])
    return [file for file in wanted if not (snapshot / file).is_file() and not absence(snapshot, file).is_file()]


def _of_snapshot(name: ModelName, files: ModelFiles) -> Inspected:
    return _inspect(name, Path(files.path), files.source, repo=files.repo, commit=files.commit)


def _inspect(name: ModelName, directory: Path, source: Source, **where: str | None) -> Inspected:
    card = card_of(name.text, directory)
    place = directory / card.folder
    files = None
    if (place / "config.json").is_file():
        # transformers loads a repository by its id only if the transformer is at the top.
        files = from_directory(name.text, place, source, needs_tokenizer=False, **({} if card.folder else where))
    return Inspected(card, files, tensors_of(directory, card.weights, card.folder))
