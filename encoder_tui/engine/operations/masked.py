"""Predict masked tokens."""

from __future__ import annotations

import msgspec

from encoder_tui.core.tasks.masked import MaskedAnswer, Prediction
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.protocol.tasks import MaskedRequest


def run(request: MaskedRequest, job: Job) -> MaskedAnswer:
    """Return the most probable tokens at each position; probabilities are a softmax in float32."""
    job.progress("importing torch")

    from encoder_tui.engine.machine.threads import computing_in  # noqa: PLC0415
    from encoder_tui.engine.models.loaded_models import LOADED  # noqa: PLC0415
    from encoder_tui.engine.outputs import forward  # noqa: PLC0415

    loaded = LOADED.get_with_head(request.source, "masked_lm", request.placement, job)
    in_force = loaded.use_attention(request.placement.attention)
    if any(not 0 <= position < len(request.batch.input_ids[0]) for position in request.positions):
        raise OperationError(f"{loaded.source.name}: one of the requested positions has no token")
    forward.refuse_what_cannot_fit(loaded, 1, len(request.batch.input_ids[0]))
    inputs = forward.tensors(loaded, request.batch)
    with computing_in(request.placement.threads) as threads:
        in_force = msgspec.structs.replace(in_force, threads=threads)
        logits = forward.forward(loaded, inputs, job)["logits"]
    chances = logits[0, request.positions].float().softmax(-1)
    best = chances.topk(min(request.best, chances.shape[-1]), dim=-1)
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return MaskedAnswer(in_force, [[Prediction(*one) for one in zip(*pair, strict=True)] for pair in pairs])
