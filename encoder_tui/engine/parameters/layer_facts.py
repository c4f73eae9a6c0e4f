"""How each layer attends, according to a configuration of `transformers`."""

from __future__ import annotations

from typing import Any

from encoder_tui.core.models.architectures import window_of
from encoder_tui.core.parameters.description import LayerFact


def layer_facts(config: Any) -> list[LayerFact]:
    """Return one fact per layer; empty if the configuration does not state the number of layers."""
    number = getattr(config, "num_hidden_layers", None)
    if not isinstance(number, int) or isinstance(number, bool):
        return []
    kinds = getattr(config, "layer_types", None)
    if not isinstance(kinds, list | tuple) or len(kinds) != number:
        kinds = ["full_attention"] * number
    return [_fact(config, str(kind), index) for index, kind in enumerate(kinds)]


def _fact(config: Any, kind: str, index: int) -> LayerFact:
    rope = getattr(config, "rope_parameters", None)
    rope = rope if isinstance(rope, dict) else {}
    theta = rope.get(kind, rope) if isinstance(rope.get(kind, rope), dict) else {}
    base = theta.get("rope_theta")
    seen = window_of(lambda name: getattr(config, name, None), kind, index)
    return LayerFact(
        "global" if seen is None else "sliding window", seen, float(base) if isinstance(base, int | float) else None
    )


def repeats(config: Any) -> int | None:
    """Return how often the layers run (ALBERT); None if each runs once."""
    groups = getattr(config, "num_hidden_groups", None)
    layers = getattr(config, "num_hidden_layers", None)
    if isinstance(groups, int) and isinstance(layers, int) and groups and layers > groups:
        return layers // groups
    return None
