"""The roles of parameters: one table of rules from names to roles, for every architecture of BERT's family.

The names are those of `named_parameters()` in transformers and of older checkpoints (`gamma` and `beta`, head
prefixes, the fused projections of models with code of their own). Rules are tried from the top; the first one
that matches a module's name gives the role. Names are matched without `.weight`, `.bias` and their like, and
without the prefix of the base model (`bert.`, `model.`).
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Final, NamedTuple

from encoder_tui.core.models.architectures import kinds_that

ROLES: Final = (
    "word_embedding",
    "position_embedding",
    "type_embedding",
    "embedding_norm",
    "embedding_projection",
    "relative_position",
    "query",
    "key",
    "value",
    "fused_qkv",
    "attention_output",
    "attention_norm",
    "feed_forward_in",
    "feed_forward_gate",
    "fused_in_gate",
    "feed_forward_out",
    "feed_forward_norm",
    "convolution",
    "final_norm",
    "pooler",
    "head",
    "other",
)
"""In the order of a forward pass."""

PARTS: Final[dict[str, tuple[str, ...]]] = {
    "fused_qkv": ("query", "key", "value"),
    "fused_in_gate": ("feed_forward_in", "feed_forward_gate"),
}
"""Roles that hold several others in one tensor."""

LABELS: Final = {
    "fused_qkv": "fused q/k/v",
    "fused_in_gate": "fused in/gate",
    "type_embedding": "token type embedding",
    **{f"feed_forward_{part}": f"feed-forward {part}" for part in ("in", "gate", "out", "norm")},
}


class Rule(NamedTuple):
    """A pattern that a module's name has to contain, and the role; `kinds` limits it to some `model_type`s."""

    pattern: str
    role: str
    kinds: tuple[str, ...] = ()


RULES: Final = (
    # Heads first: their modules repeat the names of others (`dense`, `LayerNorm`).
    Rule(
        r"^(cls|lm_head|vocab_\w+|predictions|sop_classifier|qa_outputs|classifier|pre_classifier|score)(\.|$)", "head"
    ),
    Rule(
        r"^(mlm|nsp|head|decoder|generator|generator_predictions|generator_lm_head|discriminator_predictions)(\.|$)",
        "head",
    ),
    Rule(r"^(lm_predictions|mask_predictions|contact_head|seq_relationship|mlm_head|linear|dense)(\.|$)", "head"),
    Rule(r"(^|\.)pooler(\.|$)", "pooler"),
    # Embeddings.
    Rule(r"(word_embeddings|tok_embeddings|embed_tokens|token_embeddings)$", "word_embedding"),
    Rule(r"(token_type_embeddings|segment_embeddings)$", "type_embedding"),
    Rule(r"(relative_attention_bias|rel_embeddings|pos_(key|query|q)?_?proj|distance_embedding)$", "relative_position"),
    Rule(r"^encoder\.LayerNorm$", "relative_position", kinds_that(lambda row: row.norms_relative_positions)),
    Rule(r"(position_embeddings|embed_positions)$", "position_embedding"),
    Rule(r"(embedding_hidden_mapping_in|embeddings_project|embed_proj)$", "embedding_projection"),
    Rule(r"^(embeddings\.(LayerNorm|norm|layer_norm)|emb_ln|layernorm_embedding|ln_emb)$", "embedding_norm"),
    # A convolution beside the first layer (DeBERTa-v2).
    Rule(r"^encoder\.conv\.", "convolution"),
    # Norms of a layer. `post_attention_layernorm` follows the attention in models like NomicBERT; in models like
    # Llama (EuroBERT) it precedes the feed-forward.
    Rule(r"post_attention_layernorm$", "attention_norm", kinds_that(lambda row: row.norms_after_attention)),
    Rule(r"(input_layernorm|sa_layer_norm|self_attn_layer_norm|attn_norm|attn_ln|norm1)$", "attention_norm"),
    Rule(r"attention(\.output|\.self)?\.(LayerNorm|layer_norm|layernorm)$", "attention_norm"),
    Rule(r"(post_attention_layernorm|post_mlp_layernorm|mlp_norm|mlp_ln|norm2)$", "feed_forward_norm"),
    Rule(r"(full_layer_layer_norm|output_layer_norm)$", "feed_forward_norm"),
    Rule(r"\.\d+\.((output|intermediate)\.)?(LayerNorm|layernorm|layer_norm)$", "feed_forward_norm"),
    Rule(r"^(encoder\.)?(final_norm|norm|ln_f|LayerNorm|final_layer_norm|emb_layer_norm_after)$", "final_norm"),
    # Attention.
    Rule(r"(Wqkv|qkv_proj|qkv|in_proj)$", "fused_qkv"),
    Rule(r"(attention|attn|mixer)(\.self|\.attn)?\.(query|query_proj|query_global|q_proj|q_lin|q_bias|q)$", "query"),
    Rule(r"(attention|attn|mixer)(\.self|\.attn)?\.(key|key_proj|key_global|k_proj|k_lin|k)$", "key"),
    Rule(r"(attention|attn|mixer)(\.self|\.attn)?\.(value|value_proj|value_global|v_proj|v_lin|v_bias|v)$", "value"),
    Rule(r"(attention|attn|mixer)\.(output\.dense|attn\.o|out_lin|o_proj|out_proj|dense|Wo)$", "attention_output"),
    # Feed-forward.
    Rule(r"mlp\.(Wi|up_gate_proj|gated_layers)$", "fused_in_gate"),
    Rule(r"mlp\.(gate_proj|fc12|w1_gate)$", "feed_forward_gate"),
    Rule(r"(intermediate\.dense|ffn\.lin1|\.ffn|mlp\.(up_proj|fc11|fc1|w1))$", "feed_forward_in"),
    Rule(r"(\.\d+\.output\.dense|ffn\.lin2|ffn_output|mlp\.(down_proj|Wo|fc2|w2|wo))$", "feed_forward_out"),
)

VERSION: Final = hashlib.sha256(repr(RULES).encode()).hexdigest()[:12]
"""Changes when the table changes, so that roles cached on disk are not used with a newer table."""

_COMPILED: Final = tuple((re.compile(rule.pattern), rule) for rule in RULES)
_LEAF: Final = re.compile(r"\.(weight|bias|gamma|beta|parametrizations\.weight\.original\d?)$")
_PREFIX: Final = re.compile(
    r"^(?:model\.|module\.)*(?:(?:bert|modernbert|roberta|distilbert|albert|electra|mpnet|deberta|nomic_bert|new|model"
    r"|transformer|esm|gte|encoder(?=\.(?:emb_ln|bert|embeddings)))\.)?"
)


def module_of(name: str) -> str:
    """Return a parameter's name without its last part and without the prefix of the base model."""
    # `transformer.layer` is DistilBERT's own stack, not a prefix.
    bare = name if name.startswith("transformer.layer") else _PREFIX.sub("", name, count=1)
    return _LEAF.sub("", bare)


@lru_cache(maxsize=1 << 16)
def role_of(name: str, kind: str = "") -> str:
    """Return the role of a parameter, `other` if no rule matches; `kind` is the model's `model_type`."""
    module = module_of(name)
    for pattern, rule in _COMPILED:
        if (not rule.kinds or kind in rule.kinds) and pattern.search(module):
            return rule.role
    return "other"


def label(role: str) -> str:
    """Return the name of a role as people read it."""
    return LABELS.get(role, role.replace("_", " "))
