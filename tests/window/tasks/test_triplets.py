"""The triplet check on the document at hand: its row's other columns, every way of giving it, every pooling."""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import ContentSwitcher, Static

from encoder_tui.core.models.card import Card
from encoder_tui.core.models.placement import InForce
from encoder_tui.core.outputs.runs import Batch
from encoder_tui.core.settings import Settings
from encoder_tui.core.tasks.pooling import POOLINGS, Given, VectorsAnswer, poolings_of, triplet_columns, ways
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.documents import DocumentsPane
from encoder_tui.window.panes.tasks import TasksPane
from encoder_tui.window.panes.tasks.triplet_rows import Way, angle, random_words, rows, scale, verdict
from encoder_tui.window.panes.tasks.triplets import AT_HAND, TripletsView
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.cycle import Cycle
from tests.support.in_process import tasks_in_process
from tests.support.saved_models import directly, files_of, saved, tokenizer_of
from tests.support.still import until

__all__ = ["tasks_in_process"]

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.usefixtures("unloaded", "tasks_in_process")

ANCHOR = "How does bread rise?"
LONG = "Bread rises because yeast makes gas, and the honeybee dances. "
OTHER = "A lens in a lighthouse turns. "
NAMES = ("anchor", "positive", "negative")


def taking(directory: Path, tokens: int) -> Path:
    """Let a model without position embeddings take so many tokens."""
    for file, name in (("config.json", "max_position_embeddings"), ("tokenizer_config.json", "model_max_length")):
        content = json.loads((directory / file).read_text())
        (directory / file).write_text(json.dumps({**content, name: tokens}))
    return directory


def test_the_columns_of_a_triplet_are_found_by_their_names() -> None:
    assert triplet_columns(["negative", "id", "positive", "anchor"]) == list(NAMES)
    assert triplet_columns(["query", "answer", "negative_1", "negative_2"]) == ["query", "answer", "negative_1"]
    assert triplet_columns(["anchor", "positive"]) is None
    assert triplet_columns(["text"]) is None


def test_a_pooling_that_is_random_is_marked_and_says_why() -> None:
    missing = ["pooler.dense.weight", "pooler.dense.bias"]
    in_force = InForce("cpu", "float32", "sdpa", "checkpoint", 1, missing=missing)
    vector = struct.pack("<2f", 1.0, 2.0)
    answer = VectorsAnswer(in_force, dict.fromkeys(("mean", "cls", "max", "pooler"), vector))
    given = Given(Batch([[1]], [[1]]), 1, 1)
    way = Way("whole", [given, given], answer, [answer, answer])
    assert [row[3] for row in rows("A", [way])] == ["mean", "cls", "max", "!pooler"]
    assert random_words([way]) == [f"! pooler is random: {', '.join(missing)} are not in the checkpoint"]
    assert "random" not in verdict("A", [way])
    states = msgspec.structs.replace(in_force, missing=["encoder.layer.1.output.dense.weight"])
    all_random = VectorsAnswer(states, answer.vectors)
    ways_of = [Way("whole", [given, given], all_random, [all_random, all_random])]
    assert len(random_words(ways_of)) == 4
    assert "nearer to the negative (+0.000, random)" in verdict("A", ways_of)


def test_the_best_window_is_the_one_nearest_to_the_anchor() -> None:
    in_force = InForce("cpu", "float32", "sdpa", "checkpoint", 1)
    anchor = VectorsAnswer(in_force, {"mean": struct.pack("<2f", 1.0, 0.0)})
    three = VectorsAnswer(
        in_force,
        {"mean": struct.pack("<2f", 0.0, 1.0)},
        {"mean": struct.pack("<6f", 0.0, 1.0, 3.0, 4.0, math.nan, 1.0)},
    )
    one = VectorsAnswer(in_force, {"mean": struct.pack("<2f", 4.0, 3.0)})
    given = Given(Batch([[1]], [[1]]), 1, 1)
    best = Way("best window", [given, given], anchor, [three, one], by_best_window=True)
    assert best.cosines("mean") == pytest.approx([0.6, 0.8])
    assert best.likeness(Way("windows", [given, given], anchor, [three, one]), "mean") == pytest.approx(0.8)
    assert best.cosines("pooler") is None


def test_a_document_longer_than_any_model_takes_is_cut_where_each_stops(tmp_path: Path) -> None:
    directory = taking(saved("modernbert", tmp_path), 600)
    tokenizer, files = tokenizer_of(directory), files_of(directory)
    found = dict(ways(tokenizer, files, [LONG * 100, OTHER]))
    assert list(found) == ["cut at 512", "cut at 600", "windows of 600"]
    assert [found[name][0].seen for name in found][:2] == [512, 600]
    assert found["windows of 600"][1].rows == 1


def test_an_angle_is_in_degrees() -> None:
    assert (angle(1.0), angle(0.0), angle(-1.0000001), angle(float("nan"))) == ("0°", "90°", "180°", "–")


def test_a_line_marks_the_positive_and_the_negative_between_minus_one_and_one() -> None:
    assert scale([1.0, -1.0]) == "-···········┼···········+"
    assert scale([0.5, 0.5]) == "············┼·····*······"
    assert scale([0.0]) == "············+············"
    assert scale([float("nan"), 2.0]) == "············┼···········-"


@pytest.mark.parametrize(
    ("pooling", "first", "is_trained"),
    [
        (["cls"], "cls", True),
        (["weightedmean", "max"], "max", True),
        (["lasttoken"], "mean", False),
        (None, "mean", False),
    ],
)
def test_the_pooling_that_a_model_was_trained_with_comes_first(
    pooling: list[str] | None, first: str, is_trained: bool
) -> None:
    found, trained = poolings_of(Card(kind="sentence-transformer", pooling=pooling))
    assert (found[0], trained) == (first, is_trained)
    assert sorted(found) == sorted(POOLINGS)


@asynccontextmanager
async def triplets(
    models: tuple[Path, ...], rows: list[dict[str, str]], folder: Path
) -> AsyncIterator[tuple[EncoderApp, Pilot[int], TripletsView]]:
    """A window that opened documents, at the triplets."""
    source = folder / "rows.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    app = EncoderApp(
        Settings(model=tuple(map(str, models)), text="The text at hand.", docs=str(source), pane="documents")
    )
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: all(slot.state == "exact" for slot in app.session.slots), 60)
        await until(pilot, lambda: app.session.document is not None)
        await pilot.press("f6")
        pane = app.query_one(TasksPane)
        pane.query_one("#tasks-view", Choice).chosen = "triplets"
        switcher = pane.query_one("#tasks-views", ContentSwitcher)
        await until(pilot, lambda: switcher.current == "triplets")
        view = pane.query_one(TripletsView)
        await until(pilot, lambda: view.at_hand is not None)
        yield app, pilot, view


async def ask(view: TripletsView, pilot: Pilot[int]) -> None:
    await pilot.press("r")
    await until(pilot, lambda: view.asker.asked is not None and not view.asker.status and not view.asker.is_asking, 60)


def sentence(app: EncoderApp) -> str:
    return str(app.query_one("#tasks-sentence", Static).content)


async def test_the_row_of_the_document_at_hand_is_asked_about_under_every_model(tmp_path: Path) -> None:
    bert, modern = saved("bert-cased", tmp_path), taking(saved("modernbert", tmp_path), 2000)
    rows = [{"anchor": f"{ANCHOR} {n}", "positive": LONG * 22, "negative": OTHER * 5} for n in range(2)]
    async with triplets((bert, modern), rows, tmp_path) as (app, pilot, view):
        assert view.query_one(Cycle).value == AT_HAND
        assert "is column positive of row 0" in sentence(app)
        await ask(view, pilot)
        labels, *table = [row.split("\t") for row in view.copied().splitlines()]
        assert labels[:4] == ["model", "documents", "tokens seen", "pooling"]
        assert {len(row) for row in table} == {len(labels)}
        kinds = {(row[0], row[1].lstrip("0123456789 ")) for row in table}
        windows = {("A", "best window"), ("A", "windows of 64")}
        assert kinds == {("A", "cut at 64"), *windows, ("B", "cut at 512"), ("B", "whole")}

        # The script that is copied prints each document's cosines: cut, in windows by their mean, and of the best.
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(view.python(), {})
        told = [list(map(float, re.findall(r"-?0\.\d+", line))) for line in printed.getvalue().splitlines()]
        means = {row[1].lstrip("0123456789 "): row for row in table if row[0] == "A" and row[3] == "mean"}
        for place, way in enumerate(("cut at 64", "windows of 64", "best window")):
            assert [told[0][place], told[1][place]] == pytest.approx([float(c) for c in means[way][4:6]], abs=2e-4)

        # The whole document under B is what transformers makes of it.
        texts = [rows[0][name] for name in NAMES]
        whole = [directly(modern, [text]).last_hidden_state[0].mean(0) for text in texts]
        near, far = (torch.cosine_similarity(whole[0], other, dim=0).item() for other in whole[1:])
        row = next(row for row in table if row[:2] == ["B", "whole"] and row[3] == "mean")
        assert [float(cell) for cell in row[4:7]] == pytest.approx([near, far, near - far], abs=2e-4)
        begun = next(row for row in table if row[:2] == ["B", "cut at 512"] and row[3] == "mean")
        tail = directly(bert, [texts[1]]).last_hidden_state[0].mean(0)
        assert 0 < float(begun[7]) < 1
        cut = next(row for row in table if row[:2] == ["A", "cut at 64"] and row[3] == "mean")
        question = directly(bert, [texts[0]]).last_hidden_state[0].mean(0)
        assert float(cut[4]) == pytest.approx(torch.cosine_similarity(question, tail, dim=0).item(), abs=2e-4)
        assert "rotates " in sentence(app)
        assert " the margin by" in sentence(app)

        # The next row has the same documents and another question.
        app.query_one(DocumentsPane).action_document(1)
        await until(pilot, lambda: view.at_hand is not None and view.at_hand.anchor.endswith("1"))
        assert "press r to run again" in sentence(app)
        await pilot.press("d")
        assert view.query_one(Cycle).value == "built-in 1 of 10"


async def test_a_document_without_such_columns_is_compared_with_the_text_at_hand(tmp_path: Path) -> None:
    bert = saved("bert-cased", tmp_path)
    async with triplets((bert,), [{"text": LONG * 10}], tmp_path) as (app, pilot, view):
        assert view.at_hand is not None
        assert (view.at_hand.anchor, view.at_hand.negative) == ("The text at hand.", None)
        assert "the anchor is the text of the Tokens pane" in str(view.query_one("#triplet-texts", Static).content)
        await ask(view, pilot)
        _, *rows = [row.split("\t") for row in view.copied().splitlines()]
        assert {(row[5], row[6]) for row in rows} == {("–", "–")}
        assert "rotates " in sentence(app)
        app.session.set_text("Another text at hand.")
        await until(pilot, lambda: view.at_hand is not None and view.at_hand.anchor == "Another text at hand.")
        assert "press r to run again" in sentence(app)
