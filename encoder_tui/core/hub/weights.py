"""Fetching a Hub model's weights into the cache when they are first needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from encoder_tui.core.files.outside_names import NameRefused, refuse_name
from encoder_tui.core.hub import fetch
from encoder_tui.core.hub.cache import cache_folder
from encoder_tui.core.hub.client import HubClient
from encoder_tui.core.hub.listing import Listing, RemoteFile
from encoder_tui.core.hub.offline import forbidden_by
from encoder_tui.core.models.names import ModelError
from encoder_tui.core.models.weight_files import DAMAGED, INDEX, PREFERRED, named


def fetch_weights(
    name: str, repo: str, commit: str, folder: str = "", *, offline: bool, progress: Callable[..., None]
) -> str | None:
    """Fetch the weights in a repository's folder into the snapshot of a commit. Return None if they are there, else why
    not.

    If a download has begun and fails, this raises `ModelError` instead; the next call resumes it. `progress` is as in
    `hub.fetch`.
    """
    forbidden = forbidden_by(offline)
    if forbidden:
        return f"{name}: its weights are not in the cache, and {forbidden} forbids asking the Hub"
    client = HubClient(name, repo, progress)
    try:
        listing = client.listing(commit)
    except ModelError as error:
        return str(error)
    there = {file.name: file for file in listing.files}
    start = f"{folder}/" if folder else ""
    first = next((start + file for file in PREFERRED if start + file in there), None)
    if first is None:
        return f"{name}: the repository has no weights that transformers reads"
    try:
        fetch.bring(
            client, listing, _shards(client, listing, there, first, start) if first.endswith(INDEX) else [there[first]]
        )
    except OSError as error:
        raise _unwritable(name, error) from error
    return None


def fetch_modules(
    name: str, repo: str, commit: str, folders: Sequence[str], *, offline: bool, progress: Callable[..., None]
) -> str | None:
    """Fetch the weights and the small files of modules beside the transformer, each in its folder, as `fetch_weights`.

    A folder without weights in the repository is no failure here: a module that needs them says so when it is loaded.
    """
    forbidden = forbidden_by(offline)
    if forbidden:
        return f"{name}: the weights of {folders[0]} are not in the cache, and {forbidden} forbids asking the Hub"
    client = HubClient(name, repo, progress)
    try:
        listing = client.listing(commit)
    except ModelError as error:
        return str(error)
    wanted = []
    for folder in folders:
        inside = {file.name: file for file in listing.files if file.name.rpartition("/")[0] == folder}
        weights = next((f"{folder}/{file}" for file in PREFERRED if f"{folder}/{file}" in inside), None)
        wanted += [file for at, file in inside.items() if at == weights or at.endswith((".json", ".txt"))]
    try:
        fetch.bring(client, listing, wanted)
    except OSError as error:
        raise _unwritable(name, error) from error
    return None


def _unwritable(name: str, error: OSError) -> ModelError:
    return ModelError(
        f"{name}: the cache {cache_folder()} cannot be written ({error.strerror or error});"
        " free some space, or set HF_HOME to a writable folder"
    )


def _shards(
    client: HubClient, listing: Listing, there: dict[str, RemoteFile], index: str, start: str
) -> list[RemoteFile]:
    """Return the files that an index names; `start` is its folder, with a slash.

    Raises `ModelError` for a name that the repository does not have.
    """
    path = fetch.bring(client, listing, [there[index]]) / index
    try:
        names = named(path)
        for name in names:
            refuse_name(name)
        return [there[start + name] for name in names]
    except NameRefused as error:
        raise ModelError(f"{client.name}: {index} {error}, so its weights are not fetched") from error
    except DAMAGED as error:
        raise ModelError(f"{client.name}: {index} does not say which files hold the weights ({error})") from error
