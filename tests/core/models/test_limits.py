"""The longest input of an architecture, against the longest that passes."""

from __future__ import annotations

from typing import Any

import pytest

from encoder_tui.core.models.architectures import kinds_that
from encoder_tui.core.models.limits import positions_of

SMALL: dict[str, Any] = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 24,
    "type_vocab_size": 2,
    "bos_token_id": 2,
    "eos_token_id": 3,
}
FROM_PADDING = kinds_that(lambda row: row.counts_from_padding)
OF_KIND: dict[str, dict[str, Any]] = {
    "distilbert": {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 16},
    "esm": {"position_embedding_type": "absolute", "mask_token_id": 4},
    "longformer": {"attention_window": 4},
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX"},
}


@pytest.mark.parametrize("padding", [0, 1, 5])
@pytest.mark.parametrize(
    "kind", [*kinds_that(lambda row: row.counts_from_padding), "albert", "bert", "distilbert", "electra", "ernie"]
)
def test_the_longest_input_is_the_longest_that_passes(kind: str, padding: int) -> None:
    import torch
    from transformers import AutoConfig, AutoModel

    settings = {**SMALL, "pad_token_id": padding, **OF_KIND.get(kind, {})}
    config = AutoConfig.for_model(kind, **settings)
    longest = positions_of(config.to_dict())
    assert longest is not None
    assert longest == positions_of({"model_type": kind, **settings})
    model = AutoModel.from_config(config).eval()

    def passes(length: int) -> bool:
        ids = torch.full((1, length), 7)
        try:
            with torch.inference_mode():
                model(input_ids=ids, attention_mask=torch.ones_like(ids))
        except (IndexError, RuntimeError):
            return False
        return True

    assert passes(longest)
    assert not passes(longest + 1)
