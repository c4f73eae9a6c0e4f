"""The script that a person copies says what the program said."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

from encoder_tui.core.models.names import parse_name
from encoder_tui.core.models.placement import Placement, source_of
from encoder_tui.core.models.ready import ReadyModel
from encoder_tui.core.report.reproduce_predictions import HeadToReproduce, predictions_snippet
from encoder_tui.core.tasks.predictions import HEAD_OF, Wish, pad_of, predictions, readings, task_of
from encoder_tui.engine.operations import head
from encoder_tui.protocol.tasks import HeadRequest, HeadRow
from tests.support.headed_models import ENTITIES, saved
from tests.support.saved_models import files_of, silent, tokenizer_of

TEXT = 'The dance of the "honeybee"\ntells the way to the shells by the sea.'


@pytest.mark.parametrize(
    ("auto", "labels", "wish"),
    [
        ("AutoModelForSequenceClassification", ("bad", "good", "so-so"), {"texts": [TEXT, "x"]}),
        ("AutoModelForSequenceClassification", ("bad", "good", "so-so"), {"texts": [TEXT, "x"], "pairs": ["a 'b'"]}),
        (
            "AutoModelForSequenceClassification",
            ("contradiction", "neutral", "entailment"),
            {"texts": [TEXT], "labels": ["sea", "sky"]},
        ),
        ("AutoModelForTokenClassification", ENTITIES, {"texts": [TEXT], "aggregation": "first"}),
        ("AutoModelForQuestionAnswering", (), {"texts": [TEXT], "question": "Who?"}),
        ("AutoModelForMultipleChoice", (), {"texts": [TEXT], "pairs": ["a", "b c"]}),
    ],
)
def test_the_script_prints_the_same_scores(auto: str, labels: Any, wish: dict[str, Any], tmp_path: Path) -> None:
    directory, asked = saved(tmp_path, "bert-cased", auto, labels), Wish(**wish)
    model = ReadyModel(str(directory), files_of(directory), tokenizer_of(directory))
    task = task_of(model.name, model.card, asked)
    read = readings(model, task, asked)
    rows = [HeadRow(window.ids, window.token_type_ids) for reading in read for window in reading.windows]
    choices = len(asked.pairs) if task == "multiple-choice" else 1
    request = HeadRequest(
        source_of(model.files), Placement(), HEAD_OF[task], rows, choices=choices, **pad_of(model.tokenizer)
    )
    answer = head.run(request, silent())
    found = predictions(model, task, asked, read, answer)
    script = predictions_snippet([HeadToReproduce(parse_name(str(directory)), task, answer.in_force, asked)])
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(script, {})
    numbers = [float(number) for number in re.findall(r"\d\.\d+(?:e-?\d+)?", printed.getvalue())]
    for one in found:
        scores = [each.score for each in [*(one.labels or []), *(one.entities or [])]]
        scores += [one.answers.answers[0].score] if one.answers else []
        assert scores
        for score in scores:
            assert any(abs(score - number) < 1e-4 for number in numbers), (score, printed.getvalue())


def test_pairs_for_a_cross_encoder_and_masks_are_code_that_runs(tmp_path: Path) -> None:
    from encoder_tui.core.models.placement import InForce

    in_force = InForce("cpu", "float32", "sdpa", "checkpoint", 1)
    scorer = saved(tmp_path, "bert-cased", "AutoModelForSequenceClassification", ("LABEL_0",))
    masked = saved(tmp_path, "bert-cased", "AutoModelForMaskedLM")
    script = predictions_snippet(
        [
            HeadToReproduce(parse_name(str(scorer)), "cross-encoder", in_force, Wish(texts=["a"], pairs=["b", "c"])),
            HeadToReproduce(parse_name(str(masked)), "masked-lm", in_force, Wish(texts=["The [MASK]."])),
        ]
    )
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(script, {})
    assert "token_str" in printed.getvalue()
