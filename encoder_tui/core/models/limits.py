"""How many positions an architecture has."""

from __future__ import annotations

from typing import Any, Final

ROBERTA_KIND: Final = frozenset(
    {
        "camembert",
        "data2vec-text",
        "ibert",
        "longformer",
        "luke",
        "mpnet",
        "roberta",
        "roberta-prelayernorm",
        "xlm-roberta",
        "xlm-roberta-xl",
        "xmod",
    }
)
"""Architectures that count positions from `pad_token_id + 1`, as fairseq did."""

UNSTATED: Final = {
    **dict.fromkeys(ROBERTA_KIND, 512),
    **dict.fromkeys(
        (
            "albert",
            "bert",
            "convbert",
            "deberta",
            "deberta-v2",
            "distilbert",
            "electra",
            "ernie",
            "layoutlm",
            "megatron-bert",
            "mobilebert",
            "rembert",
            "roc_bert",
            "squeezebert",
        ),
        512,
    ),
    "big_bird": 4096,
    "eurobert": 8192,
    "modernbert": 8192,
    "nomic_bert": 2048,
    "nystromformer": 510,
    "xlm-roberta-xl": 514,
    "yoso": 4096,
}
"""Positions by architecture where config.json states none: the defaults of the configurations in transformers."""


def positions_of(config: dict[str, Any]) -> int | None:
    """The longest input that a model's positions allow, in tokens; None where nothing is known of them."""
    kind = str(config.get("model_type"))
    positions = _count(config.get("max_position_embeddings")) or _count(config.get("n_positions"))
    if "max_position_embeddings" not in config:
        positions = positions or UNSTATED.get(kind)
    if positions and kind in ROBERTA_KIND:
        padding = config.get("pad_token_id")
        positions -= (0 if padding == 0 else _count(padding) or 1) + 1
    return positions


def _count(value: object) -> int | None:
    """A positive integer of a configuration; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
