"""Tiny models with heads: labels of texts and of tokens, answers, choices, masked tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.model_directories import all_directories

ENTITIES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "MISC")


def saved(folder: Path, name: str, auto: str, labels: Sequence[str] = (), **settings: Any) -> Path:
    """A directory with a model of this class; its head says different things of different tokens."""
    place = folder / "-".join([auto, *labels, *settings.values()])
    directory = place / name
    if not directory.exists():
        import torch
        import transformers

        place.mkdir(exist_ok=True)
        all_directories()[name](place)
        if labels:
            settings |= {"id2label": dict(enumerate(labels)), "label2id": {one: at for at, one in enumerate(labels)}}
        config = transformers.AutoConfig.from_pretrained(directory, **settings)
        torch.manual_seed(3)
        model = getattr(transformers, auto).from_config(config)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.3 * torch.randn(parameter.shape))
        model.save_pretrained(directory)
    return directory
