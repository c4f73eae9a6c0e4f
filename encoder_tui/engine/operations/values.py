"""Values of a kept output."""

from __future__ import annotations

import sys

from encoder_tui.core.outputs.runs import Values
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.protocol.outputs import ValuesRequest


def run(request: ValuesRequest, job: Job) -> Values:
    """Return a part of a tensor as bytes. Raises `OperationError` if it is not kept (any more)."""
    from encoder_tui.engine.outputs.kept import KEPT  # noqa: PLC0415

    tensor = KEPT.get(request.slot, {}).get(request.name)
    if tensor is None:
        raise OperationError(f"the engine no longer has {request.name}; run the model again")
    import torch  # noqa: PLC0415

    piece = tensor.view(-1)[request.start : request.stop].contiguous()
    data = piece.view(torch.uint8).numpy()
    if sys.byteorder == "big":
        data = data.reshape(-1, piece.itemsize)[:, ::-1]
    return Values(str(tensor.dtype).removeprefix("torch."), list(tensor.shape), data.tobytes())
