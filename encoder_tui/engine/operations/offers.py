"""What a model can run with on its device in this installation."""

from __future__ import annotations

from encoder_tui.core.models.placement import Offers
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.protocol.models import OffersRequest


def run(request: OffersRequest, job: Job) -> Offers:
    """Load the model and try which attention implementations can be set. Raises `OperationError`."""
    job.progress("importing torch")
    import torch  # noqa: PLC0415

    from encoder_tui.engine.machine import devices  # noqa: PLC0415
    from encoder_tui.engine.models import local_attention  # noqa: PLC0415
    from encoder_tui.engine.models.loaded_model import FALLING_BACK  # noqa: PLC0415
    from encoder_tui.engine.models.loaded_models import LOADED  # noqa: PLC0415
    from encoder_tui.engine.operations.hello import cores  # noqa: PLC0415

    loaded = LOADED.get(request.source, request.placement, job)
    found = []
    for name in (*FALLING_BACK, local_attention.NAME, devices.FLEX, *devices.FLASH):
        try:
            if loaded.use_attention(name).attention == name:
                found.append(name)
        except OperationError:
            continue
    in_force = loaded.use_attention(request.placement.attention)
    return Offers(in_force, found, request.placement.threads or torch.get_num_threads(), cores())
