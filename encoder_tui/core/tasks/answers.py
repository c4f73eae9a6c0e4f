"""Answers to a question, as stretches of a document."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Final

import msgspec

from encoder_tui.core.tasks.probabilities import softmax
from encoder_tui.core.tokens.tokenizer import Encoding

SHOWN: Final = 5
"""How many answers are found in a window."""


class Answer(msgspec.Struct, frozen=True):
    """A stretch of a document that answers a question; `start` and `end` count characters.

    `score` is the probability of its first token times that of its last one, among the tokens of the document in the
    same window.
    """

    answer: str
    start: int
    end: int
    score: float


class WindowAnswers(msgspec.Struct, frozen=True):
    """The best answers in one window, largest score first.

    `is_unanswerable` says that the model scores the window's first token, which stands for no answer, above all.
    """

    answers: list[Answer]
    is_unanswerable: bool


def answers(
    document: str,
    encoding: Encoding,
    start_logits: Sequence[float],
    end_logits: Sequence[float],
    best: int = SHOWN,
) -> WindowAnswers:
    """Return the best answers in a window whose first text is the question and whose second is the document.

    An answer begins and ends with tokens of the document, and does not end before it begins.
    """
    inside = [index for index, sequence in enumerate(encoding.sequence_ids) if sequence == 1]
    if not inside:
        return WindowAnswers([], is_unanswerable=True)
    starts = softmax([start_logits[index] for index in inside])
    ends = softmax([end_logits[index] for index in inside])
    found = [
        Answer(document[begin:end], begin, end, score)
        for first, last, score in _best_pairs(starts, ends, best)
        for begin, end in [(encoding.offsets[inside[first]][0], encoding.offsets[inside[last]][1])]
    ]
    ((first, last, _),) = _best_pairs(starts, ends, 1)
    highest = start_logits[inside[first]] + end_logits[inside[last]]
    return WindowAnswers(found, start_logits[0] + end_logits[0] > highest)


def _best_pairs(starts: Sequence[float], ends: Sequence[float], best: int) -> list[tuple[int, int, float]]:
    """Return the pairs with the largest products of a start and an end that is not before it.

    For a given start the ends are tried from the best on, so only `best` of them are ever needed.
    """
    likely = sorted(range(len(ends)), key=lambda index: -ends[index])
    pairs: list[tuple[float, int, int]] = []
    for first, start in enumerate(starts):
        taken = 0
        for last in likely:
            if last < first:
                continue
            product = start * ends[last]
            if len(pairs) == best and product <= pairs[0][0]:
                break
            heapq.heappush(pairs, (product, -first, -last))
            if len(pairs) > best:
                heapq.heappop(pairs)
            taken += 1
            if taken == best:
                break
    return [(-first, -last, product) for product, first, last in sorted(pairs, reverse=True)]


def merged(windows: Sequence[WindowAnswers], best: int = SHOWN) -> WindowAnswers:
    """Return the best answers of all windows of a document; the same characters count once, with the higher score."""
    by_place: dict[tuple[int, int], Answer] = {}
    for window in windows:
        for answer in window.answers:
            place = (answer.start, answer.end)
            if place not in by_place or answer.score > by_place[place].score:
                by_place[place] = answer
    found = sorted(by_place.values(), key=lambda one: -one.score)
    return WindowAnswers(found[:best], all(window.is_unanswerable for window in windows))
