"""What the engine holds in memory."""

from __future__ import annotations

import sys

from encoder_tui.core.outputs.runs import MemoryAnswer, ModelInMemory
from encoder_tui.engine.job import Job
from encoder_tui.engine.machine.memory import free_memory, resident_memory
from encoder_tui.protocol.outputs import MemoryRequest


def run(request: MemoryRequest, job: Job) -> MemoryAnswer:
    """Report the loaded models and the kept outputs, after releasing the outputs of slots that are not in use."""
    # If no model is loaded, there is no need to import torch.
    if "encoder_tui.engine.models.loaded_models" not in sys.modules:
        return MemoryAnswer([], 0, resident_memory(), free_memory())
    from encoder_tui.engine.models.loaded_models import LOADED  # noqa: PLC0415
    from encoder_tui.engine.outputs.kept import KEPT, kept_bytes  # noqa: PLC0415

    for slot in set(KEPT).difference(KEPT if request.slots is None else request.slots):
        del KEPT[slot]
    models = [ModelInMemory(loaded.source.name, loaded.in_force(), loaded.head) for loaded in LOADED.all()]
    return MemoryAnswer(models, kept_bytes(), resident_memory(), free_memory())
