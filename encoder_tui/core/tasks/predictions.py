"""What a model's head says of texts: which head is meant, what it reads, and what its logits mean.

A window and a command take the same steps: `task_of`, `readings`, the operation `head`, and `predictions`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from encoder_tui.core.defaults import STRIDE
from encoder_tui.core.models.card import Card
from encoder_tui.core.models.heads import Kind
from encoder_tui.core.models.placement import Head, InForce
from encoder_tui.core.models.ready import ReadyModel
from encoder_tui.core.tasks.answers import Answer, WindowAnswers, answers, merged
from encoder_tui.core.tasks.entities import (
    Aggregation,
    Entity,
    TokenLogits,
    entities,
    tokens_with_logits,
    without_overlaps,
)
from encoder_tui.core.tasks.heads import HeadAnswer
from encoder_tui.core.tasks.masked import MASK, with_mask
from encoder_tui.core.tasks.pooling import stride_of
from encoder_tui.core.tasks.probabilities import (
    LabelScore,
    apply,
    entailment_of,
    function_of,
    ranked,
    softmax,
    zero_shot,
)
from encoder_tui.core.text.numbers import count, enumeration
from encoder_tui.core.tokens.tokenizer import EncodeOptions, Encoding, ModelTokenizer, TokenizationError

Task = Literal[
    "sequence-classification",
    "cross-encoder",
    "token-classification",
    "question-answering",
    "zero-shot-classification",
    "multiple-choice",
    "masked-lm",
]
_OF_KIND: Final[dict[Kind, Task]] = {
    "sequence-classification": "sequence-classification",
    "cross-encoder": "cross-encoder",
    "token-classification": "token-classification",
    "question-answering": "question-answering",
}
HEAD_OF: Final[dict[Task, Head]] = {
    "sequence-classification": "sequence_classification",
    "cross-encoder": "sequence_classification",
    "zero-shot-classification": "sequence_classification",
    "token-classification": "token_classification",
    "question-answering": "question_answering",
    "multiple-choice": "multiple_choice",
    "masked-lm": "masked_lm",
}
Combination = Literal["mean", "max"]
"""How the windows of a text become one prediction: by the mean of their logits, or by the largest of each label."""
HYPOTHESIS: Final = "This example is {}."
"""What `transformers` makes of a candidate label if nothing else is given."""
_GENERIC: Final = re.compile(r"LABEL_\d+")


class TaskError(Exception):
    """This model cannot predict what was asked; the message says what it can do."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the models.

    `pairs` are second texts: one for each text, one for all of them, or several for one text. `labels` are candidates
    for a model of natural language inference. With `windows`, all of a text is read, in windows that overlap.
    """

    texts: list[str]
    pairs: list[str] = []
    question: str | None = None
    labels: list[str] = []
    multi_label: bool = False
    aggregation: Aggregation = "simple"
    windows: bool = False
    combination: Combination = "mean"
    stride: int = STRIDE

    def inputs(self) -> list[tuple[str, str | None]]:
        """Return each text with its second text. Raises `TaskError` if their numbers do not match."""
        if not self.pairs:
            return [(text, None) for text in self.texts]
        if len(self.pairs) == 1:
            return [(text, self.pairs[0]) for text in self.texts]
        if len(self.texts) == 1:
            return [(self.texts[0], pair) for pair in self.pairs]
        if len(self.texts) != len(self.pairs):
            raise TaskError(
                f"{len(self.texts)} texts and {len(self.pairs)} second texts do not match;"
                " give one second text for all, or one for each"
            )
        return list(zip(self.texts, self.pairs, strict=True))


class Reading(msgspec.Struct, frozen=True):
    """What a model reads of one text: windows of it, one if it is not read in windows.

    `tokens` is the length of the whole, including special tokens; `cut` the first character of the text that is not
    read, None if all of it is. `pair_cut` is the same of the second text of a pair.
    """

    text: str
    windows: list[Encoding]
    tokens: int
    cut: int | None
    pair_cut: int | None = None


class TokenScore(msgspec.Struct, frozen=True):
    """A token that a model proposes for a mask, and its probability."""

    token: str
    score: float


class TextPrediction(msgspec.Struct, frozen=True):
    """What a head says of one text; `windows` says it of each window, if there are several.

    `tokens` are the tokens with their logits of a model that labels tokens, in a text that is read at once.
    """

    labels: list[LabelScore] | None = None
    entities: list[Entity] | None = None
    answers: WindowAnswers | None = None
    score: float | None = None
    masks: list[list[TokenScore]] | None = None
    tokens: list[TokenLogits] | None = None
    windows: list[TextPrediction] = []

    def record(self, top: int | None = None) -> Any:
        """Return it as `predict --json` prints it."""
        if self.labels is not None:
            return [{"label": one.label, "score": one.score} for one in self.labels[:top]]
        if self.entities is not None:
            return [msgspec.to_builtins(one) for one in self.entities]
        if self.answers is not None:
            return _answer_record(self.answers, top)
        if self.masks is not None:
            return [[msgspec.to_builtins(one) for one in mask] for mask in self.masks]
        return {"score": self.score}


class Predicted(msgspec.Struct, frozen=True):
    """What a model's head says of each text, with what the model read of it; `remarks` are sentences for people.

    `read` has an entry for each prediction; of several passes over a text, the one that read the least of it. `labels`
    are those of a model that labels tokens, in the order of their logits.
    """

    task: Task
    in_force: InForce
    read: list[Reading]
    predictions: list[TextPrediction]
    remarks: list[str] = []
    labels: list[str] = []


def _answer_record(found: WindowAnswers, top: int | None) -> Any:
    best = best_answer(found)
    record: dict[str, Any] = {
        "answer": "" if best is None else best.answer,
        "start": None if best is None else best.start,
        "end": None if best is None else best.end,
        "score": None if best is None else best.score,
    }
    if top is not None and top > 1:
        record["others"] = [msgspec.to_builtins(one) for one in found.answers[0 if best is None else 1 : top]]
    return record


def task_of(name: str, card: Card, wish: Wish) -> Task:
    """Return what the model's head is for. Raises `TaskError` with what the model can do instead."""
    if wish.labels:
        return _zero_shot_task(name, card)
    task = _own_task(card, wish)
    if task is None or (wish.question is not None and task != "question-answering"):
        what = "answers" if wish.question is not None else "labels"
        raise TaskError(f"{name} has no head for {what}; {_what_it_has(card)}")
    if wrong := _why_not(task, wish):
        raise TaskError(f"{name} {wrong}")
    return task


def _own_task(card: Card, wish: Wish) -> Task | None:
    """Return what the model was saved for, None if it has no head for this."""
    if (card.class_name or "").endswith("ForMultipleChoice"):
        return "multiple-choice"
    # A model that makes vectors may keep the head with which it was trained.
    if (card.class_name or "").endswith("ForMaskedLM") and all(MASK in text for text in wish.texts):
        return "masked-lm"
    return _OF_KIND.get(card.kind)


def _why_not(task: Task, wish: Wish) -> str:
    """Return what is missing or too much for a task, empty if nothing is."""
    if task == "multiple-choice" and (len(wish.texts) != 1 or len(wish.pairs) < 2):
        return "chooses among second texts; give one text and at least two with --pair"
    if task == "question-answering" and wish.question is None:
        return "answers questions about a text; give one with --question"
    if task == "cross-encoder" and not wish.pairs:
        return "scores pairs of texts; give the second one with --pair"
    if task in {"token-classification", "question-answering", "masked-lm"} and wish.pairs:
        return "reads one text, not a pair; leave out --pair"
    return ""


_OWN_USE: Final[dict[Kind, str]] = {
    "masked-lm": 'it has a masked-language head: predict "… [MASK] …"',
    "question-answering": "it has a head for answers: give --question",
    "sentence-transformer": "it makes vectors: use encode",
    "sparse-encoder": "it makes sparse vectors: use encode",
    "multi-vector-encoder": "it makes a vector for each token: use encode",
    "encoder": "it is a bare encoder: use run, or encode for vectors",
}


def _what_it_has(card: Card) -> str:
    class_name = card.class_name or ""
    if class_name.endswith(("ForCausalLM", "ForConditionalGeneration", "LMHeadModel")) and card.kind != "masked-lm":
        return f"{class_name} generates text, which this program does not do"
    return _OWN_USE.get(card.kind, f"it is saved as {class_name}")


def _zero_shot_task(name: str, card: Card) -> Task:
    if card.kind not in {"sequence-classification", "cross-encoder"}:
        raise TaskError(f"{name} cannot judge --labels, which takes a model of natural language inference")
    if card.labels is None or entailment_of(card.labels) is None:
        named = enumeration([f'"{label}"' for label in (card.labels or [])[:4]]) or "none"
        raise TaskError(f"{name} has no label for entailment, so it cannot judge --labels; its labels are {named}")
    return "zero-shot-classification"


def masked_reading(model: ReadyModel, text: str) -> tuple[Reading, list[int]]:
    """Return what a model reads of a text with masks, and the positions of the masks that it reads.

    Raises `TokenizationError`, also if its tokenizer has no mask.
    """
    mask = next((token_id for role, _, token_id in model.tokenizer.special_tokens() if role == "mask"), None)
    if mask is None:
        raise TokenizationError("its tokenizer has no mask token")
    reading = _reading(model, with_mask(text, model.tokenizer), None, EncodeOptions(truncation=True))
    return reading, [index for index, token_id in enumerate(reading.windows[0].ids) if token_id == mask]


def readings(model: ReadyModel, task: Task, wish: Wish) -> list[Reading]:
    """Return what the model reads of each text, and for a task of several passes of each pair of them.

    Raises `TokenizationError`, and `TaskError` if the numbers of texts do not match.
    """
    if task == "question-answering":
        return [_document(model, wish, text) for text in wish.texts]
    if task == "zero-shot-classification":
        return [
            _reading(model, text, HYPOTHESIS.format(label), EncodeOptions(truncation=True, cut="only_first"))
            for text in wish.texts
            for label in wish.labels
        ]
    return [_reading(model, text, pair, EncodeOptions(truncation=True), wish) for text, pair in wish.inputs()]


def least_read(read: Sequence[Reading], texts: int) -> list[Reading]:
    """Return a reading for each of `texts`: of the passes over each, the one that read the least of it."""
    passes = len(read) // texts
    return [
        min(read[start : start + passes], key=lambda one: len(one.text) if one.cut is None else one.cut)
        for start in range(0, len(read), passes)
    ]


def _reading(
    model: ReadyModel, text: str, pair: str | None, options: EncodeOptions, wish: Wish | None = None
) -> Reading:
    tokenizer, limit = model.tokenizer, model.limit
    (whole,) = tokenizer.encode([text], pair)
    if not len(whole):
        raise TokenizationError("a text without tokens cannot be run; give another text")
    if limit is None or len(whole) <= limit:
        return Reading(text, [whole], len(whole), None)
    if wish is not None and wish.windows and pair is None:
        options = msgspec.structs.replace(options, max_length=limit, stride=stride_of(tokenizer, limit, wish.stride))
        (first,) = tokenizer.encode([text], options=options)
        return Reading(text, [first, *first.overflowing], len(whole), None)
    (kept,) = tokenizer.encode([text], pair, msgspec.structs.replace(options, max_length=limit))
    pair_cut = None if pair is None else _end_of(kept, pair, 1)
    return Reading(text, [kept], len(whole), _end_of(kept, text), pair_cut)


def _document(model: ReadyModel, wish: Wish, text: str) -> Reading:
    """Return a question with a document; only the document is cut."""
    assert wish.question is not None
    tokenizer, limit = model.tokenizer, model.limit
    (whole,) = tokenizer.encode([wish.question], text)
    if limit is None or len(whole) <= limit:
        return Reading(text, [whole], len(whole), None)
    stride = wish.stride if wish.windows else 0
    options = EncodeOptions(truncation=True, max_length=limit, cut="only_second", stride=stride)
    (first,) = tokenizer.encode([wish.question], text, options)
    if wish.windows:
        return Reading(text, [first, *first.overflowing], len(whole), None)
    return Reading(text, [first], len(whole), _end_of(first, text, 1))


def _end_of(kept: Encoding, text: str, sequence: int = 0) -> int | None:
    """Return the first character of a text that the kept tokens do not cover; None if they cover it to its end.

    `sequence` is 1 for the second text of a pair.
    """
    places = zip(kept.offsets, kept.sequence_ids, kept.special_tokens_mask, strict=True)
    end = max((end for (_, end), of, is_special in places if of == sequence and not is_special), default=0)
    return end if text[end:].strip() else None


def predictions(
    model: ReadyModel, task: Task, wish: Wish, read: Sequence[Reading], answer: HeadAnswer
) -> list[TextPrediction]:
    """Return what the head says of each text; `answer` holds an entry for each window of each reading, in order."""
    if task == "question-answering":
        return _answers(read, answer)
    rows = answer.outputs["logits"]
    if task == "token-classification":
        return _entities(model, wish, read, [row.rows() for row in rows])
    logits = [row.values() for row in rows]
    if task == "multiple-choice":
        return [TextPrediction(labels=ranked(wish.pairs, softmax(logits[0])))]
    labels = labels_for(model.card, len(logits[0]))
    if task == "zero-shot-classification":
        entailment = entailment_of(labels) or 0
        size = len(wish.labels)
        of_texts = [logits[start : start + size] for start in range(0, len(logits), size)]
        return [
            TextPrediction(labels=ranked(wish.labels, zero_shot(rows, entailment, multi_label=wish.multi_label)))
            for rows in of_texts
        ]
    found, at = [], 0
    for reading in read:
        of_windows = logits[at : at + len(reading.windows)]
        at += len(reading.windows)
        parts = [_labelled(model.card, labels, row) for row in of_windows]
        whole = parts[0] if len(parts) == 1 else _labelled(model.card, labels, _combined(of_windows, wish.combination))
        found.append(msgspec.structs.replace(whole, windows=parts if len(parts) > 1 else []))
    return found


def labels_for(card: Card, width: int) -> list[str]:
    """Return a name for each of `width` labels; those that the configuration does not name are called LABEL_7."""
    named = card.labels or []
    return [named[index] if index < len(named) else f"LABEL_{index}" for index in range(width)]


def remarks_on(name: str, card: Card, answer: HeadAnswer) -> list[str]:
    """Return what a reader of the predictions has to know about the model's labels."""
    rows = answer.outputs.get("logits")
    if not rows or card.kind not in {"sequence-classification", "token-classification"}:
        return []
    width, named = rows[0].shape[-1], card.labels or []
    if width > len(named):
        return [f"{name}: its head has {count(width, 'label')}, its id2label names {len(named):,}"]
    if width > 1 and all(_GENERIC.fullmatch(label) for label in named):
        return [f"{name}: its labels have no names ({named[0]}, …); set id2label in its config.json"]
    return []


def _labelled(card: Card, labels: Sequence[str], logits: Sequence[float]) -> TextPrediction:
    return TextPrediction(labels=ranked(labels, apply(function_of(card.problem_type, len(labels)), logits)))


def scored_prediction(labels: Sequence[str], scores: Sequence[float]) -> TextPrediction:
    """Return what a cross-encoder says of a pair: one score, or one for each label."""
    if len(scores) == 1:
        return TextPrediction(score=scores[0])
    return TextPrediction(labels=ranked(labels, scores))


def _combined(of_windows: Sequence[Sequence[float]], combination: Combination) -> list[float]:
    columns = zip(*of_windows, strict=True)
    return [max(column) if combination == "max" else sum(column) / len(column) for column in columns]


def _entities(
    model: ReadyModel, wish: Wish, read: Sequence[Reading], logits: Sequence[Sequence[Sequence[float]]]
) -> list[TextPrediction]:
    labels = labels_for(model.card, len(logits[0][0]))
    found, rows = [], iter(logits)
    for reading in read:
        of_windows = [next(rows) for _ in reading.windows]
        parts = [
            entities(reading.text, model.tokenizer, window, logits_of, labels, wish.aggregation)
            for window, logits_of in zip(reading.windows, of_windows, strict=True)
        ]
        if len(parts) == 1:
            listed = tokens_with_logits(reading.windows[0], of_windows[0])
            found.append(TextPrediction(entities=parts[0], tokens=listed))
        else:
            joined = without_overlaps([entity for part in parts for entity in part])
            found.append(TextPrediction(entities=joined, windows=[TextPrediction(entities=part) for part in parts]))
    return found


def _answers(read: Sequence[Reading], answer: HeadAnswer) -> list[TextPrediction]:
    starts, ends = iter(answer.outputs["start_logits"]), iter(answer.outputs["end_logits"])
    found = []
    for reading in read:
        parts = [
            answers(reading.text, window, next(starts).values(), next(ends).values()) for window in reading.windows
        ]
        if len(parts) == 1:
            found.append(TextPrediction(answers=parts[0]))
        else:
            found.append(
                TextPrediction(answers=merged(parts), windows=[TextPrediction(answers=part) for part in parts])
            )
    return found


def best_answer(found: WindowAnswers) -> Answer | None:
    """Return the best answer, or None if the model says that the document holds none."""
    return None if found.is_unanswerable or not found.answers else found.answers[0]


def pad_of(tokenizer: ModelTokenizer) -> dict[str, Any]:
    """Return how rows are padded, as arguments of the request.

    Padding on the left moves a text to other positions, which changes what models with absolute positions say, and
    padding on the right moves the last token, which others read; rows of such a tokenizer are not padded.
    """
    form = tokenizer.form
    if form.padding_side == "left":
        return {"pad_id": None}
    return {"pad_id": form.pad_token_id, "pad_type_id": form.pad_token_type_id}
