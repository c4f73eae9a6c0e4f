"""Models with random weights from a fixed seed, built without the slow initialiser."""

from __future__ import annotations

from typing import Any, Final

import torch

from encoder_tui.engine.job import Job
from encoder_tui.engine.models.classes import build_to_run

SEED: Final = 20_240_101
BLOCK: Final = 262_147
"""How many numbers are drawn; a prime, so that no two rows of a matrix begin at the same place of the block."""


def build(config: Any, job: Job, **arguments: Any) -> Any:
    """Return a model of this configuration on the CPU: LayerNorm weights 1, biases 0, normal numbers elsewhere."""
    model = construct(config, **arguments)
    fill(model, job)
    return model


def construct(config: Any, **arguments: Any) -> Any:
    """Return a model of this configuration with uninitialised parameters.

    The constructor runs without the initialisers of torch and transformers. It makes the buffers as usual, on the CPU
    and not on the meta device, so that those no checkpoint holds (position ids, rotary frequencies) are right.
    `arguments` are those of `AutoModel.from_config`.
    """
    from transformers.initialization import no_init_weights  # noqa: PLC0415

    with no_init_weights():
        model = build_to_run(config, **arguments)
    model.tie_weights()
    return model


@torch.no_grad()
def fill(model: Any, job: Job) -> None:
    """Fill every parameter. Drawing 257 million numbers with `normal_` would take four seconds."""
    threads = torch.get_num_threads()
    # A thousand short copies: with two threads, waiting for each other takes longer than the work itself.
    torch.set_num_threads(1)
    try:
        _fill(model, float(getattr(model.config, "initializer_range", None) or 0.02), job)
    finally:
        torch.set_num_threads(threads)


def _fill(model: Any, deviation: float, job: Job) -> None:
    block = torch.empty(BLOCK).normal_(std=deviation, generator=torch.Generator().manual_seed(SEED))
    blocks: dict[torch.dtype, torch.Tensor] = {}
    begin = 0
    for name, parameter in model.named_parameters():
        job.checkpoint()
        if parameter.dim() < 2:
            parameter.fill_(0.0 if name.endswith("bias") else 1.0)
            continue
        tile = blocks.setdefault(parameter.dtype, block.to(parameter.dtype))
        values = parameter.view(-1)
        done = 0
        while done < len(values):
            piece = min(BLOCK - begin, len(values) - done)
            values[done : done + piece] = tile[begin : begin + piece]
            done += piece
            begin = (begin + piece) % BLOCK
    for module in model.modules():
        if isinstance(module, torch.nn.Embedding) and module.padding_idx is not None:
            module.weight[module.padding_idx].zero_()
