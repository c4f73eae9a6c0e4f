"""One vector for each text, by every pooling that a model supports."""

from __future__ import annotations

import sys
from typing import Any, Final

import msgspec

from encoder_tui.core.outputs.runs import Batch
from encoder_tui.core.tasks.pooling import VectorsAnswer
from encoder_tui.engine.job import Job
from encoder_tui.protocol.tasks import VectorsRequest

ROWS: Final = 4
"""How many windows run at once: more would need memory and, on a CPU, save no time."""


def run(request: VectorsRequest, job: Job) -> VectorsAnswer:
    """Run the rows, pool each of them, and average over the rows."""
    job.progress("importing torch")
    import torch  # noqa: PLC0415

    from encoder_tui.engine.machine.threads import computing_in  # noqa: PLC0415
    from encoder_tui.engine.models.loaded_models import LOADED  # noqa: PLC0415
    from encoder_tui.engine.outputs import forward  # noqa: PLC0415

    loaded = LOADED.get(request.source, request.placement, job, fetch=True)
    in_force = loaded.use_attention(request.placement.attention)
    pooled: dict[str, list[Any]] = {}
    batch = request.batch
    for start in range(0, len(batch.input_ids), ROWS):
        piece = slice(start, start + ROWS)
        types = None if batch.token_type_ids is None else batch.token_type_ids[piece]
        part = Batch(batch.input_ids[piece], batch.attention_mask[piece], types)
        inputs = forward.tensors(loaded, part)
        forward.refuse_what_cannot_fit(loaded, len(part.input_ids), len(part.input_ids[0]))
        with computing_in(request.placement.threads) as threads:
            in_force = msgspec.structs.replace(in_force, threads=threads)
            outputs = forward.forward(loaded, inputs, job)
        mask = torch.tensor(part.attention_mask, device=loaded.device)
        for pooling, rows in _pool(outputs, mask).items():
            pooled.setdefault(pooling, []).append(rows)
    whole = {pooling: torch.cat(rows) for pooling, rows in pooled.items()}
    return VectorsAnswer(
        in_force,
        {pooling: _bytes(rows.mean(0)) for pooling, rows in whole.items()},
        {pooling: _bytes(rows) for pooling, rows in whole.items() if len(rows) > 1},
    )


def _pool(outputs: dict[str, Any], mask: Any) -> dict[str, Any]:
    """Pool last hidden states (batch, tokens, hidden) under an attention mask; return each row's vectors in float32."""
    import torch  # noqa: PLC0415

    states = outputs["last_hidden_state"].float()
    weights = mask[:, :, None].to(states.dtype)
    # If rows are padded on the left, the first token is not at index 0.
    first = mask.argmax(1)
    found = {
        "mean": (states * weights).sum(1) / weights.sum(1).clamp(min=1),
        "cls": states[torch.arange(len(states), device=states.device), first],
        "max": states.masked_fill(weights == 0, -torch.inf).amax(1),
    }
    if outputs.get("pooler_output") is not None:
        found["pooler"] = outputs["pooler_output"].float()
    return {pooling: rows.cpu() for pooling, rows in found.items()}


def _bytes(vector: Any) -> bytes:
    data = vector.contiguous().numpy()
    return bytes((data.byteswap() if sys.byteorder == "big" else data).tobytes())
