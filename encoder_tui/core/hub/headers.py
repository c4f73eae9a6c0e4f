"""The tensors of a checkpoint on the Hub, read from its headers: some hundred kilobytes, not gigabytes."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Final

from encoder_tui.core.files.safetensors_header import (
    PREFIX,
    Entry,
    HeaderError,
    header_length,
    parse_header,
    parse_index,
)
from encoder_tui.core.hub.client import HubClient
from encoder_tui.core.models.names import ModelError
from encoder_tui.core.models.stored_weights import StoredWeights
from encoder_tui.core.models.weight_files import LARGEST_INDEX
from encoder_tui.core.parameters.checkpoint import INDEX, SINGLE, Stored

FIRST: Final = 128 << 10
"""Bytes of the first request; most headers are shorter, so one request is enough."""
KEPT: Final = 8
"""Checkpoints whose headers are kept; each takes some hundred kilobytes."""

_known: dict[tuple[str, str, str], dict[str, Stored]] = {}
"""The tensors of checkpoints by the address of the Hub, the repository and the commit."""


def remote_checkpoint(
    name: str, repo: str, commit: str, progress: Callable[..., None], folder: str = ""
) -> tuple[list[Entry], StoredWeights]:
    """Return every tensor of the safetensors files in a folder of a repository, and what files they are.

    Offsets are within each shard. Raises `ModelError`.
    """
    found = _tensors(HubClient(name, repo, progress), commit, folder)
    ends: dict[str, int] = {}
    dtypes: dict[str, int] = {}
    for file, entry in found.values():
        ends[str(file)] = max(ends.get(str(file), 0), entry.end)
        dtypes[entry.dtype] = dtypes.get(entry.dtype, 0) + prod(entry.shape)
    dtypes = dict(sorted(dtypes.items(), key=lambda pair: -pair[1]))
    # A file ends where the values of its last tensor end.
    weights = StoredWeights(list(ends), "safetensors", sum(ends.values()), dtypes)
    return [stored.entry for stored in found.values()], weights


def remote_tensors(client: HubClient, commit: str) -> dict[str, Stored]:
    """Return every tensor of a repository's safetensors files by name; the files are named as in the repository.

    Headers are kept, because the files of a commit never change. Raises `ModelError`.
    """
    key = (client.endpoint, client.repo, commit)
    if key in _known:
        client.listing(commit)  # within seconds, whether the Hub answers
        return _known[key]
    found = _tensors(client, commit)
    while len(_known) >= KEPT:
        _known.pop(next(iter(_known)))
    _known[key] = found
    return found


def _tensors(client: HubClient, commit: str, folder: str = "") -> dict[str, Stored]:
    files = {file.name for file in client.listing(commit).files}
    start = f"{folder}/" if folder else ""
    single, whole = start + SINGLE, start + INDEX
    try:
        if single in files:
            return {entry.name: Stored(Path(single), entry) for entry in _entries(client, commit, single)}
        if whole not in files:
            raise ModelError(
                f"{client.name} has no safetensors file{f' in {folder}' if folder else ''},"
                " so its tensors cannot be listed without downloading it"
            )
        index, size = client.part(commit, whole, 0, LARGEST_INDEX)
        if size > LARGEST_INDEX:
            raise HeaderError(f"{whole} is larger than the {LARGEST_INDEX >> 20} MiB allowed")
        return {
            entry.name: Stored(Path(shard), entry)
            for shard in (f"{start}{name}" for name in parse_index(index))
            for entry in _entries(client, commit, shard)
        }
    except HeaderError as error:
        raise ModelError(f"{client.name}: {error}") from error


def _entries(client: HubClient, commit: str, file: str) -> list[Entry]:
    try:
        begin, size = client.part(commit, file, 0, FIRST)
        length = header_length(begin, size)
        body = begin[PREFIX : PREFIX + length]
        if len(body) < length:
            body += client.part(commit, file, PREFIX + len(body), PREFIX + length)[0]
        if len(body) < length:
            raise HeaderError("the header arrived incomplete; try again")
        return parse_header(body, size)
    except HeaderError as error:
        raise HeaderError(f"{file}: {error}") from error
