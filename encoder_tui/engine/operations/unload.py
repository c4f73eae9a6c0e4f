"""Release models and outputs."""

from __future__ import annotations

import sys

from encoder_tui.core.outputs.runs import MemoryAnswer
from encoder_tui.engine.job import Job
from encoder_tui.engine.operations import memory
from encoder_tui.protocol.outputs import MemoryRequest, UnloadRequest


def run(request: UnloadRequest, job: Job) -> MemoryAnswer:
    """Unload the requested models and all outputs, and report what is left."""
    # If no model is loaded, there is no need to import torch.
    if "encoder_tui.engine.models.loaded_models" in sys.modules:
        from encoder_tui.engine.models.loaded_models import LOADED  # noqa: PLC0415
        from encoder_tui.engine.outputs.kept import KEPT  # noqa: PLC0415

        KEPT.clear()
        LOADED.unload(request.locations)
    return memory.run(MemoryRequest(), job)
