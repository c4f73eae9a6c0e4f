"""The local cache of Hugging Face Hub models.

Reading the cache needs no library; importing huggingface_hub for it would cost 0.2 s and 20 MB.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from encoder_tui.core.files.private import read_file
from encoder_tui.core.hub.listing import COMMIT
from encoder_tui.core.models.files import ModelFiles, from_directory, has_vocabulary
from encoder_tui.core.models.heads import class_of, kind_of
from encoder_tui.core.models.modules import MODULES, files_needed, read_modules, transformer_folder
from encoder_tui.core.models.names import ModelError, ModelName
from encoder_tui.core.models.small_files import read_object

SETTINGS: Final = "tokenizer_config.json"
"""A tokenizer loads without this file, but gives other tokens. Programs that fetch single files may leave it out."""


def cache_folder() -> Path:
    """Return the Hub's cache folder, by the same rules as huggingface_hub."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if folder := os.environ.get(variable):
            return _expanded(folder)
    if home := os.environ.get("HF_HOME"):
        return _expanded(home) / "hub"
    return _expanded(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface" / "hub"


def _expanded(folder: str) -> Path:
    return Path(os.path.expandvars(folder)).expanduser()


def repository_folder(repo: str) -> Path:
    return cache_folder() / "--".join(["models", *repo.split("/")])


def _snapshot(repo: str, revision: str, needs_tokenizer: bool = True) -> Path | None:
    """Return the snapshot of a revision in the cache, if it has a configuration and, if needed, a vocabulary."""
    folder = repository_folder(repo)
    try:
        commit = revision if COMMIT.fullmatch(revision) else read_file(folder / "refs" / revision).decode("ascii")
        if not COMMIT.fullmatch(commit):
            return None
        snapshot = folder / "snapshots" / commit
        names = _names_in(snapshot)
        if MODULES in names and (inner := transformer_folder(repo, snapshot)):
            names = _names_in(snapshot / inner)
    except (OSError, ValueError):
        return None
    return None if lacking_of(names, needs_tokenizer) else snapshot


def _names_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir() if file.is_file()}


def lacking_of(names: Iterable[str], needs_tokenizer: bool = True) -> str:
    """Return what these files lack: a configuration or a tokenizer; an empty string if neither."""
    there = set(names)
    if "config.json" not in there:
        return "config.json"
    return "" if not needs_tokenizer or has_vocabulary(there) else "tokenizer (tokenizer.json, vocab.txt or the like)"


def cached(name: ModelName, *, needs_tokenizer: bool = True, needs_settings: bool = True) -> ModelFiles | None:
    """Return the cached files of a Hub id at its revision; None if a part is missing.

    If `needs_settings`, the settings of its tokenizer and its modules must be there, unless the repository is known to
    have none. Sends no request. Raises `ModelError` if the files are there but cannot be read.
    """
    snapshot = _snapshot(name.location, name.revision or "main", needs_tokenizer)
    if snapshot is None or (needs_settings and settings_lacking(name.text, snapshot, needs_tokenizer)):
        return None
    where = {"repo": name.location, "commit": snapshot.name}
    return from_directory(name.text, snapshot, "cache", needs_tokenizer=needs_tokenizer, **where)


def settings_lacking(name: str, snapshot: Path, needs_tokenizer: bool = True) -> list[str]:
    """Return the files of settings that a snapshot lacks, but for those that the repository is known not to have."""
    try:
        modules = read_modules(name, snapshot) or []
    except ModelError:
        modules = []
    wanted = files_needed(modules)
    if not modules and _may_have_modules(name, snapshot):
        wanted.append(MODULES)
    if needs_tokenizer and f"{transformer_folder(name, snapshot)}/{SETTINGS}" not in wanted:
        wanted.append(SETTINGS)
    return [file for file in wanted if not (snapshot / file).is_file() and not absence(snapshot, file).is_file()]


def _may_have_modules(name: str, snapshot: Path) -> bool:
    """Return whether a model looks like the transformer of a sentence-transformers model: saved without a head.

    transformers alone does not fetch modules.json, and without it the model seems to read more than it does.
    """
    try:
        config = read_object(name, snapshot, "config.json") or {}
    except ModelError:
        return False
    return class_of(config) is not None and kind_of(config) == "encoder"


def absence(snapshot: Path, file: str = SETTINGS) -> Path:
    """Return the empty file by which huggingface_hub records that a repository lacks `file`."""
    return snapshot.parent.parent / ".no_exist" / snapshot.name / file


def cached_models() -> list[str]:
    """Return the Hub ids whose tokenizer is in the cache at the main revision, most recently used first."""
    used: dict[str, float] = {}
    for folder in cache_folder().glob("models--*"):
        repo = folder.name.removeprefix("models--").replace("--", "/")
        snapshot = _snapshot(repo, "main")
        if snapshot is not None:
            config = (snapshot / transformer_folder(repo, snapshot) / "config.json").stat()
            # Many disks do not record access times, or only daily; the last use is never before the modification.
            used[repo] = max(config.st_atime, config.st_mtime)
    return sorted(used, key=lambda repo: (-used[repo], repo))
