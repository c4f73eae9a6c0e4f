"""What the local cache holds of the Hugging Face Hub's models.

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
from encoder_tui.core.models.names import ModelName

SETTINGS: Final = "tokenizer_config.json"
"""What a tokenizer works without, and differently: other programs fetch files one by one, and may have left it out."""


def cache_folder() -> Path:
    """The cache of the Hub's files, found as huggingface_hub finds it."""
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
    """The folder of a revision's files in the cache, if its configuration and, where needed, a vocabulary are there."""
    folder = repository_folder(repo)
    try:
        commit = revision if COMMIT.fullmatch(revision) else read_file(folder / "refs" / revision).decode("ascii")
        if not COMMIT.fullmatch(commit):
            return None
        names = {file.name for file in (folder / "snapshots" / commit).iterdir() if file.is_file()}
    except (OSError, ValueError):
        return None
    return None if lacking_of(names, needs_tokenizer) else folder / "snapshots" / commit


def lacking_of(names: Iterable[str], needs_tokenizer: bool = True) -> str:
    """What of a configuration and a vocabulary is missing among these files; empty if nothing is."""
    there = set(names)
    if "config.json" not in there:
        return "config.json"
    return "" if not needs_tokenizer or has_vocabulary(there) else "tokenizer (tokenizer.json, vocab.txt or the like)"


def cached(name: ModelName, *, needs_tokenizer: bool = True, needs_settings: bool = True) -> ModelFiles | None:
    """What the cache holds of a Hub id at its revision; None where a part is missing.

    A tokenizer is whole with its settings, or where the repository is known to have none; `needs_settings` says
    whether it has to be. Asks nobody. Raises `ModelError` where the files are there and cannot be read.
    """
    snapshot = _snapshot(name.location, name.revision or "main", needs_tokenizer)
    if snapshot is None or (needs_tokenizer and needs_settings and not _has_settings(snapshot)):
        return None
    where = {"repo": name.location, "commit": snapshot.name}
    return from_directory(name.text, snapshot, "cache", needs_tokenizer=needs_tokenizer, **where)


def _has_settings(snapshot: Path) -> bool:
    """Whether all that the repository has of a tokenizer's settings is here."""
    return (snapshot / SETTINGS).is_file() or absence(snapshot).is_file()


def absence(snapshot: Path, file: str = SETTINGS) -> Path:
    """The empty file by which huggingface_hub notes that a repository has no such file, by default no settings."""
    return snapshot.parent.parent / ".no_exist" / snapshot.name / file


def cached_models() -> list[str]:
    """The Hub ids of which the cache holds a tokenizer at their main revision, the last used first."""
    used: dict[str, float] = {}
    for folder in cache_folder().glob("models--*"):
        repo = folder.name.removeprefix("models--").replace("--", "/")
        snapshot = _snapshot(repo, "main")
        if snapshot is not None:
            config = (snapshot / "config.json").stat()
            # Many disks note no reading, or one a day; a file is not younger than its last use either way.
            used[repo] = max(config.st_atime, config.st_mtime)
    return sorted(used, key=lambda repo: (-used[repo], repo))
