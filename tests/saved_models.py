"""Tiny models with weights: the directories of `model_directories`, with a model of `transformers` saved into them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from encoder_tui.engine.contract import TokenizerRequest
from encoder_tui.engine.job import Job
from encoder_tui.engine.tasks import tokenizer as tokenizer_task
from encoder_tui.models import ModelFiles, parse_name, resolve_here
from encoder_tui.tokens import ModelTokenizer
from tests.model_directories import all_directories

ARCHITECTURES = ("bert-cased", "modernbert", "roberta", "distilbert", "deberta-v2", "electra", "albert", "mpnet")


def saved(name: str, folder: Path) -> Path:
    """A directory with tokenizer and weights, the same ones each time."""
    import torch
    from transformers import AutoConfig, AutoModel

    directory = all_directories()[name](folder)
    torch.manual_seed(1)
    model = AutoModel.from_config(AutoConfig.from_pretrained(directory))
    # Of its own initialiser all biases are zero, and a model that lost them would not be noticed.
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    model.save_pretrained(directory)
    return directory


def files_of(directory: Path) -> ModelFiles:
    files = resolve_here(parse_name(os.fspath(directory)))
    assert files is not None
    return files


def tokenizer_of(directory: Path) -> ModelTokenizer:
    """The exact tokenizer, as the engine hands it over."""
    request = TokenizerRequest(directory.name, os.fspath(directory))
    return ModelTokenizer(tokenizer_task.run(request, silent()))


def silent() -> Job:
    """A job whose messages nobody reads."""
    return Job(1, lambda message: None)


class Heard(Job):
    """A job that keeps what it was told, and is cancelled once it has heard `end` in a progress text."""

    def __init__(self, end: str = "") -> None:
        super().__init__(1, self._hear)
        self.messages: list[Any] = []
        self._end = end

    def _hear(self, message: Any) -> None:
        self.messages.append(message)
        if self._end and self._end in getattr(message, "text", ""):
            self.cancel()
