"""The tensors of a checkpoint on the Hub, read from its headers: some hundred kilobytes, not gigabytes."""

from __future__ import annotations

from collections.abc import Callable
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
from encoder_tui.core.models.weight_files import LARGEST_INDEX
from encoder_tui.core.parameters.checkpoint import INDEX, SINGLE

FIRST: Final = 128 << 10
"""Bytes of the first request; most headers are shorter, so one request is enough."""


def remote_entries(name: str, repo: str, commit: str, progress: Callable[..., None]) -> list[Entry]:
    """Return every tensor of a repository's safetensors files; offsets are within each shard. Raises `ModelError`."""
    client = HubClient(name, repo, progress)
    files = {file.name for file in client.listing(commit).files}
    try:
        if SINGLE in files:
            return _entries(client, commit, SINGLE)
        if INDEX not in files:
            raise ModelError(f"{name} has no safetensors file, so its tensors cannot be listed without downloading it")
        index, size = client.part(commit, INDEX, 0, LARGEST_INDEX)
        if size > LARGEST_INDEX:
            raise HeaderError(f"{INDEX} is larger than the {LARGEST_INDEX >> 20} MiB allowed")
        return [entry for shard in parse_index(index) for entry in _entries(client, commit, shard)]
    except HeaderError as error:
        raise ModelError(f"{name}: {error}") from error


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
