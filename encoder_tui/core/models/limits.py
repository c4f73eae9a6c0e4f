"""The longest input that a model's positions allow, and the largest values that a configuration may claim."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from encoder_tui.core.models.architectures import architecture, count_of
from encoder_tui.core.models.names import ModelError


def positions_of(config: dict[str, Any]) -> int | None:
    """Return the longest input that a model's positions allow, in tokens; None if unknown."""
    row = architecture(config.get("model_type"))
    if row.has_relative_positions:
        return None
    positions = count_of(config, ("max_position_embeddings",)) or count_of(config, ("n_positions",))
    if "max_position_embeddings" not in config:
        positions = positions or row.positions
    if positions and row.counts_from_padding and config.get("position_embedding_type") != "rotary":
        stated = 0 if config.get("pad_token_id") == 0 else count_of(config, ("pad_token_id",)) or 1
        positions -= (stated if row.padding is None else row.padding) + 1
    return positions if positions and positions > 0 else None


class Bound(NamedTuple):
    """The largest value of these settings; `noun` is what they count."""

    noun: str
    most: int
    settings: tuple[str, ...]


BOUNDS: Final = (
    Bound("layers", 1_000, ("num_hidden_layers", "num_layers", "n_layers", "n_layer", "encoder_layers", "layers",
                            "decoder_layers", "num_hidden_groups", "inner_group_num", "num_encoder_blocks")),
    Bound("labels", 100_000, ("num_labels", "id2label", "label2id", "n_classes")),
    Bound("entries of its vocabulary", 10_000_000, ("vocab_size", "entity_vocab_size", "n_words")),
    Bound("values in a vector", 65_536, ("hidden_size", "d_model", "dim", "n_embd", "emb_dim", "embedding_size",
                                         "entity_emb_size", "head_dim", "d_kv", "true_hidden_size", "bottleneck_size",
                                         "intra_bottleneck_size", "coordinate_size", "shape_size")),
    Bound("values in a feed-forward layer", 1_000_000, ("intermediate_size", "hidden_dim", "d_ff", "ffn_dim", "n_inner",
                                                       "encoder_ffn_dim", "decoder_ffn_dim", "pooler_hidden_size")),
    Bound("attention heads", 1_024, ("num_attention_heads", "num_key_value_heads", "n_heads", "n_head", "num_heads",
                                     "encoder_attention_heads", "decoder_attention_heads")),
    Bound("positions", 1 << 24, ("max_position_embeddings", "n_positions", "max_2d_position_embeddings",
                                 "max_relative_positions", "max_relative_position", "position_buckets",
                                 "relative_attention_num_buckets", "max_seqlen", "max_source_positions")),
    Bound("types of tokens", 65_536, ("type_vocab_size", "n_langs", "num_choices")),
    Bound("experts", 4_096, ("num_experts", "num_local_experts", "n_experts", "num_feedforward_networks")),
    Bound("values in a kernel", 65_536, ("conv_kernel_size", "num_conv_pos_embeddings")),
)  # fmt: skip
"""Values above those of any encoder. transformers would build whatever is claimed, until memory is full."""

_BOUND_OF: Final = {setting: bound for bound in BOUNDS for setting in bound.settings}


def refuse_beyond_bounds(name: str, config: Any, file: str = "config.json") -> None:
    """Raise `ModelError` if a configuration, or one nested in it, exceeds `BOUNDS`. Nothing is built."""
    if isinstance(config, list):
        for item in config:
            refuse_beyond_bounds(name, item, file)
    if not isinstance(config, dict):
        return
    for setting, value in config.items():
        bound = _BOUND_OF.get(setting)
        for number in _numbers(value) if bound else ():
            if bound and number > bound.most:
                raise ModelError(
                    f"{name}: {file} claims {number:,.0f} {bound.noun}, which no encoder has"
                    f" ({setting}; at most {bound.most:,} are allowed)"
                )
        refuse_beyond_bounds(name, value, file)


def _numbers(value: Any) -> list[float]:
    """Return the numbers that a setting claims: itself, those in its list, or its number of entries."""
    if isinstance(value, dict):
        return [len(value)]
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, int | float) and not isinstance(item, bool)]
