"""The values of a stored tensor, slice by slice: a tensor of 5 GB is never in memory as a whole."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import msgspec

from encoder_tui.core.dtypes import bits
from encoder_tui.core.files.private import open_file
from encoder_tui.core.files.safetensors_header import HeaderError
from encoder_tui.core.hub.client import HubClient
from encoder_tui.core.hub.headers import remote_tensors
from encoder_tui.core.hub.offline import forbidden_by
from encoder_tui.core.models.names import ModelError
from encoder_tui.core.models.weight_files import are_whole
from encoder_tui.core.parameters import checkpoint
from encoder_tui.core.parameters.checkpoint import Stored, find, prefixes_of, unwrapped
from encoder_tui.core.parameters.description import numel_of
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.protocol.parameters import TensorRequest

if TYPE_CHECKING:
    import numpy

SLICE: Final = 1 << 20
"""How many values are read at a time; 8 MB as float64."""


def stored(name: str, path: str) -> dict[str, Stored]:
    """Return the tensors in a directory. Raises `OperationError` if there are none to read."""
    directory = Path(path)
    if not checkpoint.has_safetensors(directory):
        raise OperationError(f"{name}: there are no weights here in safetensors files")
    try:
        return checkpoint.stored_tensors(directory)
    except (HeaderError, OSError) as error:
        raise OperationError(f"{name}: {error}") from error


@contextmanager
def opened(request: TensorRequest, job: Job) -> Iterator[tuple[Stored, IO[bytes] | None]]:
    """Find a tensor in the directory, or on the Hub if the weights are not in the directory.

    Yields the tensor, and a temporary file with its values if they were fetched. Raises `OperationError`.
    """
    directory = Path(request.path)
    if request.repo is None or (checkpoint.has_safetensors(directory) and are_whole(directory)):
        yield _found(request, stored(request.name, request.path)), None
        return
    forbidden = forbidden_by(request.offline)
    if forbidden:
        raise OperationError(
            f"{request.name}: its weights are not in the cache, and {forbidden} forbids asking the Hub"
        )
    try:
        client = HubClient(request.name, request.repo, job.progress)
        commit = request.commit or "main"
        tensor = _found(request, remote_tensors(client, commit))
        with tempfile.TemporaryFile(prefix="encoder-tui-") as file:
            _fetch(client, commit, tensor, file, job)
            size = tensor.entry.end - tensor.entry.start
            yield Stored(tensor.file, msgspec.structs.replace(tensor.entry, start=0, end=size)), file
    except ModelError as error:
        raise OperationError(str(error)) from error
    except OSError as error:
        raise OperationError(
            f"{request.name}: {request.parameter} cannot be kept in {tempfile.gettempdir()}"
            f" ({error.strerror or error}); free some space, or set TMPDIR"
        ) from error


def _found(request: TensorRequest, there: dict[str, Stored]) -> Stored:
    bare = unwrapped(there)
    tensor = find(request.parameter, bare, prefixes_of(bare))
    if tensor is None:
        raise OperationError(f"{request.name}: the checkpoint has no tensor named {request.parameter}")
    return tensor


def _fetch(client: HubClient, commit: str, tensor: Stored, file: IO[bytes], job: Job) -> None:
    """Write a tensor's bytes into a file. The header stays in the cache of `remote_tensors`."""
    name, start, end = tensor.entry.name, tensor.entry.start, tensor.entry.end
    done, said = 0, 0.0
    job.progress(f"fetching {name}", 0, end - start, "bytes")
    for piece in client.stretch(commit, str(tensor.file), start, end):
        file.write(piece)
        done += len(piece)
        job.checkpoint()
        if time.monotonic() - said >= 0.1:
            said = time.monotonic()
            job.progress(f"fetching {name}", done, end - start, "bytes")


def slices(
    tensor: Stored, job: Job, size: int = SLICE, fetched: IO[bytes] | None = None
) -> Iterator[numpy.ndarray[Any, Any]]:
    """Yield the values as flat float64 arrays, complex ones by their magnitude. Raises `OperationError`.

    `fetched` is the file to read if it is not the tensor's own.
    """
    import torch  # noqa: PLC0415

    entry = tensor.entry
    kind = getattr(torch, entry.dtype, None)
    if bits(entry.dtype) % 8 or kind is None:
        raise OperationError(f"{entry.name}: values of {entry.dtype} cannot be read by this torch")
    width = bits(entry.dtype) // 8
    done, numel = 0, numel_of(entry.shape)
    try:
        own = None if fetched is not None else os.fdopen(open_file(tensor.file, os.O_RDONLY), "rb")
        with own or nullcontext(fetched) as file:
            assert file is not None
            file.seek(entry.start)
            while done < numel:
                job.checkpoint()
                wanted = min(size, numel - done)
                data = bytearray(file.read(wanted * width))
                if len(data) < wanted * width:
                    raise OperationError(f"{tensor.file.name} ends in the middle of {entry.name}; fetch it again")
                values = torch.frombuffer(data, dtype=kind)
                values = values.abs() if values.is_complex() else values
                yield values.to(torch.float64).numpy()
                done += wanted
    except OSError as error:
        raise OperationError(f"{tensor.file.name} cannot be read: {error.strerror or error}") from error
