"""Fetching a model's files from the Hugging Face Hub into the local cache."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from encoder_tui.core.files.atomic import AtomicFile
from encoder_tui.core.files.outside_names import NameRefused, inside, is_name
from encoder_tui.core.files.private import open_file
from encoder_tui.core.hub.cache import SETTINGS, absence, cache_folder, lacking_of, repository_folder
from encoder_tui.core.hub.client import HubClient
from encoder_tui.core.hub.listing import Listing, RemoteFile
from encoder_tui.core.hub.offline import forbidden_by
from encoder_tui.core.models.files import TOKENIZER_SUFFIXES, ModelFiles, from_directory
from encoder_tui.core.models.modules import (
    MODULES,
    ROUTES,
    files_wanted,
    read_modules,
    transformer_folder,
    transformer_folders,
)
from encoder_tui.core.models.names import ModelError, ModelName
from encoder_tui.core.models.small_files import SMALL_FILE

UNRELATED: Final = re.compile(
    r"(readme|licen[cs]e|notice|changelog|requirements).*"
    r"|.*(trainer_state|_results?|_metrics|training_args|preprocessor_config|generation_config|quantize_config)"
    r"\.(json|txt)|.*\.index\.json|.*onnx.*",
    re.IGNORECASE,
)
"""Files at the top of a repository that no tokenizer reads, despite their suffix."""


def fetch(name: ModelName, *, offline: bool, progress: Callable[..., None], needs_tokenizer: bool = True) -> ModelFiles:
    """Fetch the small files of a Hub id into the cache: configuration and tokenizer, never weights.

    `progress(text, done, total, unit)` is called many times a second and may raise to cancel; the next
    call resumes the download. The files appear in the cache all at once, so that a partial tokenizer is never
    used. Raises `ModelError`.
    """
    forbidden = forbidden_by(offline)
    if forbidden:
        raise ModelError(
            f"{name.text} is not in the cache {cache_folder()}, and {forbidden} forbids asking the Hub;"
            " go online once, or name a directory"
        )
    revision = name.revision or "main"
    client = HubClient(name.text, name.location, progress)
    listing = client.listing(revision)
    wanted = [file for file in listing.files if _is_wanted(file)]
    try:
        in_folders, absent = _of_modules(client, listing, wanted)
        folder = transformer_folder(name.text, repository_folder(client.repo) / "snapshots" / listing.commit)
        start = f"{folder}/" if folder else ""
        here = [file.name.removeprefix(start) for file in [*wanted, *in_folders] if file.name.startswith(start)]
        if lacking := lacking_of(here, needs_tokenizer):
            if lacking == "config.json" and any(file.name == MODULES for file in wanted):
                raise ModelError(
                    f"{name.text}: the repository has modules of sentence-transformers but no transformer"
                    " (config.json); download it, and name its directory for encode or info"
                )
            raise ModelError(f"{name.text}: the repository has no {lacking}, so it cannot be shown as an encoder")
        snapshot = bring(client, listing, [*wanted, *in_folders])
        if revision != listing.commit:
            _write_reference(repository_folder(name.location) / "refs" / revision, listing.commit)
        listed = {file.name for file in listing.files}
        absent += [file for file in (start + SETTINGS, MODULES) if file not in listed]
        for file in absent:
            absence(snapshot, file).parent.mkdir(parents=True, exist_ok=True)
            os.close(open_file(absence(snapshot, file), os.O_WRONLY | os.O_CREAT, 0o666))
    except OSError as error:
        raise ModelError(
            f"{name.text}: the cache {cache_folder()} cannot be written ({error.strerror or error});"
            " free some space, or set HF_HOME to a writable folder"
        ) from error
    where = {"repo": name.location, "commit": listing.commit}
    return from_directory(name.text, snapshot, "hub", needs_tokenizer=needs_tokenizer, **where)


def _of_modules(client: HubClient, listing: Listing, wanted: list[RemoteFile]) -> tuple[list[RemoteFile], list[str]]:
    """Return the small files in the folders that `modules.json` names, and the names that the repository lacks."""
    listed = {file.name: file for file in listing.files if is_name(file.name) and (file.size or 0) <= SMALL_FILE}
    found: dict[str, RemoteFile] = {}
    names: list[str] = []
    folders: list[str] = []
    brought = [file for file in wanted if file.name == MODULES]
    while brought:
        snapshot = bring(client, listing, brought)
        try:
            modules = read_modules(client.name, snapshot) or []
        except ModelError:
            break  # the card will report it; the rest of the model can be shown
        names, folders = files_wanted(modules), transformer_folders(modules)
        # Folders can be named by settings: those of a Router, so they are brought first, and then its transformers'.
        first = [name for name in names if name.endswith((ROUTES, *(f"{folder}/config.json" for folder in folders)))]
        brought = [listed[name] for name in first if name in listed and name not in found]
        found |= {name: listed[name] for name in names if name in listed}
    found |= {file.name: file for file in listing.files if any(_is_wanted(file, folder) for folder in folders)}
    return list(found.values()), [name for name in names if name not in listed]


def _is_wanted(file: RemoteFile, folder: str = "") -> bool:
    """Return whether `AutoTokenizer` or `AutoConfig` may read a file of this folder of the repository."""
    inside_folder, slash, name = file.name.rpartition("/")
    return (
        inside_folder == folder
        and bool(slash) == bool(folder)
        and Path(name).suffix in TOKENIZER_SUFFIXES
        and is_name(file.name)
        and (file.size or 0) <= SMALL_FILE
        and not UNRELATED.fullmatch(name)
    )


def bring(client: HubClient, listing: Listing, wanted: list[RemoteFile]) -> Path:
    """Download the files that the snapshot lacks, link them there, and return the snapshot's folder.

    Raises `ModelError` for a file that would be outside the snapshot.
    """
    repository = repository_folder(client.repo)
    snapshot = repository / "snapshots" / listing.commit
    try:
        pointers = {file.name: inside(snapshot, file.name) for file in wanted}
    except NameRefused as error:
        raise ModelError(f"{client.name}: the repository {error}, so it is not fetched") from error
    # The configuration comes last: without it, the snapshot counts as incomplete.
    missing = sorted(
        (file for file in wanted if not pointers[file.name].is_file()),
        key=lambda file: file.name.rpartition("/")[2] == "config.json",
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
        blob = repository / "blobs" / (file.hash or _unhashed(listing.commit, file.name))
        client.download(listing.commit, file, blob, arrived)
        blobs.append(blob)
        done += blob.stat().st_size
    snapshot.mkdir(parents=True, exist_ok=True)
    for file, blob in zip(missing, blobs, strict=True):
        _link(blob, pointers[file.name])
    return snapshot


def _unhashed(commit: str, name: str) -> str:
    """Return the name of a blob without a hash from the server; never a path."""
    plain = name if "/" not in name else hashlib.sha256(name.encode()).hexdigest()
    return f"{commit}-{plain}"


def _link(blob: Path, pointer: Path) -> None:
    """Put a blob into a snapshot, as a relative link, or as a copy if the file system has no links."""
    pointer.parent.mkdir(parents=True, exist_ok=True)
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
    """Record the commit of a branch or tag; the file is moved into place, so it is never half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with AtomicFile(path, follow=False) as file:
        file.write(commit.encode("ascii"))
