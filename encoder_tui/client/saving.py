"""Save outputs that the engine keeps, and vectors that it sent, to a file on the user's machine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from encoder_tui.client.client import EngineClient
from encoder_tui.core.dtypes import DTYPES
from encoder_tui.core.files import npz
from encoder_tui.core.files.atomic import AtomicFile
from encoder_tui.core.files.safetensors_writer import SavedTensor, header, in_file_order
from encoder_tui.core.outputs.runs import RunAnswer
from encoder_tui.core.tasks.encoding import EncodeAnswer
from encoder_tui.core.tasks.encoding_words import provenance, vector_tensors
from encoder_tui.protocol import operations
from encoder_tui.protocol.outputs import ValuesRequest

PIECE: Final = 32 << 20
"""Maximum number of bytes of values in one frame."""
SUFFIXES: Final = (".safetensors", ".npz")


Write = Callable[[SavedTensor, Callable[[bytes], object]], Awaitable[None]]
"""Brings the values of a tensor to a function that takes them piece by piece."""


def wrong_suffix(path: Path) -> str:
    """Return why a file's name does not name a format; empty if it does."""
    return "" if path.suffix in SUFFIXES else f"{path.name or path} must end in {' or '.join(SUFFIXES)}"


def why_not(path: Path, answers: Mapping[int, tuple[str, RunAnswer]]) -> str:
    """Return why outputs cannot be saved to this path; empty if they can. Raises OSError for an impossible path."""
    if wrong := wrong_suffix(path):
        return wrong
    if not path.parent.is_dir():
        return f"there is no folder {path.parent} to save in"
    if path.is_dir():
        return f"{path} is a folder"
    dtypes = {output.dtype for _, answer in answers.values() for output in answer.outputs}
    unknown = (
        sorted(one for one in dtypes if one not in DTYPES or DTYPES[one].numpy is None) if path.suffix == ".npz" else []
    )
    return f"numpy does not support {unknown[0]}; save as .safetensors" if unknown else ""


async def save_outputs(engine: EngineClient, path: Path, answers: Mapping[int, tuple[str, RunAnswer]]) -> None:
    """Write the kept outputs of these slots, each tensor as `SLOT.NAME`, with each model's name and settings.

    A path that ends in .npz is written in numpy's format, any other as safetensors. Raises OSError, `OperationFailed`
    or `EngineError`; the file is then unchanged.
    """
    where: dict[str, tuple[int, str]] = {}
    tensors: list[SavedTensor] = []
    for slot, (_, answer) in answers.items():
        for output in answer.outputs:
            tensors.append(SavedTensor(f"{slot}.{output.name}", output.dtype, output.shape))
            where[tensors[-1].name] = slot, output.name
    metadata = {
        str(slot): json.dumps({"model": name, **msgspec.to_builtins(answer.in_force)})
        for slot, (name, answer) in answers.items()
    }

    async def write(tensor: SavedTensor, into: Callable[[bytes], object]) -> None:
        slot, name = where[tensor.name]
        step = PIECE // tensor.item
        for start in range(0, tensor.numel, step):
            request = ValuesRequest(slot, name, start, min(start + step, tensor.numel))
            values = await engine.run(operations.VALUES, request)
            await asyncio.to_thread(into, values.data)

    await _save(path, tensors, metadata, write)


async def save_vectors(path: Path, answers: Mapping[int, tuple[str, EncodeAnswer]]) -> None:
    """Write the vectors of these slots, with what made them, in the format that the file's name ends in.

    `SLOT.vectors` holds a row a text. Of a multi-vector model it holds the rows of all texts one after the other, and
    `SLOT.counts` how many each text has. Of a sparse model, `SLOT.values`, `SLOT.indices` and `SLOT.counts` hold the
    weights of the texts one after the other. Raises OSError; the file is then unchanged.
    """
    parts: dict[str, bytes] = {}
    tensors: list[SavedTensor] = []
    for slot, (_, answer) in answers.items():
        for name, dtype, shape, data in vector_tensors(answer):
            tensors.append(SavedTensor(f"{slot}.{name}", dtype, shape))
            parts[tensors[-1].name] = data
    metadata = {str(slot): json.dumps(provenance(name, answer)) for slot, (name, answer) in answers.items()}

    async def write(tensor: SavedTensor, into: Callable[[bytes], object]) -> None:
        await asyncio.to_thread(into, parts[tensor.name])

    await _save(path, tensors, metadata, write)


async def _save(path: Path, tensors: list[SavedTensor], metadata: Mapping[str, str], write: Write) -> None:
    """Write a file whose values `write` brings, a tensor at a time. Raises OSError and what `write` raises."""
    # The data may be gigabytes and the disk slow, so a thread writes, not the event loop.
    with AtomicFile(path) as file:
        if path.suffix == ".npz":
            with npz.archive(file.file, metadata) as archive:
                for tensor in tensors:
                    with archive.open(f"{tensor.name}.npy", "w", force_zip64=True) as entry:
                        entry.write(npz.header(tensor))
                        await write(tensor, entry.write)
            return
        tensors = in_file_order(tensors)
        await asyncio.to_thread(file.write, header(tensors, {"format": "pt", **metadata}))
        for tensor in tensors:
            await write(tensor, file.write)
