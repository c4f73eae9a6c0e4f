"""The tensors of a model's checkpoint without their values: from its headers here, or from those on the Hub."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from encoder_tui.core.files.outside_names import inside
from encoder_tui.core.files.private import open_file
from encoder_tui.core.files.safetensors_header import Entry, HeaderError
from encoder_tui.core.hub import headers
from encoder_tui.core.hub.offline import offline_by_environment
from encoder_tui.core.models.pickles import look_into
from encoder_tui.core.models.stored_weights import StoredWeights
from encoder_tui.core.models.weight_files import INDEX, PREFERRED, are_whole, named
from encoder_tui.core.parameters.checkpoint import Stored, has_safetensors, stored_tensors
from encoder_tui.core.tokens.rust_errors import words
from encoder_tui.engine.job import Job
from encoder_tui.protocol.parameters import DescribeRequest


class Listed(NamedTuple):
    """A checkpoint: its first file, its tensors on the meta device, and a test for two of them having equal values.

    `on_hub` are its files if they are on the Hub and not here.
    """

    file: str
    tensors: dict[str, Any]
    same_values: Callable[[str, str], bool]
    on_hub: StoredWeights | None = None


def can_ask(request: DescribeRequest) -> bool:
    """Return whether the Hub may be asked for the headers of a model."""
    return bool(request.repo and request.commit) and not request.offline and not offline_by_environment()


def listed(request: DescribeRequest, job: Job) -> Listed | None:
    """Return the tensors of the checkpoint that transformers would load; None if they cannot be listed.

    Raises `ModelError` if the Hub does not answer.
    """
    directory = Path(request.path)
    # If the download of the weights was cancelled, the Hub still has their headers.
    if can_ask(request) and not are_whole(directory):
        entries, weights = on_hub(request, job)
        return Listed("its safetensors file on the Hub", _empty(entries), lambda one, other: True, weights)
    return listed_here(directory)


def on_hub(request: DescribeRequest, job: Job) -> tuple[list[Entry], StoredWeights]:
    """Return the tensors and the files of a checkpoint on the Hub, which may be asked. Raises `ModelError`."""
    assert request.repo is not None
    assert request.commit is not None
    parts = Path(request.path).parts
    # A transformer may lie in a folder of its repository; the snapshot's folder is named by the commit.
    folder = "/".join(parts[parts.index(request.commit) + 1 :]) if request.commit in parts else ""
    return headers.remote_checkpoint(request.name, request.repo, request.commit, job.progress, folder)


def listed_here(directory: Path) -> Listed | None:
    """Return the tensors of the checkpoint in a directory; None if they cannot be listed."""
    first = next((name for name in PREFERRED if (directory / name).is_file()), None)
    if first is None:
        return None
    if not has_safetensors(directory):
        tensors = _of_pickles(directory, first)
        return None if tensors is None else Listed(first, tensors, lambda one, other: True)
    try:
        stored = stored_tensors(directory)
    except (HeaderError, OSError):
        return None

    def same_values(one: str, other: str) -> bool:
        first, second = stored[one], stored[other]
        if first.entry.shape != second.entry.shape or first.entry.dtype != second.entry.dtype:
            return False
        return all(map(bytes.__eq__, _pieces(first), _pieces(second)))

    return Listed(first, _empty([tensor.entry for tensor in stored.values()]), same_values)


def _pieces(tensor: Stored, size: int = 1 << 24) -> Iterator[bytes]:
    with os.fdopen(open_file(tensor.file, os.O_RDONLY), "rb") as file:
        file.seek(tensor.entry.start)
        for start in range(tensor.entry.start, tensor.entry.end, size):
            yield file.read(min(size, tensor.entry.end - start))


def _empty(entries: list[Entry]) -> dict[str, Any]:
    import torch  # noqa: PLC0415

    return {
        entry.name: torch.empty(entry.shape, dtype=getattr(torch, entry.dtype, torch.uint8), device="meta")
        for entry in entries
    }


def _of_pickles(directory: Path, first: str) -> dict[str, Any] | None:
    """Return the tensors of torch's files, which are read as plain tensors only, without their values."""
    import torch  # noqa: PLC0415

    index = directory / first
    try:
        files = [inside(directory, name, index) for name in named(index)] if first.endswith(INDEX) else [index]
        found: dict[str, Any] = {}
        for path in files:
            pickle = look_into(path)
            if pickle is None or pickle.module:
                return None
            with os.fdopen(open_file(path, os.O_RDONLY), "rb") as file:
                content = torch.load(file, map_location="meta", weights_only=True)
            found |= {name: value for name, value in content.items() if isinstance(value, torch.Tensor)}
    except Exception as error:  # noqa: BLE001  # a damaged file leads to errors of any kind
        logging.getLogger(__name__).info("the tensors of %s cannot be listed: %s", first, words(error))
        return None
    return found
