"""What heads say equals what `transformers.pipeline` says, and for answers what plain loops over the logits give."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from encoder_tui.core.models.placement import Placement, source_of
from encoder_tui.core.models.ready import ReadyModel
from encoder_tui.core.tasks.entities import AGGREGATIONS
from encoder_tui.core.tasks.predictions import (
    HEAD_OF,
    TaskError,
    TextPrediction,
    Wish,
    best_answer,
    pad_of,
    predictions,
    readings,
    task_of,
)
from encoder_tui.engine.job import OperationError
from encoder_tui.engine.operations import head
from encoder_tui.protocol.tasks import HeadRequest, HeadRow
from tests.support.headed_models import ENTITIES, saved
from tests.support.saved_models import files_of, silent, tokenizer_of

ARCHITECTURES = ("bert-cased", "modernbert", "roberta", "deberta-v2", "distilbert", "electra", "xlm-roberta")
TEXTS = (
    "The dance of the honeybee tells the way to the shells by the sea.",
    "Unbelievable: 東京の天気, naïve café 👩‍👩‍👧‍👦!",
    "  spaces   and\ttabs  ",
    "x",
)
NEAR = {"rel": 1e-5, "abs": 1e-5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("heads")


@cache
def ready(directory: Path) -> ReadyModel:
    return ReadyModel(str(directory), files_of(directory), tokenizer_of(directory))


def predicted(directory: Path, wish: Wish, batch: int = 16) -> list[TextPrediction]:
    model = ready(directory)
    task = task_of(model.name, model.card, wish)
    read = readings(model, task, wish)
    request = HeadRequest(
        source_of(model.files),
        Placement(),
        HEAD_OF[task],
        [HeadRow(window.ids, window.token_type_ids) for reading in read for window in reading.windows],
        batch=batch,
        choices=len(wish.pairs) if task == "multiple-choice" else 1,
        **pad_of(model.tokenizer),
    )
    return predictions(model, task, wish, read, head.run(request, silent()))


def theirs(task: str, directory: Path, inputs: Any, **settings: Any) -> Any:
    from transformers import pipeline

    call = {key: settings.pop(key) for key in ("top_k", "candidate_labels", "multi_label") if key in settings}
    if task == "text-classification":
        settings["truncation"] = True
    made = pipeline(task, model=str(directory), device="cpu", **settings)
    made.tokenizer.model_max_length = ready(directory).limit  # not every directory states it
    return made(inputs, **call)


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        (("negative", "neutral", "positive"), None),
        (("a", "b", "c"), "multi_label_classification"),
        (("height", "width"), "regression"),
    ],
)
def test_labels(name: str, labels: Sequence[str], problem: str | None, folder: Path) -> None:
    settings = {} if problem is None else {"problem_type": problem}
    directory = saved(folder, name, "AutoModelForSequenceClassification", labels, **settings)
    texts = [*TEXTS, " ".join(TEXTS) * 3]
    found = predicted(directory, Wish(texts=texts))
    for one, expected in zip(found, theirs("text-classification", directory, texts, top_k=None), strict=True):
        assert one.labels is not None
        assert [label.label for label in one.labels] == [label["label"] for label in expected]
        assert [label.score for label in one.labels] == pytest.approx([label["score"] for label in expected], **NEAR)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_pairs_and_candidate_labels(name: str, folder: Path) -> None:
    directory = saved(folder, name, "AutoModelForSequenceClassification", ("contradiction", "neutral", "entailment"))
    pairs = [{"text": text, "text_pair": "The sea is wide."} for text in TEXTS]
    found = predicted(directory, Wish(texts=list(TEXTS), pairs=["The sea is wide."]))
    for one, expected in zip(found, theirs("text-classification", directory, pairs, top_k=None), strict=True):
        assert one.labels is not None
        assert [label.score for label in one.labels] == pytest.approx([label["score"] for label in expected], **NEAR)
    for wish, multi in ((["sea", "sky"], False), (["sea", "sky"], True), (["sea"], False)):
        found = predicted(directory, Wish(texts=list(TEXTS), labels=wish, multi_label=multi))
        answers = theirs("zero-shot-classification", directory, list(TEXTS), candidate_labels=wish, multi_label=multi)
        for one, answer in zip(found, answers, strict=True):
            assert one.labels is not None
            assert {label.label: label.score for label in one.labels} == pytest.approx(
                dict(zip(answer["labels"], answer["scores"], strict=True)), **NEAR
            )


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.filterwarnings("ignore:Tokenizer does not support real words")
def test_entities(name: str, aggregation: Any, folder: Path) -> None:
    directory = saved(folder, name, "AutoModelForTokenClassification", ENTITIES)
    found = predicted(directory, Wish(texts=list(TEXTS), aggregation=aggregation))
    answers = theirs("token-classification", directory, list(TEXTS), aggregation_strategy=aggregation)
    assert sum(map(len, answers)) > 5
    for text, one, expected in zip(TEXTS, found, answers, strict=True):
        assert one.entities is not None
        key = "entity" if aggregation == "none" else "entity_group"
        assert [(entity.entity, entity.start, entity.end) for entity in one.entities] == [
            (entity[key], entity["start"], entity["end"]) for entity in expected
        ]
        assert [entity.score for entity in one.entities] == pytest.approx(
            [float(entity["score"]) for entity in expected], **NEAR
        )
        assert all(entity.text == text[entity.start : entity.end] for entity in one.entities)


@pytest.mark.parametrize("name", ["bert-cased", "roberta", "xlm-roberta"])
@pytest.mark.filterwarnings("ignore:Tokenizer does not support real words")
def test_entities_of_windows(name: str, folder: Path) -> None:
    directory = saved(folder, name, "AutoModelForTokenClassification", ENTITIES)
    text = " ".join(TEXTS) * 3
    (found,) = predicted(directory, Wish(texts=[text], aggregation="first", windows=True, stride=10))
    expected = theirs("token-classification", directory, text, aggregation_strategy="first", stride=10)
    assert len(found.windows) > 2
    assert found.entities is not None
    assert [(one.entity, one.start, one.end) for one in found.entities] == [
        (one["entity_group"], one["start"], one["end"]) for one in expected
    ]


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_answers(name: str, windows: bool, folder: Path) -> None:
    directory = saved(folder, name, "AutoModelForQuestionAnswering")
    question, document = "Who counted tokens?", " ".join(TEXTS) * (3 if windows else 1)
    (found,) = predicted(directory, Wish(texts=[document], question=question, windows=windows, stride=8))
    assert found.answers is not None
    expected = _plain_answer(directory, question, document, stride=8 if windows else 0, windows=windows)
    best = found.answers.answers[0]
    assert (best.start, best.end) == expected[1:3]
    assert best.score == pytest.approx(expected[0], **NEAR)
    assert best.answer == document[best.start : best.end]
    assert found.answers.is_unanswerable == expected[3]
    assert (best_answer(found.answers) is None) == expected[3]


def _plain_answer(
    directory: Path, question: str, document: str, stride: int, *, windows: bool
) -> tuple[float, int, int, bool]:
    """The best start and end with end ≥ start inside the document, tried one by one."""
    import torch
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(directory)
    model = AutoModelForQuestionAnswering.from_pretrained(directory).eval()
    encoded = tokenizer(
        question,
        document,
        truncation="only_second",
        max_length=ready(directory).limit,
        stride=stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    best, empty = (-1.0, 0, 0), []
    for window in range(len(encoded["input_ids"]) if windows else 1):
        names = [name for name in tokenizer.model_input_names if name in encoded]
        with torch.inference_mode():
            output = model(**{name: torch.tensor([encoded[name][window]]) for name in names})
        inside = [at for at, one in enumerate(encoded.sequence_ids(window)) if one == 1]
        starts, ends = output.start_logits[0, inside].softmax(0), output.end_logits[0, inside].softmax(0)
        most = -1e9
        for i, first in enumerate(inside):
            for j, last in enumerate(inside[i:], i):
                most = max(most, float(output.start_logits[0, first] + output.end_logits[0, last]))
                score = float(starts[i] * ends[j])
                if score > best[0]:
                    offsets = encoded["offset_mapping"][window]
                    best = (score, offsets[first][0], offsets[last][1])
        empty.append(float(output.start_logits[0, 0] + output.end_logits[0, 0]) > most)
    return (*best, all(empty))


def test_the_choice_among_second_texts(folder: Path) -> None:
    import torch
    from transformers import AutoModelForMultipleChoice, AutoTokenizer

    directory = saved(folder, "bert-cased", "AutoModelForMultipleChoice")
    (found,) = predicted(directory, Wish(texts=["The sea"], pairs=["is wide", "sells shells by the shore", "x"]))
    tokenizer = AutoTokenizer.from_pretrained(directory)
    inputs = tokenizer(
        ["The sea"] * 3, ["is wide", "sells shells by the shore", "x"], padding=True, return_tensors="pt"
    )
    model = AutoModelForMultipleChoice.from_pretrained(directory).eval()
    with torch.inference_mode():
        logits = model(**{key: value[None] for key, value in inputs.items()}).logits[0]
    assert found.labels is not None
    scores = dict(zip(["is wide", "sells shells by the shore", "x"], logits.softmax(0).tolist(), strict=True))
    assert {one.label: one.score for one in found.labels} == pytest.approx(scores, **NEAR)


def test_rows_one_by_one_and_in_batches_say_the_same(folder: Path) -> None:
    directory = saved(folder, "bert-pads-left", "AutoModelForTokenClassification", ENTITIES)
    one = predicted(directory, Wish(texts=list(TEXTS), aggregation="none"), batch=1)
    many = predicted(directory, Wish(texts=list(TEXTS), aggregation="none"), batch=16)
    for alone, together in zip(one, many, strict=True):
        assert alone.entities is not None
        assert together.entities is not None
        assert [(a.entity, a.start) for a in alone.entities] == [(b.entity, b.start) for b in together.entities]


def test_a_head_that_the_checkpoint_lacks_is_refused_and_random_on_request(folder: Path) -> None:
    model = ready(saved(folder, "bert-cased", "AutoModelForQuestionAnswering"))
    rows = [HeadRow([2, 5, 3], [0, 0, 0])]
    request = HeadRequest(source_of(model.files), Placement(), "sequence_classification", rows)
    with pytest.raises(OperationError, match="no head for labels of texts"):
        head.run(request, silent())
    answer = head.run(msgspec.structs.replace(request, allow_random=True), silent())
    assert "classifier.weight" in answer.in_force.missing
    assert any("random" in remark for remark in answer.in_force.remarks)


@pytest.mark.parametrize(
    ("auto", "labels", "wish", "words"),
    [
        ("AutoModelForMaskedLM", (), {"texts": ["x"]}, 'no head for labels; it has a masked-language head: predict "…'),
        ("AutoModel", (), {"texts": ["x"]}, "no head for labels; it is a bare encoder"),
        ("AutoModelForQuestionAnswering", (), {"texts": ["x"]}, "give one with --question"),
        ("AutoModelForTokenClassification", ENTITIES, {"texts": ["x"], "pairs": ["y"]}, "leave out --pair"),
        ("AutoModelForTokenClassification", ENTITIES, {"texts": ["x"], "question": "y"}, "no head for answers"),
        (
            "AutoModelForSequenceClassification",
            ("a", "b", "c"),
            {"texts": ["x"], "labels": ["y"]},
            "no label for entail",
        ),
        ("AutoModelForMultipleChoice", (), {"texts": ["x"]}, "at least two with --pair"),
    ],
)
def test_what_a_head_cannot_do_says_what_it_can(
    auto: str, labels: Sequence[str], wish: dict[str, Any], words: str, folder: Path
) -> None:
    model = ready(saved(folder, "bert-cased", auto, labels))
    with pytest.raises(TaskError) as error:
        task_of("NAME", model.card, Wish(**wish))
    assert words in str(error.value)
    assert str(error.value).startswith("NAME ")
