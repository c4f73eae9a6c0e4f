"""How much a label's score falls if a word is hidden: occlusion. It says what the score hangs on, not why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from encoder_tui.core.models.card import Card
from encoder_tui.core.models.ready import ReadyModel
from encoder_tui.core.tasks.heads import HeadAnswer
from encoder_tui.core.tasks.predictions import TaskError, labels_for
from encoder_tui.core.tasks.probabilities import apply, function_of
from encoder_tui.core.tokens.tokenizer import EncodeOptions, Encoding

MOST_WORDS: Final = 5_000
"""How many words are hidden at most: each of them costs a pass over the text."""
_WORD: Final = re.compile(r"\S+")


class Occluded(msgspec.Struct, frozen=True):
    """A word of a text, and how much the label's score falls if it is hidden; a negative fall is a rise."""

    start: int
    end: int
    text: str
    fall: float


class Occlusion(msgspec.Struct, frozen=True):
    """What hiding each word does to the score of a label; `score` is that of the whole text."""

    label: str
    score: float
    words: list[Occluded]


def words_of(text: str, cut: int | None) -> list[tuple[int, int]]:
    """Return the words of a text, by white space, as far as the model reads it (up to the character `cut`).

    Raises `TaskError` if there are none, or more than `MOST_WORDS`.
    """
    found = [match.span() for match in _WORD.finditer(text) if cut is None or match.start() < cut]
    if not found:
        raise TaskError("a text without words has nothing to hide; give another text")
    if len(found) > MOST_WORDS:
        raise TaskError(f"the text has {len(found):,} words, each of them a pass; give one of {MOST_WORDS:,} at most")
    return found


def hidden(model: ReadyModel, text: str, words: Sequence[tuple[int, int]]) -> list[Encoding]:
    """Return the encoding of the text, and of the text with each word replaced by the model's mask in turn.

    A tokenizer without a mask gets its unknown token, one without either nothing. Raises `TokenizationError`.
    """
    special = model.tokenizer.form.special_tokens
    instead = special.get("mask") or special.get("unk") or ""
    texts = [text, *(text[:start] + instead + text[end:] for start, end in words)]
    options = EncodeOptions(truncation=model.limit is not None, max_length=model.limit)
    return model.tokenizer.encode(texts, options=options)


def occlusion(
    card: Card, text: str, words: Sequence[tuple[int, int]], answer: HeadAnswer, label: str | None
) -> Occlusion:
    """Return the fall of a label's score for each word; without a label, of the one with the highest score.

    `answer` holds the logits of the text, and then of the text without each word. Raises `TaskError` if there is no
    such label.
    """
    whole, *others = [row.values() for row in answer.outputs["logits"]]
    labels = labels_for(card, len(whole))
    function = function_of(card.problem_type, len(labels))
    scores = apply(function, whole)
    if label is not None and label not in labels:
        raise TaskError(f'there is no label "{label}"; the labels are {", ".join(labels[:10])}')
    index = scores.index(max(scores)) if label is None else labels.index(label)
    return Occlusion(
        labels[index],
        scores[index],
        [
            Occluded(start, end, text[start:end], scores[index] - apply(function, logits)[index])
            for (start, end), logits in zip(words, others, strict=True)
        ],
    )
