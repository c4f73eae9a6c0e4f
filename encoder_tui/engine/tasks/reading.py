"""What a pipeline reads of each text: heard while it encodes, and counted for texts that it may have cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NamedTuple

from encoder_tui.core.models.placement import ModelSource
from encoder_tui.core.tokens.rust_errors import silence
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.outputs.forward import layer_modules, refuse_what_cannot_fit
from encoder_tui.engine.tasks.pipeline import LoadedPipeline

AT_ONCE = 64
"""Texts that are tokenized again at once to find where they were cut; their offsets take memory."""

Text = str | tuple[str, str]


class Read(NamedTuple):
    """A text's length in tokens, and for each of its one or two parts the first character that is not read, or None."""

    tokens: int
    cuts: tuple[int | None, ...]


class Reading:
    """The number of tokens that a pipeline has read of each text."""

    def __init__(self, loaded: LoadedPipeline, job: Job, total: int) -> None:
        self._loaded = loaded
        self._job = job
        self._total = total
        self._done = 0
        self._read: dict[Text, int] = {}

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Hear what the pipeline reads, report how far it is, and end it between two layers if it is cancelled."""
        model = self._loaded.model
        original = model.preprocess

        def preprocess(inputs: Sequence[Any], *arguments: Any, **settings: Any) -> Any:
            self._job.progress(f"{self._loaded.source.name}: encoding", self._done, self._total, "texts")
            with silence():
                features = original(inputs, *arguments, **settings)
            self._hear(inputs, features)
            return features

        layers = [layer for encoder in self._loaded.encoders for layer in layer_modules(encoder.model)]
        hooks = [layer.register_forward_pre_hook(lambda *_: self._job.checkpoint()) for layer in layers]
        model.preprocess = preprocess
        try:
            yield
        finally:
            del model.preprocess
            for hook in hooks:
                hook.remove()

    def _hear(self, inputs: Sequence[Any], features: Any) -> None:
        lengths = _lengths(features)
        if lengths is not None:
            for text, length in zip(inputs, lengths, strict=True):
                self._read[tuple(text) if isinstance(text, list) else text] = length
        if "input_ids" in features and features["input_ids"].dim() == 2:
            rows, width = features["input_ids"].shape
            for encoder in self._loaded.encoders:
                refuse_what_cannot_fit(encoder, rows, width)
        self._done += len(inputs)

    def of(self, texts: Sequence[Text], prompt: str, side: str | None) -> tuple[list[Read], list[str]]:
        """Return what was read of each text, and remarks. Raises `OperationError`."""
        reader = reader_of(self._loaded, side)
        if not self._read:
            return [Read(0, _uncut(text)) for text in texts], [
                f"{self._loaded.source.name}: its first module does not say how many tokens it reads of a text"
            ]
        read = [self._read[text] for text in texts]
        found = [Read(length, _uncut(text)) for text, length in zip(texts, read, strict=True)]
        tokenizer = getattr(reader, "tokenizer", None)
        # Only a text that was read as far as any other can have been cut.
        furthest = max(read)
        ahead = [index for index, length in enumerate(read) if length == furthest]
        if not hasattr(tokenizer, "model_max_length"):
            return found, []
        if "message" in getattr(reader, "modality_config", {}):
            return found, [
                f"{self._loaded.source.name}: it reads texts through a chat template, so it is not known where it stops"
            ]
        for start in range(0, len(ahead), AT_ONCE):
            self._job.checkpoint()
            piece = ahead[start : start + AT_ONCE]
            for index, cut in zip(
                piece,
                _cuts(self._loaded.source, tokenizer, [texts[index] for index in piece], prompt, furthest),
                strict=True,
            ):
                found[index] = cut
        return found, []


def _uncut(text: Text) -> tuple[int | None, ...]:
    return (None,) if isinstance(text, str) else (None, None)


def reader_of(loaded: LoadedPipeline, side: str | None) -> Any:
    """Return the module that reads texts of a side."""
    first = loaded.model[0]
    resolve = getattr(first, "_resolve_route", None)
    return first if resolve is None else first.sub_modules[resolve(task=side, modality="text")][0]


def _lengths(features: Any) -> list[int] | None:
    """Return how many tokens each row of a batch has; None if the features do not say."""
    if "cu_seq_lens_q" in features:
        bounds = features["cu_seq_lens_q"].tolist()
    elif "offsets" in features:
        bounds = [*features["offsets"].tolist(), len(features["input_ids"])]
    else:
        if "attention_mask" not in features:
            lengths = features.get("sentence_lengths")
            return None if lengths is None else [int(length) for length in lengths]
        mask = features["attention_mask"]
        added = features.get("query_expansion_positions")
        if added is not None:
            # Masks that a model adds to a query are not tokens of the text.
            mask = mask.masked_fill(added, 0)
        return [int(length) for length in mask.sum(1).tolist()]
    return [last - first for first, last in pairwise(bounds)]


def _cuts(source: ModelSource, tokenizer: Any, texts: Sequence[Text], prompt: str, read: int) -> list[Read]:
    """Return how long texts are, and where each stops if `read` of its tokens are read. Raises `OperationError`."""
    if not tokenizer.is_fast:
        raise OperationError(f"{source.name}: its tokenizer does not tell which characters its tokens stand for")
    firsts = [prompt + (text if isinstance(text, str) else text[0]) for text in texts]
    pairs = {} if isinstance(texts[0], str) else {"text_pair": [text[1] for text in texts]}
    before = (len(prompt), 0)
    with silence():
        whole = tokenizer(firsts, **pairs, truncation=False, padding=False, verbose=False).encodings
        found = [Read(len(one.ids), _uncut(text)) for one, text in zip(whole, texts, strict=True)]
        longer = [index for index, one in enumerate(found) if one.tokens > read]
        if not longer:
            return found
        firsts, pairs = (
            [firsts[index] for index in longer],
            {key: [values[index] for index in longer] for key, values in pairs.items()},
        )
        kept = tokenizer(firsts, **pairs, truncation="longest_first", max_length=read, verbose=False).encodings
    for index, one in zip(longer, kept, strict=True):
        cuts = tuple(
            _cut(whole[index], one, part, before[part], tokenizer.truncation_side)
            for part in range(len(found[index].cuts))
        )
        found[index] = Read(found[index].tokens, cuts)
    return found


def _cut(whole: Any, kept: Any, part: int, before: int, side: str) -> int | None:
    """Return the first character of a part of a text that is not kept, after `before` characters of a prompt."""
    if sum(one == part for one in whole.sequence_ids) == sum(one == part for one in kept.sequence_ids):
        return None
    ends = [span[1] for span, one in zip(kept.offsets, kept.sequence_ids, strict=True) if one == part]
    # A text that is cut on the left is not read from its beginning.
    return max(ends[-1] - before, 0) if ends and side == "right" else 0
