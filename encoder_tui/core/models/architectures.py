"""What differs between architectures: one table by `model_type`, and the rules that read a configuration with it.

An architecture that is not in the table gets the default row. A new one gets a row here; only the names of its
parameters are elsewhere, in `core/parameters/roles`, because several architectures share most of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple


class Architecture(NamedTuple):
    """One row.

    `positions` is their number if config.json does not state it: the default of its configuration in transformers.
    """

    positions: int | None = None
    counts_from_padding: bool = False
    """Learned positions count from `pad_token_id + 1`, as in fairseq."""
    padding: int | None = None
    """The `pad_token_id` that positions are counted from, whatever the configuration states."""
    has_relative_positions: bool = False
    """A token sees how far away others are, so no length is too long; `n_positions` says nothing."""
    is_packable: bool = False
    """Position ids count from 0 in each row, and the rows' bounds are passed on to flash attention."""
    has_local_kernel: bool = False
    """Its masks never reach beyond the `sliding_window` of its layers (`sdpa_local`)."""
    norms_after_attention: bool = False
    """`post_attention_layernorm` is the norm of the attention; elsewhere it comes before the feed-forward."""
    window_is_radius: bool = False
    """`sliding_window` counts the tokens to either side; elsewhere those of both sides together."""
    norms_relative_positions: bool = False
    """`encoder.LayerNorm` is the norm of the relative positions; elsewhere it is the last norm."""


_FAIRSEQ: Final = Architecture(512, counts_from_padding=True)
_LIKE_BERT: Final = Architecture(512)
_RELATIVE: Final = Architecture(has_relative_positions=True)

ARCHITECTURES: Final[dict[str, Architecture]] = {
    "albert": _LIKE_BERT,
    "bart": Architecture(1024),
    "bert": Architecture(512, is_packable=True),
    "big_bird": Architecture(4096),
    "camembert": _FAIRSEQ,
    "clip_text_model": Architecture(77),
    "convbert": _LIKE_BERT,
    "data2vec-text": _FAIRSEQ,
    "deberta": Architecture(512, norms_relative_positions=True),
    "deberta-v2": Architecture(512, norms_relative_positions=True),
    "distilbert": _LIKE_BERT,
    "electra": _LIKE_BERT,
    "ernie": _LIKE_BERT,
    "esm": Architecture(1026, counts_from_padding=True),
    "esmc": Architecture(2048),
    "eurobert": Architecture(8192),
    "flaubert": _LIKE_BERT,
    "fnet": _LIKE_BERT,
    "ibert": _FAIRSEQ,
    "layoutlm": _LIKE_BERT,
    "longformer": _FAIRSEQ,
    "luke": _FAIRSEQ,
    "mbart": Architecture(1024),
    "megatron-bert": _LIKE_BERT,
    "mobilebert": _LIKE_BERT,
    "modernbert": Architecture(8192, is_packable=True, has_local_kernel=True),
    "mpnet": Architecture(512, counts_from_padding=True, padding=1),
    "mra": _LIKE_BERT,
    "mt5": _RELATIVE,
    "mvp": Architecture(1024),
    "nomic_bert": Architecture(2048, norms_after_attention=True),
    "embedding_gemma2": Architecture(norms_after_attention=True, window_is_radius=True),
    "embedding_gemma2_text": Architecture(262_144, norms_after_attention=True, window_is_radius=True),
    "gemma2": Architecture(8192, norms_after_attention=True),
    "gemma3": Architecture(norms_after_attention=True),
    "gemma3_text": Architecture(131_072, norms_after_attention=True),
    "gte": Architecture(norms_after_attention=True),
    "jina_embeddings_v3": Architecture(norms_after_attention=True),
    "nystromformer": Architecture(510),
    "rembert": _LIKE_BERT,
    "roberta": _FAIRSEQ,
    "roberta-prelayernorm": _FAIRSEQ,
    "roc_bert": _LIKE_BERT,
    "roformer": Architecture(1536),
    "squeezebert": _LIKE_BERT,
    "t5": _RELATIVE,
    "ultrabert": Architecture(32768),
    "umt5": _RELATIVE,
    "xlm": _LIKE_BERT,
    "xlm-roberta": _FAIRSEQ,
    "xlm-roberta-xl": Architecture(514, counts_from_padding=True),
    "xmod": _FAIRSEQ,
    "yoso": Architecture(4096),
}

DEFAULT: Final = Architecture()

WIDTH: Final = ("hidden_size", "d_model", "dim", "n_embd", "emb_dim")
HEADS: Final = ("num_attention_heads", "n_heads")
"""The names of the vector width and of the number of attention heads in configurations."""


def architecture(kind: object) -> Architecture:
    """Return the row of a `model_type`."""
    return ARCHITECTURES.get(str(kind), DEFAULT)


def kinds_that(has: Callable[[Architecture], bool]) -> tuple[str, ...]:
    """Return the `model_type`s whose rows fulfil a condition."""
    return tuple(kind for kind, row in ARCHITECTURES.items() if has(row))


def count_of(config: dict[str, Any], names: tuple[str, ...]) -> int | None:
    """Return the value of the first of these names in a configuration; None unless it is a positive integer."""
    stated = next((config[name] for name in names if name in config), None)
    return stated if isinstance(stated, int) and not isinstance(stated, bool) and stated > 0 else None


# Two rules say how far a layer sees. They agree on ModernBERT. If a configuration states only `sliding_window`, they
# read it differently, as they always did: `window_of` as the tokens of both sides together, `reach_of` as those of
# each side.


def window_of(setting: Callable[[str], Any], kind: str, layer: int) -> int | None:
    """Return how many tokens a token of a layer sees, both sides together; None for all of them.

    `setting` gives the value of a name in the configuration as transformers completes it, `kind` is the layer's entry
    in `layer_types`.
    """
    longformer = setting("attention_window")
    if isinstance(longformer, list) and layer < len(longformer):
        return int(longformer[layer])
    if isinstance(longformer, int):
        return longformer
    if kind != "sliding_attention":
        return None
    # ModernBERT's `sliding_window` is the half of what `local_attention` and its paper call the window.
    width = setting("local_attention") or setting("sliding_window")
    if not isinstance(width, int):
        return None
    if setting("use_bidirectional_attention"):
        # Gemma 3 halves what config.json states, and adds one because its mask excludes the bound.
        return 2 * (width - 1)
    return 2 * width if architecture(setting("model_type")).window_is_radius else int(width)


def reach_of(config: dict[str, Any], layer: int) -> int | None:
    """Return how many tokens to either side a layer's attention reaches by config.json; None if it reaches all.

    ModernBERT states the whole width of its window (`local_attention`), and every third layer is global.
    """
    width = config.get("local_attention") or config.get("sliding_window")
    if not isinstance(width, int) or isinstance(width, bool):
        return None
    kinds = config.get("layer_types")
    if isinstance(kinds, list) and layer < len(kinds):
        is_local = "sliding" in str(kinds[layer]) or "local" in str(kinds[layer])
    else:
        every = config.get("global_attn_every_n_layers")
        is_local = isinstance(every, int) and every > 0 and layer % every != 0
    if not is_local:
        return None
    return width // 2 if "local_attention" in config or config.get("use_bidirectional_attention") else width
