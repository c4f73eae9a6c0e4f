"""Attention that leaves out what a local layer's mask leaves out anyway: `sdpa_local`.

In a layer that sees a window of tokens, torch's attention still multiplies every query with every key and then masks
nearly all of it. Here a block of queries meets the keys in its reach and no others; each block is computed by torch's
own kernel under the same mask, so that the values are the same but for rounding. Other layers run as with sdpa.
"""

from __future__ import annotations

from typing import Any, Final

import torch

NAME: Final = "sdpa_local"
KINDS: Final = ("modernbert",)
"""Kinds of models whose masks are known to reach no further than the `sliding_window` that their layers state."""
BLOCK: Final = 128
"""Queries that meet their keys at once; a window of 128 makes fewer not faster, and more compute what is masked."""


def is_for(config: Any) -> bool:
    """Whether a model has layers that this makes faster."""
    is_known = getattr(config, "model_type", "") in KINDS
    return is_known and "sliding_attention" in (getattr(config, "layer_types", None) or ())


def register() -> None:
    """Let transformers know the name."""
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
    """What transformers calls: states (batch, heads, tokens, width) and a mask (batch, 1, tokens, tokens)."""
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
