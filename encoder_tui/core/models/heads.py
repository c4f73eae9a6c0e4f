"""What a model without modules is for, by the class that its configuration names, and the labels of its head."""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from encoder_tui.core.models.small_files import Object, number_of

Kind = Literal[
    "sentence-transformer",
    "sparse-encoder",
    "multi-vector-encoder",
    "cross-encoder",
    "sequence-classification",
    "token-classification",
    "question-answering",
    "masked-lm",
    "encoder",
]

SUFFIXES: Final[tuple[tuple[str, Kind], ...]] = (
    ("ForSequenceClassification", "sequence-classification"),
    ("ForTokenClassification", "token-classification"),
    ("ForQuestionAnswering", "question-answering"),
    ("ForQuestionAnsweringSimple", "question-answering"),
    ("ForMaskedLM", "masked-lm"),
)
MASKED_TOO: Final = frozenset(
    {
        *(f"{name}WithLMHeadModel" for name in ("Flaubert", "XLM")),
        *(
            f"{name}ForPreTraining"
            for name in ("Albert", "Bert", "BigBird", "Ernie", "FNet", "MegatronBert", "MobileBert", "RoCBert")
        ),
    }
)
"""Classes with a masked-language head whose names do not say so."""

LABELLED: Final = frozenset({"cross-encoder", "sequence-classification", "token-classification"})
MOST_LABELS: Final = 100_000

_ADAPTED: Final[dict[str, Kind]] = {
    "SEQ_CLS": "sequence-classification",
    "TOKEN_CLS": "token-classification",
    "QUESTION_ANS": "question-answering",
}
"""Kinds by the `task_type` of an adapter of PEFT."""


def kind_of(config: Object) -> Kind:
    """What a transformer is for, by its `config.json`.

    A classifier with one label that has no name scores pairs, as rerankers do; sentence-transformers marks its own.
    """
    kind = _kind_of_class(class_of(config) or "")
    if kind != "sequence-classification":
        return "multi-vector-encoder" if class_of(config) == "HF_ColBERT" else kind
    is_marked = (
        isinstance(config.get("sentence_transformers"), dict) or "sbert_ce_default_activation_function" in config
    )
    is_scorer = labels_of(config) == ["LABEL_0"] and config.get("problem_type") is None
    return "cross-encoder" if is_marked or is_scorer else kind


def kind_of_adapter(adapter: Object) -> Kind:
    """What an adapter without its base is for, by its `adapter_config.json`."""
    return _ADAPTED.get(str(adapter.get("task_type")), "encoder")


def class_of(config: Object) -> str | None:
    """The class that `architectures` names first; None if it names none."""
    named = config.get("architectures")
    return named[0] if isinstance(named, list) and named and isinstance(named[0], str) and named[0] else None


def _kind_of_class(name: str) -> Kind:
    if name in MASKED_TOO:
        return "masked-lm"
    return next((kind for suffix, kind in SUFFIXES if name.endswith(suffix)), "encoder")


def labels_of(config: Object) -> list[str]:
    """The labels in the order of their ids; without names, LABEL_0 and so on, as transformers calls them."""
    stated = config.get("id2label")
    if isinstance(stated, dict) and stated:
        return [str(stated[key]) for key in sorted(stated, key=_id)]
    if isinstance(stated, list) and stated:
        return [str(label) for label in stated]
    count = min(number_of(config.get("num_labels")) or 2, MOST_LABELS)
    return [f"LABEL_{index}" for index in range(count)]


def _id(key: Any) -> tuple[int, str]:
    text = str(key)
    return (int(text), "") if re.fullmatch(r"\d{1,18}", text) else (2**62, text)
