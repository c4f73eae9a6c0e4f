"""Run a model on a batch, and keep the outputs."""

from __future__ import annotations

import time

import msgspec

from encoder_tui.core.outputs.random_parts import why_random
from encoder_tui.core.outputs.runs import OutputFacts, RunAnswer
from encoder_tui.engine.job import Job
from encoder_tui.protocol.outputs import RunRequest


def run(request: RunRequest, job: Job) -> RunAnswer:
    """Run a forward pass; the outputs are described one after the other, in the order in which the model names them."""
    job.progress("importing torch")
    from encoder_tui.engine.machine.threads import computing_in  # noqa: PLC0415
    from encoder_tui.engine.models.loaded_models import LOADED  # noqa: PLC0415
    from encoder_tui.engine.outputs import forward  # noqa: PLC0415
    from encoder_tui.engine.outputs.kept import KEPT  # noqa: PLC0415

    if request.slot is not None:
        KEPT.pop(request.slot, None)
    loaded = LOADED.get(request.source, request.placement, job, fetch=True)
    asked = request.placement.attention
    in_force = loaded.use_attention("eager" if request.attentions else asked)
    if request.attentions and in_force.attention != (asked or loaded.default_attention):
        remark = f"{request.source.name}: only eager attention returns attentions, so {in_force.attention} is used"
        in_force.remarks.append(remark)
    rows = request.batch.input_ids
    wishes = {"hidden_states": request.hidden_states, "attentions": request.attentions}
    inputs = forward.tensors(loaded, request.batch)
    forward.refuse_what_cannot_fit(loaded, len(rows), len(rows[0]), **wishes)
    with computing_in(request.placement.threads) as threads:
        in_force = msgspec.structs.replace(in_force, threads=threads)
        began = time.perf_counter()
        outputs = forward.forward(loaded, inputs, job, **wishes)
        seconds = time.perf_counter() - began
    described: list[OutputFacts] = []
    for name, tensor in outputs.items():
        job.progress(f"{request.source.name}: describing {name}", len(described), len(outputs), "outputs")
        described.append(forward.describe(name, tensor, job, why_random(in_force, name)))
        job.partial(RunAnswer(in_force, described[-1:], seconds))
    if request.slot is not None:
        KEPT[request.slot] = {name: tensor.cpu().contiguous() for name, tensor in outputs.items()}
    return RunAnswer(in_force, described, seconds)
