"""The roles of parameters in encoders of every kind that transformers has, and by names that only checkpoints have."""

from __future__ import annotations

from typing import Any

import pytest

from encoder_tui.core.parameters.roles import role_of
from tests.support.architectures import SMALL

SIDES = {"encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16}
BART: dict[str, Any] = {"d_model": 16, "encoder_attention_heads": 2, "decoder_attention_heads": 2, **SIDES}
T5: dict[str, Any] = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 2, "num_heads": 2}
GEMMA: dict[str, Any] = {"num_key_value_heads": 1, "head_dim": 8}

ENCODERS: dict[str, dict[str, Any]] = {
    "bart": BART,
    "big_bird": {},
    "bros": {},
    "canine": {},
    "convbert": {},
    "embedding_gemma2_text": GEMMA,
    "ernie": {},
    "esm": {"mask_token_id": 4},
    "esmc": {},
    "flaubert": {"emb_dim": 16, "n_layers": 2, "n_heads": 2},
    "fnet": {},
    "gemma3_text": GEMMA,
    "ibert": {},
    "layoutlm": {},
    "layoutlmv3": {},
    "lfm2": {"num_key_value_heads": 1},
    "lilt": {},
    "longt5": T5,
    "luke": {"entity_vocab_size": 8, "entity_emb_size": 8},
    "markuplm": {},
    "mbart": BART,
    "megatron-bert": {},
    "mobilebert": {},
    "mra": {},
    "mt5": T5,
    "mvp": BART,
    "neomme": {"num_key_value_heads": 2},
    "nystromformer": {},
    "openai_privacy_filter": {"num_key_value_heads": 1, "num_local_experts": 2},
    "perceiver": {"d_latents": 16, "d_model": 16, "num_latents": 4, "num_self_attends_per_block": 2},
    "reformer": {"axial_pos_shape": [4, 8], "axial_pos_embds_dim": [8, 8], "attn_layers": ["local", "lsh", "local"]},
    "rembert": {},
    "roc_bert": {},
    "roformer": {},
    "squeezebert": {"embedding_size": 16},
    "t5": T5,
    "tapas": {},
    "ultrabert": {},
    "umt5": T5,
    "xlm": {"emb_dim": 16, "n_layers": 2, "n_heads": 2},
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX"},
    "yoso": {},
}
"""What the default settings of each kind need besides `SMALL`; those of `tests/support/architectures` are not here."""

WITHOUT_SOME = ("fnet", "neomme", "openai_privacy_filter")
"""Without attention, without values in its norms, with its first projection fused with the gate."""


def names_of(kind: str) -> list[str]:
    import torch
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.for_model(kind, **SMALL | ENCODERS[kind])
    with torch.device("meta"):
        return [name for name, _ in AutoModel.from_config(config).named_parameters()]


@pytest.mark.parametrize("kind", ENCODERS)
def test_every_parameter_has_a_role(kind: str) -> None:
    roles = {name: role_of(name, kind) for name in names_of(kind)}
    assert [name for name, role in roles.items() if role == "other"] == []
    there = set(roles.values())
    assert "word_embedding" in there or kind == "perceiver"
    assert {"attention_output", "attention_norm", "feed_forward_in"} <= there or kind in WITHOUT_SOME
    # A decoder is no head: `AutoModel` has none, but for ESM, which predicts contacts from its attentions.
    assert "head" not in there or kind == "esm"
    assert {role for name, role in roles.items() if name.startswith("decoder.")} <= {"decoder"}


BY_KIND: dict[str, dict[str, str]] = {
    "neobert": {
        "model.encoder.weight": "word_embedding",
        "model.transformer_encoder.27.qkv.weight": "fused_qkv",
        "model.transformer_encoder.27.wo.weight": "attention_output",
        "model.transformer_encoder.27.attention_norm.weight": "attention_norm",
        "model.transformer_encoder.27.ffn_norm.weight": "feed_forward_norm",
        "model.transformer_encoder.27.ffn.w12.weight": "fused_in_gate",
        "model.transformer_encoder.27.ffn.w3.weight": "feed_forward_out",
        "transformer_encoder.0.ffn.w1.weight": "feed_forward_gate",
        "transformer_encoder.0.ffn.w2.weight": "feed_forward_in",
        "model.layer_norm.weight": "final_norm",
        "decoder.weight": "head",
        "classifier.bias": "head",
    },
    "gemma3_text": {
        "layers.0.self_attn.q_norm.weight": "query_key_norm",
        "layers.0.input_layernorm.weight": "attention_norm",
        "layers.0.post_attention_layernorm.weight": "attention_norm",
        "layers.0.pre_feedforward_layernorm.weight": "feed_forward_norm",
        "layers.0.post_feedforward_layernorm.weight": "feed_forward_norm",
        "norm.weight": "final_norm",
    },
    "new": {
        "new.embeddings.token_type_embeddings.weight": "type_embedding",
        "new.embeddings.LayerNorm.bias": "embedding_norm",
        "new.encoder.layer.0.attention.qkv_proj.bias": "fused_qkv",
        "new.encoder.layer.0.mlp.up_gate_proj.weight": "fused_in_gate",
        "new.encoder.layer.0.mlp_ln.bias": "feed_forward_norm",
        "new.pooler.dense.weight": "pooler",
        "classifier.weight": "head",
    },
    "xlm-roberta": {
        "roberta.embeddings.word_embeddings.parametrizations.weight.original": "word_embedding",
        "roberta.embeddings.word_embeddings.parametrizations.weight.0.lora_A": "adapter",
        "roberta.embeddings.token_type_embeddings.parametrizations.weight.original": "type_embedding",
        "roberta.emb_ln.weight": "embedding_norm",
        "roberta.encoder.layers.23.mixer.Wqkv.parametrizations.weight.original": "fused_qkv",
        "roberta.encoder.layers.23.mixer.Wqkv.parametrizations.weight.0.lora_B": "adapter",
        "roberta.encoder.layers.23.mixer.Wqkv.bias": "fused_qkv",
        "roberta.encoder.layers.23.mixer.out_proj.parametrizations.weight.original": "attention_output",
        "roberta.encoder.layers.23.mlp.fc1.parametrizations.weight.original": "feed_forward_in",
        "roberta.encoder.layers.23.mlp.fc2.bias": "feed_forward_out",
        "roberta.encoder.layers.23.norm1.weight": "attention_norm",
        "roberta.encoder.layers.23.norm2.bias": "feed_forward_norm",
        "roberta.pooler.dense.parametrizations.weight.original": "pooler",
    },
    "nomic_bert": {
        "encoder.layers.1.mlp.router.layer.weight": "router",
        "encoder.layers.1.mlp.experts.mlp.w1": "feed_forward_in",
        "encoder.layers.1.mlp.experts.mlp.w2": "feed_forward_out",
        "encoder.layers.1.mlp.experts.bias": "feed_forward_out",
    },
    "bert": {
        "module.bert.encoder.layer.0.attention.self.key.weight": "key",
        "_orig_mod.embeddings.LayerNorm.weight": "embedding_norm",
        "base_model.model.bert.encoder.layer.0.attention.self.query.lora_A.weight": "adapter",
    },
    "bart": {
        "model.decoder.layers.0.encoder_attn.q_proj.weight": "decoder",
        "model.encoder.layers.0.final_layer_norm.weight": "feed_forward_norm",
        "model.shared.weight": "word_embedding",
        "classification_head.dense.weight": "head",
    },
    "t5": {
        "encoder.block.0.layer.0.layer_norm.weight": "attention_norm",
        "encoder.block.0.layer.1.layer_norm.weight": "feed_forward_norm",
        "encoder.final_layer_norm.weight": "final_norm",
    },
}


@pytest.mark.parametrize("kind", BY_KIND)
def test_roles_by_the_names_in_checkpoints(kind: str) -> None:
    assert {name: role_of(name, kind) for name in BY_KIND[kind]} == BY_KIND[kind]
