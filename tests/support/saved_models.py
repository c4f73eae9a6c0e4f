"""Tiny models with weights: the directories of `model_directories`, with a model of `transformers` saved into them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from encoder_tui.core.models.files import ModelFiles, resolve_here
from encoder_tui.core.models.names import parse_name
from encoder_tui.core.models.placement import Placement, source_of
from encoder_tui.core.outputs.batching import batch_of
from encoder_tui.core.outputs.runs import RunAnswer
from encoder_tui.core.tokens.tokenizer import ModelTokenizer
from encoder_tui.engine.job import Job
from encoder_tui.engine.operations import tokenizer as tokenizer_task
from encoder_tui.protocol.models import TokenizerRequest
from encoder_tui.protocol.outputs import RunRequest, ValuesRequest
from tests.support.model_directories import all_directories

ARCHITECTURES = ("bert-cased", "modernbert", "roberta", "distilbert", "deberta-v2", "electra", "albert", "mpnet")
TEXTS: Final = (
    "The dance of the honeybee tells the way.",
    "A lens, and how bread rises; a typewriter with its keyboard.",
)


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


def with_head(name: str, folder: Path) -> Path:
    """The same with a masked-language head."""
    import torch
    from transformers import AutoConfig, AutoModelForMaskedLM

    directory = saved(name, folder)
    torch.manual_seed(2)
    AutoModelForMaskedLM.from_config(AutoConfig.from_pretrained(directory)).save_pretrained(directory)
    return directory


def files_of(directory: Path) -> ModelFiles:
    files = resolve_here(parse_name(os.fspath(directory)))
    assert files is not None
    return files


def tokenizer_of(directory: Path) -> ModelTokenizer:
    """The exact tokenizer, as the engine hands it over."""
    request = TokenizerRequest(directory.name, files_of(directory).path)
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


def run(directory: Path, job: Any = None, texts: Sequence[str] = TEXTS, **wishes: Any) -> RunAnswer:
    from encoder_tui.engine.operations import run as task

    files = files_of(directory)
    batch, _, _ = batch_of(tokenizer_of(directory), files, texts)
    placement = Placement(
        **{key: wishes.pop(key) for key in ("device", "dtype", "attention", "threads") if key in wishes}
    )
    request = RunRequest(source_of(files), placement, batch, slot=0, **wishes)
    return task.run(request, job or silent())


def value(name: str) -> Any:
    """An output of the last run, as a tensor made of the bytes that cross the boundary."""
    import torch

    from encoder_tui.engine.operations import values as task

    whole = task.run(ValuesRequest(0, name), silent())
    pieces = b"".join(task.run(ValuesRequest(0, name, at, at + 1000), silent()).data for at in range(0, 200_000, 1000))
    assert whole.data.startswith(pieces[: len(whole.data)])
    return torch.frombuffer(bytearray(whole.data), dtype=getattr(torch, whole.dtype)).view(whole.shape)


def directly(directory: Path, texts: Sequence[str] = TEXTS, dtype: Any = None, **wishes: Any) -> Any:
    """The model's output as a person would get it from transformers."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    attention = wishes.pop("attention", None)
    extra = {} if dtype is None else {"dtype": dtype}
    model = AutoModel.from_pretrained(directory, attn_implementation=attention, **extra).eval()
    tokenizer = AutoTokenizer.from_pretrained(directory)
    inputs = tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
    with torch.inference_mode():
        return model(**inputs, **wishes)
