"""`sdpa_local`: attention that skips what the mask of a local layer excludes.

In a layer that sees a window of tokens, torch's attention multiplies every query with every key and then masks nearly
all products. Here each block of queries meets only the keys in its reach; torch's own kernel computes each block under
the same mask, so the values are equal up to rounding. Other layers run as with sdpa.
"""

from __future__ import annotations

from typing import Any, Final

import torch

from encoder_tui.core.models.architectures import architecture

NAME: Final = "sdpa_local"
BLOCK: Final = 128
"""Queries per block. With a window of 128, smaller blocks are not faster, and larger ones compute masked products."""


def is_for(config: Any) -> bool:
    """Return whether a model has layers that this makes faster."""
    is_known = architecture(getattr(config, "model_type", "")).has_local_kernel
    return is_known and "sliding_attention" in (getattr(config, "layer_types", None) or ())


def register() -> None:
    """Register the name with transformers."""
    from transformers import AttentionInterface, AttentionMaskInterface  # noqa: PLC0415
    from transformers.masking_utils import sdpa_mask  # noqa: PLC0415

    AttentionInterface.register(NAME, forward)
    AttentionMaskInterface.register(NAME, sdpa_mask)


def forward(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    sliding_window: int | None = None,
    **more: Any,
) -> tuple[torch.Tensor, None]:
    """Compute attention as transformers calls it: states (batch, heads, tokens, width), mask (batch, 1, tokens,
    tokens).
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward  # noqa: PLC0415

    length = query.shape[2]
    if sliding_window is None or attention_mask is None or length <= BLOCK:
        output, _ = sdpa_attention_forward(module, query, key, value, attention_mask, **more)
        return output, None
    blocks = []
    for start in range(0, length, BLOCK):
        end = min(start + BLOCK, length)
        seen = slice(max(start - sliding_window, 0), min(end + sliding_window, length))
        mask = attention_mask[:, :, start:end, seen]
        output, _ = sdpa_attention_forward(
            module, query[:, :, start:end], key[:, :, seen], value[:, :, seen], mask, **more
        )
        blocks.append(output)
    return torch.cat(blocks, 1), None
