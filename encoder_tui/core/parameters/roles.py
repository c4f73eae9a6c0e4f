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
    "extra_embedding",
    "embedding_norm",
    "embedding_projection",
    "relative_position",
    "query",
    "key",
    "value",
    "fused_qkv",
    "query_key_norm",
    "attention_sink",
    "attention_output",
    "attention_norm",
    "router",
    "feed_forward_in",
    "feed_forward_gate",
    "fused_in_gate",
    "feed_forward_out",
    "feed_forward_norm",
    "bottleneck",
    "layer_scale",
    "convolution",
    "adapter",
    "final_norm",
    "pooler",
    "vision",
    "decoder",
    "head",
    "other",
)
"""In the order of a forward pass. `extra_embedding` is of inputs other than tokens, positions and types, such as the
boxes of a page, and of tables that every layer adds again; `vision` includes sound."""

PARTS: Final[dict[str, tuple[str, ...]]] = {
    "fused_qkv": ("query", "key", "value"),
    "fused_in_gate": ("feed_forward_in", "feed_forward_gate"),
}
"""Roles that hold several others in one tensor."""

LABELS: Final = {
    "fused_qkv": "fused q/k/v",
    "fused_in_gate": "fused in/gate",
    "type_embedding": "token type embedding",
    "extra_embedding": "additional embedding",
    "query_key_norm": "query/key norm",
    "vision": "vision or audio",
    **{f"feed_forward_{part}": f"feed-forward {part}" for part in ("in", "gate", "out", "norm")},
}


class Rule(NamedTuple):
    """A pattern that a module's name has to contain, and the role; `kinds` limits it to some `model_type`s."""

    pattern: str
    role: str
    kinds: tuple[str, ...] = ()


_ATTENTION: Final = (
    r"(attention|attn|mixer|self_attention|LocalSelfAttention|TransientGlobalSelfAttention|SelfAttention"
    r"|attentions\.\d+)(\.self|\.attn)?\."
)

RULES: Final = (
    # Parts beside the text encoder first: their modules repeat its names.
    Rule(
        r"(^|\.)(vision_model|vision_tower|audio_tower|connector|multi_modal_projector|embed_(vision|audio))\.",
        "vision",
    ),
    Rule(r"(^|\.)(patch_embed|patch_embeddings|visual_projection)(\.|$)", "vision"),
    Rule(r"(^|\.)(lora_(embedding_)?[AB]|lora_magnitude_vector|adapter_modules|adapter_layer_norm)(\.|$)", "adapter"),
    Rule(r"^decoder\.", "decoder"),
    # Then heads, whose modules do so too (`dense`, `LayerNorm`).
    Rule(
        r"^(cls|lm_head|vocab_\w+|predictions|sop_classifier|qa_outputs|classifier|pre_classifier|score)(\.|$)", "head"
    ),
    Rule(
        r"^(mlm|nsp|head|decoder|generator|generator_predictions|generator_lm_head|discriminator_predictions)(\.|$)",
        "head",
    ),
    Rule(
        r"^(lm_predictions|mask_predictions|contact_head|seq_relationship|mlm_head|classification_head|out_proj"
        r"|linear|dense|final_logits_bias|embedding_decoder|pred_layer|lm_loss|sequence_summary)(\.|$)",
        "head",
    ),
    Rule(r"(^|\.)pooler(\.|$)", "pooler"),
    # Embeddings.
    Rule(
        r"(word_embeddings?|tok_embeddings|embed_tokens|token_embeddings|HashBucketCodepointEmbedder_\d+)$",
        "word_embedding",
    ),
    Rule(r"^(shared|wte)$", "word_embedding"),
    Rule(r"^(encoder|embeddings)$", "word_embedding", ("neobert", "xlm", "flaubert")),
    Rule(r"(token_type_embeddings(_\d+)?|segment_embeddings|seg_embed)$", "type_embedding"),
    Rule(r"(relative_attention_bias|rel_embeddings|pos_(key|query|q)?_?proj|distance_embedding)$", "relative_position"),
    Rule(r"(rel_pos(_[xy])?_bias|rel_attn\.r|r_kernel|(r_[rsw]|seg|[rw])_bias)$", "relative_position"),
    Rule(r"^encoder\.LayerNorm$", "relative_position", kinds_that(lambda row: row.norms_relative_positions)),
    Rule(r"^(layout|entity)_embeddings\.LayerNorm$", "embedding_norm"),
    Rule(
        r"((^|\.)(layout|bbox|entity|xpath|value)_embeddings(\.|$)|(pronunciation|shape)_embed$"
        r"|(latents|cls_token|mask_emb|eoi_embedding)$)",
        "extra_embedding",
    ),
    Rule(
        r"((^|\.)ple(_block)?\.|per_layer_(model_)?projection|per_layer_input|embed_tokens_per_layer)",
        "extra_embedding",
    ),
    Rule(r"(position_embeddings?|positional_embedding|embed_positions|pos_embed|wpe)$", "position_embedding"),
    Rule(r"position_embeddings\.weights\.\d+$", "position_embedding"),
    Rule(
        r"(embedding_hidden_mapping_in|embeddings_project|embed_proj|embeddings?\.projection|embedding_projection"
        r"|embedding_transformation|map_inputs_layer)$",
        "embedding_projection",
    ),
    Rule(
        r"^((char_)?embeddings\.(LayerNorm|norm|layer_norm)|emb_ln|(encoder\.)?layernorm_embedding|ln_emb|layer_norm_emb)$",
        "embedding_norm",
    ),
    # Convolutions: beside the first layer (DeBERTa-v2), within attention (ConvBERT, Nyströmformer), between
    # characters and molecules (CANINE).
    Rule(r"^encoder\.conv\.", "convolution"),
    Rule(r"(key_conv_attn_layer(\.\w+)?|conv_kernel_layer|conv_out_layer|attention\.self\.conv)$", "convolution"),
    Rule(r"^(chars_to_molecules|projection)\.(conv|LayerNorm)$", "convolution", ("canine",)),
    Rule(r"\.bottleneck\.", "bottleneck"),
    # Norms of a layer. `post_attention_layernorm` follows the attention in models like NomicBERT and Gemma; in models
    # like Llama (EuroBERT) it precedes the feed-forward.
    Rule(r"\.(q|k)_(norm|layernorm)$", "query_key_norm"),
    Rule(r"post_attention_layernorm$", "attention_norm", kinds_that(lambda row: row.norms_after_attention)),
    Rule(r"(input_layernorm|sa_layer_norm|self_attn_layer_norm|(pre|post)_self_attn_layernorm)$", "attention_norm"),
    Rule(r"(attn_norm|attn_ln|norm1|attention_norm|operator_norm|ln_1|layer_norm1\.\d+)$", "attention_norm"),
    Rule(
        r"(attention|rel_attn)(\.output|\.layout_output|\.self)?\.(LayerNorm|layer_norm|layernorm|ln)$",
        "attention_norm",
    ),
    Rule(r"(fourier\.output\.LayerNorm|\.block\.\d+\.layer\.0\.layer_norm)$", "attention_norm"),
    Rule(r"(post_attention_layernorm|post_mlp_layernorm|mlp_norm|mlp_ln|norm2)$", "feed_forward_norm"),
    Rule(r"((pre|post)_feedforward_layernorm|ffn_norm|ln_2|layer_norm2\.\d+)$", "feed_forward_norm"),
    Rule(r"(full_layer_layer_norm|output_layer_norm|layers\.\d+\.final_layer_norm)$", "feed_forward_norm"),
    Rule(r"\.(ff|ffn|feed_forward)\.layer_norm$", "feed_forward_norm"),
    Rule(r"\.\d+\.((output|layout_output|intermediate)\.)?(LayerNorm|layernorm|layer_norm|ln)$", "feed_forward_norm"),
    Rule(r"^embedding_norm$", "final_norm", ("lfm2",)),
    Rule(
        r"^(encoder\.)?(text_model\.)?(final_norm|norm|ln|ln_f|LayerNorm|layer_norm|final_layer_norm"
        r"|emb_layer_norm_after)$",
        "final_norm",
    ),
    # Attention. The part of a name before the projection: `attention.self`, `self_attn`, `SelfAttention`, `rel_attn`.
    Rule(r"(Wqkv|qkv_proj|qkv|in_proj)$", "fused_qkv"),
    Rule(r"\.sinks$", "attention_sink"),
    Rule(rf"{_ATTENTION}(query|query_proj|query_global|q_proj|q_lin|q_bias|q_head|q|query_key)$", "query"),
    Rule(rf"{_ATTENTION}(key|key_proj|key_global|k_proj|k_lin|k_head|k)$", "key"),
    Rule(rf"{_ATTENTION}(value|value_proj|value_global|v_proj|v_lin|v_bias|v_head|v)$", "value"),
    Rule(r"\.(layout_query|w2e_query|e2w_query|e2e_query)$", "query"),
    Rule(r"\.layout_key$", "key"),
    Rule(r"\.layout_value$", "value"),
    Rule(
        r"(attention|attn|mixer)\.((layout_)?output\.dense|attn\.o|out_lin|o_proj|out_proj|dense|Wo|output|o|post_proj)$",
        "attention_output",
    ),
    Rule(r"(attentions\.\d+\.out_lin|SelfAttention\.o|output_projection\.(o|gate)_proj)$", "attention_output"),
    Rule(r"(\.\d+\.wo|post_attention\.conv1d)$", "attention_output"),
    # Feed-forward.
    Rule(r"\.(router|gate)(\.layer)?$", "router"),
    Rule(r"(mlp\.(Wi|up_gate_proj|gated_layers)|ffn\.w12|experts\.gate_up_proj(_bias)?)$", "fused_in_gate"),
    Rule(r"(mlp\.(gate_proj|fc12|w1_gate)|DenseReluDense\.wi_0|feed_forward\.w1)$", "feed_forward_gate"),
    Rule(r"ffn\.w1$", "feed_forward_gate", ("neobert",)),
    Rule(r"ffn\.w2$", "feed_forward_in", ("neobert",)),
    Rule(
        r"(intermediate\.(dense|conv1d)|ffn\.(lin1|linear_1)|ffns\.\d+\.lin1|\.ffn|ff\.layer_1|feed_forward\.w3"
        r"|DenseReluDense\.wi(_1)?|feed_forward\.dense\.dense|mlp\.(up_proj|fc11|fc1|w1|dense1)|layers\.\d+\.fc1)$",
        "feed_forward_in",
    ),
    Rule(
        r"(\.\d+\.(layout_)?output\.(dense|conv1d)|ffn\.(lin2|linear_2)|ffns\.\d+\.lin2|ffn_output|ff\.layer_2|ffn\.w3"
        r"|DenseReluDense\.wo|feed_forward\.(output\.dense|w2)|mlp\.(down_proj|Wo|fc2|w2|wo|dense2)"
        r"|mlp\.experts|experts\.down_proj(_bias)?|layers\.\d+\.fc2)$",
        "feed_forward_out",
    ),
    Rule(r"(\.lambdas|\.alpha|layer_scale|\.gamma_[12])$", "layer_scale"),
)

_COMPILED: Final = tuple((re.compile(rule.pattern), rule) for rule in RULES)
_LEAF: Final = re.compile(r"\.(weight|bias|gamma|beta|parametrizations\.weight\.original\d?)$")
_PREFIX: Final = re.compile(
    r"^(?:model\.|module\.|_orig_mod\.)*(?:(?:bert|modernbert|roberta|distilbert|albert|electra|mpnet|deberta|nomic_bert"
    r"|new|model|transformer|esm|gte|funnel|perceiver|language_model|text_model"
    r"|encoder(?=\.(?:emb_ln|bert|embeddings)))\.)?"
)

VERSION: Final = hashlib.sha256(repr((RULES, _LEAF.pattern, _PREFIX.pattern)).encode()).hexdigest()[:12]
"""Changes when the table changes, so that roles cached on disk are not used with a newer table."""


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
