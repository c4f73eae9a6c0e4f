"""How many layers an encoder may have."""

from __future__ import annotations

from typing import Any, Final

from encoder_tui.engine.job import TaskError

MOST_LAYERS: Final = 1_000
"""A configuration that claims more would keep the engine busy with making them until its memory is full."""


def refuse_layers(name: str, config: Any) -> None:
    """Raise `TaskError` where a configuration of transformers claims more than any encoder has."""
    layers = getattr(config, "num_hidden_layers", 0)
    if isinstance(layers, int) and layers > MOST_LAYERS:
        raise TaskError(f"{name}: config.json claims {layers:,} layers, which no encoder has")
