"""Models of the Hugging Face Hub: what the local cache holds of them, and how their small files come into it.

Reading the cache needs no library; importing huggingface_hub for it would cost 0.2 s and 20 MB.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from encoder_tui.core.files.atomic import AtomicFile
from encoder_tui.core.files.private import open_file
from encoder_tui.core.hub.client import HubClient
from encoder_tui.core.hub.listing import COMMIT, Listing, RemoteFile
from encoder_tui.core.models.files import (
    SMALL_FILE,
    TOKENIZER_SUFFIXES,
    ModelError,
    ModelFiles,
    ModelName,
    from_directory,
    has_vocabulary,
)

UNRELATED: Final = re.compile(
    r"(readme|licen[cs]e|notice|changelog|requirements).*"
    r"|.*(trainer_state|_results?|_metrics|training_args|preprocessor_config|generation_config|quantize_config)"
    r"\.(json|txt)|.*\.index\.json|.*onnx.*",
    re.IGNORECASE,
)
"""Files at the top of repositories that no tokenizer reads, whatever their suffix."""

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


def _repository(repo: str) -> Path:
    return cache_folder() / "--".join(["models", *repo.split("/")])


def _snapshot(repo: str, revision: str, needs_tokenizer: bool = True) -> Path | None:
    """The folder of a revision's files in the cache, if its configuration and, where needed, a vocabulary are there."""
    folder = _repository(repo)
    try:
        commit = revision if COMMIT.fullmatch(revision) else (folder / "refs" / revision).read_text("ascii")
        names = {file.name for file in (folder / "snapshots" / commit).iterdir() if file.is_file()}
    except (OSError, ValueError):
        return None
    return folder / "snapshots" / commit if COMMIT.fullmatch(commit) and not _lacking(names, needs_tokenizer) else None


def _lacking(names: Iterable[str], needs_tokenizer: bool = True) -> str:
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
    return (snapshot / SETTINGS).is_file() or _absence(snapshot).is_file()


def _absence(snapshot: Path) -> Path:
    """The empty file by which huggingface_hub notes that a repository has no settings of a tokenizer."""
    return snapshot.parent.parent / ".no_exist" / snapshot.name / SETTINGS


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


def fetch(name: ModelName, *, offline: bool, progress: Callable[..., None], needs_tokenizer: bool = True) -> ModelFiles:
    """Bring the small files of a Hub id into the cache: configuration and tokenizer, never weights.

    `progress(text, done, total, unit)` is called many times a second and may raise to cancel; what has
    arrived by then is taken up by the next call. The files appear in the cache all at once, so that no half
    of a tokenizer is ever taken for the whole. Raises `ModelError`.
    """
    forbidden = "--offline" if offline else offline_by_environment()
    if forbidden:
        raise ModelError(
            f"{name.text} is not in the cache {cache_folder()}, and {forbidden} forbids asking the Hub;"
            " go online once, or name a directory"
        )
    revision = name.revision or "main"
    client = HubClient(name.text, name.location, progress)
    listing = client.listing(revision)
    wanted = [file for file in listing.files if _is_wanted(file)]
    lacking = _lacking((file.name for file in wanted), needs_tokenizer)
    if lacking:
        raise ModelError(f"{name.text}: the repository has no {lacking}, so it is no encoder that can be shown")
    try:
        snapshot = bring(client, listing, wanted)
        if revision != listing.commit:
            _write_reference(_repository(name.location) / "refs" / revision, listing.commit)
        if SETTINGS not in {file.name for file in listing.files}:
            _absence(snapshot).parent.mkdir(parents=True, exist_ok=True)
            os.close(open_file(_absence(snapshot), os.O_WRONLY | os.O_CREAT, 0o666))
    except OSError as error:
        raise ModelError(
            f"{name.text}: the cache {cache_folder()} cannot be written ({error.strerror or error});"
            " make room there, or set HF_HOME to a folder that can be written"
        ) from error
    where = {"repo": name.location, "commit": listing.commit}
    return from_directory(name.text, snapshot, "hub", needs_tokenizer=needs_tokenizer, **where)


def offline_by_environment() -> str:
    """The variable by which huggingface_hub is told to stay offline, with its value; empty if none does."""
    for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if value := os.environ.get(variable):
            return f"{variable}={value}" if value.upper() in {"1", "ON", "YES", "TRUE"} else ""
    return ""


def _is_wanted(file: RemoteFile) -> bool:
    """Whether `AutoTokenizer` or `AutoConfig` may read a file; a name that is more than a name is none."""
    return (
        Path(file.name).suffix in TOKENIZER_SUFFIXES
        and file.name.isprintable()
        and not set(file.name) & set("/\\:")
        and (file.size or 0) <= SMALL_FILE
        and not UNRELATED.fullmatch(file.name)
    )


def bring(client: HubClient, listing: Listing, wanted: list[RemoteFile]) -> Path:
    """Download what the snapshot lacks, then link it there; the snapshot's folder."""
    repository = _repository(client.repo)
    snapshot = repository / "snapshots" / listing.commit
    # The configuration comes last: without it nobody takes the snapshot for complete.
    missing = sorted(
        (file for file in wanted if not (snapshot / file.name).is_file()),
        key=lambda file: file.name == "config.json",
    )
    sizes = [file.size for file in missing]
    total = None if None in sizes else sum(size or 0 for size in sizes)
    blobs: list[Path] = []
    done = 0
    said = 0.0
    for file in missing:

        def arrived(length: int, text: str = f"fetching {file.name}", before: int = done) -> None:
            nonlocal said
            if time.monotonic() - said >= 0.1:
                said = time.monotonic()
                client.progress(text, before + length, total, "bytes")

        client.progress(f"fetching {file.name}", done, total, "bytes")
        blob = repository / "blobs" / (file.hash or f"{listing.commit}-{file.name}")
        client.download(listing.commit, file, blob, arrived)
        blobs.append(blob)
        done += blob.stat().st_size
    snapshot.mkdir(parents=True, exist_ok=True)
    for file, blob in zip(missing, blobs, strict=True):
        _link(blob, snapshot / file.name)
    return snapshot


def _link(blob: Path, pointer: Path) -> None:
    """Put a blob into a snapshot: a relative link, or a copy where the file system has no links."""
    if pointer.is_symlink() and not pointer.exists():
        pointer.unlink()
    try:
        pointer.symlink_to(os.path.relpath(blob, pointer.parent))
    except FileExistsError:
        pass  # another program has just done the same
    except OSError:
        with blob.open("rb") as source, AtomicFile(pointer, follow=False) as file:
            shutil.copyfileobj(source, file.file)


def _write_reference(path: Path, commit: str) -> None:
    """Note the commit of a branch or tag; moved into place, so that nobody reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with AtomicFile(path, follow=False) as file:
        file.write(commit.encode("ascii"))
