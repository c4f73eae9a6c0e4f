"""The values of a stored tensor, slice by slice: a tensor of 5 GB is never in memory as a whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from encoder_tui.core.dtypes import bits
from encoder_tui.core.files.private import open_file
from encoder_tui.core.files.safetensors_header import HeaderError
from encoder_tui.core.parameters import checkpoint
from encoder_tui.core.parameters.checkpoint import Stored
from encoder_tui.core.parameters.description import numel_of
from encoder_tui.engine.job import Job, OperationError

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


def slices(tensor: Stored, job: Job, size: int = SLICE) -> Iterator[numpy.ndarray[Any, Any]]:
    """Yield the values as flat float64 arrays, complex ones by their magnitude. Raises `OperationError`."""
    import torch  # noqa: PLC0415

    entry = tensor.entry
    kind = getattr(torch, entry.dtype, None)
    if bits(entry.dtype) % 8 or kind is None:
        raise OperationError(f"{entry.name}: values of {entry.dtype} cannot be read by this torch")
    width = bits(entry.dtype) // 8
    done, numel = 0, numel_of(entry.shape)
    try:
        with os.fdopen(open_file(tensor.file, os.O_RDONLY), "rb") as file:
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
