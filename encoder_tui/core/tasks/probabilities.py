"""Scores of a head from its logits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

Function = Literal["softmax", "sigmoid", "none"]
"""What turns logits into scores: `none` for a regression, whose values are no probabilities."""


class LabelScore(msgspec.Struct, frozen=True):
    """A label and its score."""

    label: str
    score: float


def softmax(logits: Sequence[float]) -> list[float]:
    """Return probabilities that sum to 1."""
    highest = max(logits)
    powers = [math.exp(logit - highest) for logit in logits]
    total = sum(powers)
    return [power / total for power in powers]


def sigmoid(logit: float) -> float:
    """Return the probability of one label by itself."""
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    power = math.exp(logit)
    return power / (1 + power)


def function_of(problem_type: Any, labels: int) -> Function:
    """Return the function that `transformers.pipeline("text-classification")` applies."""
    if problem_type == "regression":
        return "none"
    if problem_type == "multi_label_classification" or labels == 1:
        return "sigmoid"
    return "softmax"


def apply(function: Function, logits: Sequence[float]) -> list[float]:
    """Return the score of each label."""
    if function == "softmax":
        return softmax(logits)
    return [sigmoid(logit) for logit in logits] if function == "sigmoid" else list(logits)


def ranked(labels: Sequence[str], scores: Sequence[float]) -> list[LabelScore]:
    """Return labels with their scores, largest first; equal ones in the order of their ids."""
    found = [LabelScore(label, score) for label, score in zip(labels, scores, strict=True)]
    return sorted(found, key=lambda one: -one.score)


def entailment_of(labels: Sequence[str]) -> int | None:
    """Return the id of the label for entailment of a model of natural language inference, or None."""
    return next((index for index, label in enumerate(labels) if label.lower().startswith("entail")), None)


def zero_shot(logits: Sequence[Sequence[float]], entailment: int, *, multi_label: bool) -> list[float]:
    """Return the score of each candidate label, as `transformers.pipeline("zero-shot-classification")` computes it.

    `logits[k]` are those of the text with the hypothesis of label k. With `multi_label`, or if there is only one label,
    each is judged by itself (entailment against contradiction); otherwise the scores sum to 1.
    """
    if not multi_label and len(logits) > 1:
        return softmax([row[entailment] for row in logits])
    contradiction = -1 if entailment == 0 else 0
    return [softmax([row[contradiction], row[entailment]])[1] for row in logits]
