"""From the engine's kept outputs to a file on the user's side."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from encoder_tui.engine import contract
from encoder_tui.engine.client import EngineClient
from encoder_tui.outputs import RunAnswer, ValuesRequest
from encoder_tui.safetensors_file import AtomicFile, SavedTensor, header, in_file_order

PIECE: Final = 32 << 20
"""Bytes that cross the frames at once."""


async def save_outputs(engine: EngineClient, path: Path, answers: Mapping[int, tuple[str, RunAnswer]]) -> None:
    """Write what the engine kept in these slots, each tensor as `SLOT.NAME`, with each model's name and settings.

    Raises OSError, `TaskFailed` or `EngineError`; the file is then as it was before.
    """
    where: dict[str, tuple[int, str]] = {}
    tensors: list[SavedTensor] = []
    for slot, (_, answer) in answers.items():
        for output in answer.outputs:
            tensors.append(SavedTensor(f"{slot}.{output.name}", output.dtype, output.shape))
            where[tensors[-1].name] = slot, output.name
    tensors = in_file_order(tensors)
    metadata = {
        str(slot): json.dumps({"model": name, **msgspec.to_builtins(answer.in_force)})
        for slot, (name, answer) in answers.items()
    }
    # The data may be gigabytes and the disk a slow one, so it is not the event loop that writes.
    with AtomicFile(path) as file:
        await asyncio.to_thread(file.write, header(tensors, {"format": "pt", **metadata}))
        for tensor in tensors:
            slot, name = where[tensor.name]
            step = PIECE // tensor.item
            for start in range(0, tensor.numel, step):
                request = ValuesRequest(slot, name, start, min(start + step, tensor.numel))
                values = await engine.run(contract.VALUES, request)
                await asyncio.to_thread(file.write, values.data)
