"""Tiny configurations of every architecture whose parameters are known by role, and what roles they show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SMALL: dict[str, Any] = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 32,
    "type_vocab_size": 2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "cls_token_id": 1,
    "eos_token_id": 2,
    "sep_token_id": 2,
}

DISENTANGLED = {
    "relative_attention": True,
    "position_biased_input": False,
    "pos_att_type": ["c2p", "p2c"],
    "norm_rel_ebd": "layer_norm",
    "conv_kernel_size": 3,
    "share_att_key": False,
    "embedding_size": 8,
}

CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "bert": {"model_type": "bert"},
    "modernbert": {"model_type": "modernbert", "num_hidden_layers": 4},
    "roberta": {"model_type": "roberta"},
    "xlm-roberta": {"model_type": "xlm-roberta"},
    "camembert": {"model_type": "camembert"},
    "xlm-roberta-xl": {"model_type": "xlm-roberta-xl"},
    "distilbert": {"model_type": "distilbert", "dim": 16, "n_layers": 3, "n_heads": 2, "hidden_dim": 24},
    "albert": {"model_type": "albert", "embedding_size": 8},
    "albert with two groups": {
        "model_type": "albert",
        "embedding_size": 8,
        "num_hidden_groups": 2,
        "inner_group_num": 2,
    },
    "electra": {"model_type": "electra", "embedding_size": 8},
    "mpnet": {"model_type": "mpnet"},
    "deberta": {"model_type": "deberta", "relative_attention": True, "pos_att_type": ["c2p", "p2c"]},
    "deberta-v2": {"model_type": "deberta-v2"},
    "deberta-v2 as v3": {"model_type": "deberta-v2", **DISENTANGLED},
    "nomic_bert": {"model_type": "nomic_bert"},
    "eurobert": {"model_type": "eurobert", "num_key_value_heads": 2},
    "gte": {"model_type": "gte"},
    "jina_embeddings_v3": {"model_type": "jina_embeddings_v3"},
    "longformer": {"model_type": "longformer", "attention_window": [4, 4, 4]},
    "roberta-prelayernorm": {"model_type": "roberta-prelayernorm"},
    "bert in bfloat16": {"model_type": "bert", "torch_dtype": "bfloat16"},
}

BERT_LAYER = {
    "encoder.layer.2.attention.self.query.weight": "query",
    "encoder.layer.2.attention.self.key.bias": "key",
    "encoder.layer.2.attention.self.value.weight": "value",
    "encoder.layer.2.attention.output.dense.weight": "attention_output",
    "encoder.layer.2.attention.output.LayerNorm.bias": "attention_norm",
    "encoder.layer.2.intermediate.dense.bias": "feed_forward_in",
    "encoder.layer.2.output.dense.weight": "feed_forward_out",
    "encoder.layer.2.output.LayerNorm.weight": "feed_forward_norm",
}
BERT_EMBEDDINGS = {
    "embeddings.word_embeddings.weight": "word_embedding",
    "embeddings.position_embeddings.weight": "position_embedding",
    "embeddings.token_type_embeddings.weight": "type_embedding",
    "embeddings.LayerNorm.weight": "embedding_norm",
}
BERT = {**BERT_EMBEDDINGS, **BERT_LAYER, "pooler.dense.weight": "pooler", "pooler.dense.bias": "pooler"}
LLAMA_LAYER = {
    "layers.1.self_attn.q_proj.weight": "query",
    "layers.1.self_attn.k_proj.weight": "key",
    "layers.1.self_attn.v_proj.weight": "value",
    "layers.1.self_attn.o_proj.weight": "attention_output",
    "layers.1.mlp.gate_proj.weight": "feed_forward_gate",
    "layers.1.mlp.up_proj.weight": "feed_forward_in",
    "layers.1.mlp.down_proj.weight": "feed_forward_out",
}

ROLES: dict[str, dict[str, str]] = {
    "bert": BERT,
    "roberta": BERT,
    "xlm-roberta": BERT,
    "electra": {**BERT_EMBEDDINGS, **BERT_LAYER, "embeddings_project.weight": "embedding_projection"},
    "modernbert": {
        "embeddings.tok_embeddings.weight": "word_embedding",
        "embeddings.norm.weight": "embedding_norm",
        "layers.1.attn_norm.weight": "attention_norm",
        "layers.1.attn.Wqkv.weight": "fused_qkv",
        "layers.1.attn.Wo.weight": "attention_output",
        "layers.1.mlp_norm.weight": "feed_forward_norm",
        "layers.1.mlp.Wi.weight": "fused_in_gate",
        "layers.1.mlp.Wo.weight": "feed_forward_out",
        "final_norm.weight": "final_norm",
    },
    "distilbert": {
        "embeddings.word_embeddings.weight": "word_embedding",
        "embeddings.position_embeddings.weight": "position_embedding",
        "transformer.layer.0.attention.q_lin.bias": "query",
        "transformer.layer.0.attention.k_lin.weight": "key",
        "transformer.layer.0.attention.v_lin.weight": "value",
        "transformer.layer.0.attention.out_lin.weight": "attention_output",
        "transformer.layer.0.sa_layer_norm.weight": "attention_norm",
        "transformer.layer.0.ffn.lin1.weight": "feed_forward_in",
        "transformer.layer.0.ffn.lin2.weight": "feed_forward_out",
        "transformer.layer.0.output_layer_norm.weight": "feed_forward_norm",
    },
    "albert": {
        **BERT_EMBEDDINGS,
        "encoder.embedding_hidden_mapping_in.bias": "embedding_projection",
        "encoder.albert_layer_groups.0.albert_layers.0.full_layer_layer_norm.weight": "feed_forward_norm",
        "encoder.albert_layer_groups.0.albert_layers.0.attention.query.weight": "query",
        "encoder.albert_layer_groups.0.albert_layers.0.attention.key.weight": "key",
        "encoder.albert_layer_groups.0.albert_layers.0.attention.value.weight": "value",
        "encoder.albert_layer_groups.0.albert_layers.0.attention.dense.weight": "attention_output",
        "encoder.albert_layer_groups.0.albert_layers.0.attention.LayerNorm.bias": "attention_norm",
        "encoder.albert_layer_groups.0.albert_layers.0.ffn.weight": "feed_forward_in",
        "encoder.albert_layer_groups.0.albert_layers.0.ffn_output.weight": "feed_forward_out",
        "pooler.weight": "pooler",
    },
    "mpnet": {
        "embeddings.word_embeddings.weight": "word_embedding",
        "encoder.layer.0.attention.attn.q.weight": "query",
        "encoder.layer.0.attention.attn.k.weight": "key",
        "encoder.layer.0.attention.attn.v.bias": "value",
        "encoder.layer.0.attention.attn.o.weight": "attention_output",
        "encoder.layer.0.attention.LayerNorm.weight": "attention_norm",
        "encoder.layer.0.output.LayerNorm.weight": "feed_forward_norm",
        "encoder.relative_attention_bias.weight": "relative_position",
        "pooler.dense.bias": "pooler",
    },
    "deberta": {
        "encoder.layer.0.attention.self.in_proj.weight": "fused_qkv",
        "encoder.layer.0.attention.self.q_bias": "query",
        "encoder.layer.0.attention.self.v_bias": "value",
        "encoder.layer.0.attention.self.pos_proj.weight": "relative_position",
        "encoder.rel_embeddings.weight": "relative_position",
    },
    "deberta-v2 as v3": {
        "embeddings.embed_proj.weight": "embedding_projection",
        "encoder.layer.0.attention.self.query_proj.weight": "query",
        "encoder.layer.0.attention.self.key_proj.weight": "key",
        "encoder.layer.0.attention.self.value_proj.bias": "value",
        "encoder.layer.0.attention.self.pos_key_proj.weight": "relative_position",
        "encoder.layer.0.attention.self.pos_query_proj.bias": "relative_position",
        "encoder.layer.0.attention.output.dense.weight": "attention_output",
        "encoder.layer.0.attention.output.LayerNorm.weight": "attention_norm",
        "encoder.layer.0.output.LayerNorm.weight": "feed_forward_norm",
        "encoder.rel_embeddings.weight": "relative_position",
        "encoder.LayerNorm.weight": "relative_position",
        "encoder.conv.conv.weight": "convolution",
        "encoder.conv.LayerNorm.bias": "convolution",
    },
    "nomic_bert": {
        **LLAMA_LAYER,
        "embeddings.token_type_embeddings.weight": "type_embedding",
        "layers.1.post_attention_layernorm.bias": "attention_norm",
        "layers.1.post_mlp_layernorm.weight": "feed_forward_norm",
    },
    "eurobert": {
        **LLAMA_LAYER,
        "embed_tokens.weight": "word_embedding",
        "layers.1.input_layernorm.weight": "attention_norm",
        "layers.1.post_attention_layernorm.weight": "feed_forward_norm",
        "norm.weight": "final_norm",
    },
}
"""Some parameters of each configuration, and their roles."""

CHECKPOINT_ROLES = {
    "bert.embeddings.LayerNorm.gamma": "embedding_norm",
    "bert.encoder.layer.11.attention.output.LayerNorm.beta": "attention_norm",
    "bert.encoder.layer.11.output.LayerNorm.gamma": "feed_forward_norm",
    "bert.pooler.dense.weight": "pooler",
    "cls.predictions.transform.LayerNorm.gamma": "head",
    "cls.predictions.bias": "head",
    "cls.seq_relationship.weight": "head",
    "lm_head.dense.weight": "head",
    "model.layers.0.attn.Wqkv.weight": "fused_qkv",
    "model.final_norm.weight": "final_norm",
    "head.norm.weight": "head",
    "decoder.bias": "head",
    "vocab_transform.weight": "head",
    "distilbert.transformer.layer.5.ffn.lin2.weight": "feed_forward_out",
    "new.embeddings.word_embeddings.weight": "word_embedding",
    "new.encoder.layer.0.attention.qkv_proj.weight": "fused_qkv",
    "new.encoder.layer.0.attention.o_proj.bias": "attention_output",
    "new.encoder.layer.0.mlp.up_gate_proj.weight": "fused_in_gate",
    "new.encoder.layer.0.mlp.down_proj.weight": "feed_forward_out",
    "new.encoder.layer.0.attn_ln.weight": "attention_norm",
    "new.encoder.layer.0.mlp_ln.weight": "feed_forward_norm",
    "encoder.layers.0.attn.out_proj.weight": "attention_output",
    "encoder.layers.0.mlp.fc11.weight": "feed_forward_in",
    "encoder.layers.0.mlp.fc12.weight": "feed_forward_gate",
    "encoder.layers.0.mlp.fc2.weight": "feed_forward_out",
    "encoder.layers.0.norm1.weight": "attention_norm",
    "encoder.layers.0.norm2.bias": "feed_forward_norm",
    "emb_ln.weight": "embedding_norm",
    "roberta.encoder.layers.0.mixer.Wqkv.weight": "fused_qkv",
}
"""Names that stand in checkpoints and not in `named_parameters()` of transformers' own classes."""


def write_configuration(folder: Path, name: str, **changes: Any) -> Path:
    """A directory with nothing but a `config.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**SMALL, **CONFIGURATIONS[name], **changes}))
    return folder
