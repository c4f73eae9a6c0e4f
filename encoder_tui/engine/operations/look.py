"""Read cells of a kept output, so that no whole tensor is sent to look at a part of it."""

from __future__ import annotations

import sys
from typing import Any

from encoder_tui.core.outputs.slices import Cells
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.protocol.outputs import LookRequest

AT_ONCE = 1 << 22
"""How many values are pooled at once, in float64."""


def run(request: LookRequest, job: Job) -> Cells:
    """Return the requested cells, as far as the output reaches. Raises `OperationError` if it is not kept."""
    import torch  # noqa: PLC0415

    from encoder_tui.engine.outputs.kept import KEPT  # noqa: PLC0415

    tensor = KEPT.get(request.slot, {}).get(request.name)
    if tensor is None:
        raise OperationError(f"the engine no longer has {request.name}; run the model again")
    for index in request.leading:
        if not tensor.dim() > 2 or not 0 <= index < tensor.shape[0]:
            raise OperationError(f"{request.name} has no part {request.leading}")
        tensor = tensor[index]
    if tensor.dim() != 2:
        raise OperationError(f"{request.name} has {tensor.dim()} dimensions left, not two")
    window = request.window
    if min(window.row, window.column) < 0 or min(window.row_step, window.column_step) < 1:
        raise OperationError(f"{request.name}: the requested part is invalid")
    end_row = window.row + window.height * window.row_step
    part = tensor[window.row : end_row, window.column : window.column + window.width * window.column_step]
    rows = max(AT_ONCE // max(part.shape[1], 1), 1) if request.how == "norm" else _rows_at_once(part, window.row_step)
    found = []
    for start in range(0, part.shape[0], rows):
        job.checkpoint()
        found.append(_cells(part[start : start + rows], request))
    dtype = torch.float64 if tensor.dtype == torch.float64 else torch.float32
    cells = torch.cat(found) if found else torch.empty(0, 0)
    data = cells.to(dtype).contiguous().numpy()
    if sys.byteorder == "big":
        data = data.byteswap()
    height, width = cells.shape
    return Cells("float64" if dtype == torch.float64 else "float32", (height, width), data.tobytes())


def _rows_at_once(part: Any, step: int) -> int:
    """Return how many rows to pool at once: a multiple of a cell's rows."""
    columns: int = part.shape[1]
    return max(AT_ONCE // max(columns * step, 1), 1) * step


def _cells(part: Any, request: LookRequest) -> Any:
    """Pool rows of the matrix. A cell at the edge has fewer rows, and its mean is of those alone."""
    import torch  # noqa: PLC0415

    if request.how == "norm":
        return part.double().norm(dim=1, keepdim=True)
    steps = (request.window.row_step, request.window.column_step)
    if steps == (1, 1) or not part.numel():
        return part.double()
    return torch.nn.functional.avg_pool2d(part.double()[None], steps, ceil_mode=True)[0]
