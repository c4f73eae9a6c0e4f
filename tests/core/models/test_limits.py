"""The longest input of an architecture, against the longest that passes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from encoder_tui.core.models.architectures import ARCHITECTURES, kinds_that
from encoder_tui.core.models.card import Limits
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
LEARNED = (
    "albert", "bart", "bert", "big_bird", "clip_text_model", "convbert", "deberta", "deberta-v2", "distilbert",
    "electra", "ernie", "flaubert", "fnet", "layoutlm", "mbart", "megatron-bert", "mobilebert", "mra", "mvp",
    "nystromformer", "rembert", "roc_bert", "roformer", "squeezebert", "xlm", "yoso",
)  # fmt: skip
"""They have an embedding for each position, counted from the first."""
ROTARY = ("esmc", "eurobert", "gte", "jina_embeddings_v3", "modernbert", "nomic_bert", "ultrabert")
"""More positions than they state would be computed all the same; they were not trained on them."""
RELATIVE = ("mt5", "t5", "umt5")
T5: dict[str, Any] = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
BART: dict[str, Any] = {
    "d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16,
}  # fmt: skip
OF_KIND: dict[str, dict[str, Any]] = {
    "distilbert": {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 16},
    "esm": {"position_embedding_type": "absolute", "mask_token_id": 4},
    "longformer": {"attention_window": 4},
    "luke": {"entity_vocab_size": 10, "entity_emb_size": 16},
    "roc_bert": {"pronunciation_vocab_size": 10, "shape_vocab_size": 10},
    "squeezebert": {"embedding_size": 16, "q_groups": 1, "k_groups": 1, "v_groups": 1, "post_attention_groups": 1,
                    "intermediate_groups": 1, "output_groups": 1},
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX"},
    **dict.fromkeys(RELATIVE, T5),
    **dict.fromkeys(("bart", "mbart", "mvp"), BART),
}  # fmt: skip


def passing(kind: str, padding: int = 1) -> tuple[int | None, Callable[[int], bool]]:
    """The longest input of a tiny model by its configuration, and whether one of a length passes it."""
    import torch
    from transformers import AutoConfig, AutoModel

    settings = {**SMALL, "pad_token_id": padding, **OF_KIND.get(kind, {})}
    if kind in RELATIVE:
        settings["n_positions"] = settings.pop("max_position_embeddings")
    config = AutoConfig.for_model(kind, **settings)
    longest = positions_of(config.to_dict())
    assert longest == positions_of({"model_type": kind, **settings})
    model = AutoModel.from_config(config).eval()
    more = {"decoder_input_ids": torch.full((1, 2), 7)} if config.is_encoder_decoder else {}

    def passes(length: int) -> bool:
        ids = torch.full((1, length), 7)
        try:
            with torch.inference_mode():
                model(input_ids=ids, attention_mask=torch.ones_like(ids), **more)
        except (IndexError, RuntimeError, ValueError):
            return False
        return True

    return longest, passes


@pytest.mark.parametrize(("kind", "padding"), [*product(FROM_PADDING, [0, 1, 5]), *product(LEARNED, [1])])
def test_the_longest_input_is_the_longest_that_passes(kind: str, padding: int) -> None:
    longest, passes = passing(kind, padding)
    assert longest is not None
    assert passes(longest)
    assert not passes(longest + 1)


@pytest.mark.parametrize("kind", ROTARY)
def test_positions_that_are_computed_end_where_the_configuration_says(kind: str) -> None:
    longest, passes = passing(kind)
    assert longest == SMALL["max_position_embeddings"]
    assert passes(longest)


@pytest.mark.parametrize("kind", RELATIVE)
def test_relative_positions_set_no_limit_whatever_the_configuration_says(kind: str) -> None:
    longest, passes = passing(kind)
    assert longest is None
    assert passes(3 * SMALL["max_position_embeddings"])


@pytest.mark.parametrize(
    ("config", "stated", "expected"),
    [
        ({"model_type": "bert", "max_position_embeddings": 512}, 512, 512),
        ({"model_type": "bert", "max_position_embeddings": 512}, None, 512),
        ({"model_type": "bert", "max_position_embeddings": 512}, 256, 256),
        ({"model_type": "bert", "max_position_embeddings": 512}, 8192, 512),
        ({"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1}, None, 512),
        ({"model_type": "roberta", "max_position_embeddings": 514}, None, 512),
        ({"model_type": "xlm-roberta", "max_position_embeddings": 514, "pad_token_id": 0}, None, 513),
        ({"model_type": "longformer", "max_position_embeddings": 4098, "pad_token_id": 1}, 4096, 4096),
        ({"model_type": "modernbert", "max_position_embeddings": 8192, "pad_token_id": 50283}, 8192, 8192),
        ({"model_type": "xlm", "n_positions": 512}, None, 512),
        ({"max_position_embeddings": None, "n_positions": 512}, None, 512),
        ({"model_type": "bert"}, None, 512),
        ({"model_type": "bert"}, 256, 256),
        ({"model_type": "roberta"}, None, 510),
        ({"model_type": "modernbert"}, None, 8192),
        ({"model_type": "unheard-of"}, None, None),
        ({}, 128, 128),
        ({}, None, None),
    ],
)
def test_the_limit_is_what_positions_and_tokenizer_allow(
    config: dict[str, Any], stated: int | None, expected: int | None
) -> None:
    assert Limits(positions_of(config), stated).smallest == expected


def test_positions_that_are_not_stated_are_those_that_transformers_takes() -> None:
    from transformers import AutoConfig
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    stated = {kind: row.positions for kind, row in ARCHITECTURES.items() if row.positions is not None}
    known = stated.keys() & CONFIG_MAPPING_NAMES.keys()
    assert {"bert", "modernbert", "roberta"} <= known
    assert {kind: AutoConfig.for_model(kind).max_position_embeddings for kind in known} == {
        kind: stated[kind] for kind in known
    }


@pytest.mark.parametrize("positions", [True, False, 0, -1, 512.0, float("nan"), "512", [512], {"a": 1}, None])
def test_positions_that_are_no_number_of_tokens_bound_nothing(positions: object) -> None:
    assert positions_of({"max_position_embeddings": positions}) is None


@pytest.mark.parametrize("padding", [True, -1, "1", None, [1]])
def test_a_padding_id_that_is_none_counts_as_roberta_s_own(padding: object) -> None:
    config = {"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": padding}
    assert positions_of(config) == 512


@pytest.mark.parametrize("kind", [["roberta"], {}, 1, None])
def test_an_architecture_that_is_no_name_is_no_roberta(kind: object) -> None:
    assert positions_of({"model_type": kind, "max_position_embeddings": 514, "pad_token_id": 1}) == 514


def test_a_limit_is_never_nothing_or_less() -> None:
    config = {"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 600}
    assert positions_of(config) is None
