"""What the engine holds in memory, and how to release it."""

from __future__ import annotations

import sys

from encoder_tui.core.outputs.runs import MemoryAnswer, ModelInMemory, UnloadRequest
from encoder_tui.engine.job import Job
from encoder_tui.engine.machine.memory import free_memory, resident_memory


def run(request: UnloadRequest, job: Job) -> MemoryAnswer:
    """Unload the named models, and report what is left."""
    # If no model is loaded, there is no need to import torch.
    if "encoder_tui.engine.models.loaded_models" not in sys.modules:
        return MemoryAnswer([], 0, resident_memory(), free_memory())
    from encoder_tui.engine.models.loaded_models import LOADED  # noqa: PLC0415
    from encoder_tui.engine.outputs.kept import KEPT, kept_bytes  # noqa: PLC0415

    if request.locations is None or request.locations:
        KEPT.clear()
        LOADED.unload(request.locations)
    for slot in set(KEPT).difference(KEPT if request.slots is None else request.slots):
        del KEPT[slot]
    models = [ModelInMemory(loaded.source.name, loaded.in_force(), loaded.head) for loaded in LOADED.all()]
    return MemoryAnswer(models, kept_bytes(), resident_memory(), free_memory())
