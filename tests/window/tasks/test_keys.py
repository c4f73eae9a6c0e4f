"""The keys of the Tasks pane, and what they copy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from encoder_tui.core.models.placement import InForce
from encoder_tui.core.settings import Settings
from encoder_tui.core.tasks.encoding import EncodeAnswer
from encoder_tui.core.tasks.masked import MaskedAnswer, Prediction
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.tasks import TasksPane
from encoder_tui.window.panes.tasks.masked import MaskedView
from encoder_tui.window.panes.tasks.words import article
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.cycle import Cycle
from encoder_tui.window.widgets.editor import Editor
from encoder_tui.window.widgets.shaded_grid import ShadedGrid
from tests.support.canned_outputs import canned
from tests.support.still import until

__all__ = ["canned"]

pytestmark = pytest.mark.usefixtures("canned", "no_engine")

PAIR = ("builtin:bert", "builtin:modernbert")


@asynccontextmanager
async def window() -> AsyncIterator[tuple[EncoderApp, Pilot[int], TasksPane]]:
    """The window at the Tasks pane."""
    app = EncoderApp(Settings(model=PAIR, text="Bread.", pane="tasks"))
    async with app.run_test(size=(120, 40)) as pilot:
        yield app, pilot, app.query_one(TasksPane)


async def test_turned_to_from_another_pane_it_hears_its_keys() -> None:
    app = EncoderApp(Settings(model=PAIR, text="Bread."))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f6")
        await until(pilot, lambda: bool(app.query(TasksPane)))
        pane = app.query_one(TasksPane)
        await until(pilot, lambda: app.focused is not None and pane in app.focused.ancestors)
        first = pane.view.id
        await pilot.press("v")
        await until(pilot, lambda: pane.view.id != first)
        await pilot.press("V")
        await until(pilot, lambda: pane.view.id == first)


async def answered(pilot: Pilot[int], pane: TasksPane) -> None:
    """Ask the question of the view in front and wait for the answers."""
    await pilot.press("r")
    asker = pane.view.asker
    await until(pilot, lambda: asker.asked is not None and not asker.status and not asker.is_asking)


async def test_what_is_copied_is_the_view_in_front_under_a_header() -> None:
    async with window() as (app, pilot, pane):
        await pilot.press("y", "p")
        assert not app.clipboard
        await answered(pilot, pane)
        await pilot.press("y")
        labels, *rows = [line.split("\t") for line in app.clipboard.splitlines()]
        assert labels == ["model", "text", "1", "2", "3", "4"]
        assert [row[:2] for row in rows] == [[name, str(number)] for name in PAIR for number in range(1, 5)]
        assert float(rows[0][2]) == pytest.approx(1)
        await pilot.press("p")
        assert "import SentenceTransformer, SparseEncoder" in app.clipboard
        assert "Fresnel cut the lens" in app.clipboard

        # The views that show the same answers do not ask again.
        await pane.open_view("vectors")
        await pilot.press("y")
        labels, *rows = [line.split("\t") for line in app.clipboard.splitlines()]
        assert (labels, len(rows), len(rows[0])) == (["model", "text", "vector"], 8, 10)
        await pane.open_view("dimensions")
        await pilot.press("y")
        labels, *rows = [line.split("\t") for line in app.clipboard.splitlines()]
        assert labels == ["model", "values", "2", "3", "4"]
        assert [row[:2] for row in rows] == [[PAIR[0], "8"]]
        await pilot.press("p")
        assert "SparseEncoder" not in app.clipboard
        await pane.open_view("terms")
        await pilot.press("y")
        labels, *rows = [line.split("\t") for line in app.clipboard.splitlines()]
        assert labels == ["model", "term", "first", "second", "adds"]
        assert {row[0] for row in rows} == {PAIR[1]}


async def test_rows_are_sorted_by_likeness_to_the_text_under_the_cursor_under_each_model_in_turn() -> None:
    async with window() as (_, pilot, pane):
        await answered(pilot, pane)
        grid = pane.view.query_one(ShadedGrid)
        await pilot.press("down")
        assert grid.row == 1
        for model in range(2):
            row = grid.blocks[model].values(1)
            await pilot.press("s")
            assert list(grid.order) == sorted(range(4), key=lambda text, row=row: (text != 1, -row[text]))  # type: ignore[misc]
            assert grid.row == 1
        await pilot.press("s")
        assert list(grid.order) == [0, 1, 2, 3]


async def test_texts_come_from_the_editor_the_tokens_text_or_the_document() -> None:
    async with window() as (app, pilot, pane):
        texts = pane.state.texts
        assert [text[:3] for text in texts.question.texts] == ["How", "Fre", "Kee", "Bre"]
        await answered(pilot, pane)
        await pilot.press("d")
        assert texts.question.texts[0] == "Bread."
        assert "results are for earlier texts" in pane.view.summary()
        await pilot.press("d")
        assert (texts.question.texts, texts.why_none) == ((), "no document is open; F4 opens one")
        await pilot.press("r")
        assert [one.message for one in app._notifications][-1].startswith("no document is open")
        app.session.set_document("A document\nof two lines.")
        await until(pilot, lambda: texts.question.texts == ("A document\nof two lines.",))
        await pilot.press("d", "e")
        assert app.focused is texts.query_one(Editor)
        await pilot.press("escape")
        assert app.focused is not texts.query_one(Editor)


async def test_a_prompt_and_a_side_and_a_dimension_are_part_of_the_question() -> None:
    async with window() as (_, pilot, pane):
        texts = pane.state.texts
        await until(pilot, lambda: len(texts.query_one("#task-dimension", Cycle).choices) > 1)
        texts.query_one("#task-prompt", Cycle).value = "query"
        texts.query_one("#task-dimension", Cycle).value = 64
        assert (texts.question.side, texts.question.prompt, texts.question.truncate_dim) == ("query", None, 64)


async def test_models_with_random_weights_get_one_that_is_trained_beside_them_with_one_key() -> None:
    async with window() as (app, pilot, pane):
        await until(pilot, lambda: pane.has_only_random)
        await pilot.press("a")
        assert [slot.name for slot in app.session.slots] == [*PAIR, "builtin:tiny"]
        await until(pilot, lambda: app.session.slots[2].files is not None)
        assert pane.check_action("add_trained", ()) is None


async def test_predictions_are_copied_under_a_header() -> None:
    async with window() as (app, pilot, pane):
        pane.query_one("#tasks-view", Choice).chosen = "masked"
        await until(pilot, lambda: isinstance(pane.view, MaskedView))
        force = InForce("cpu", "float32", "sdpa", "checkpoint", 1)
        pane.view.asker.answers[app.session.slots[0]] = MaskedAnswer(force, [[Prediction(200, 0.5)]])
        await until(pilot, lambda: bool(pane.view.copied()))
        await pilot.press("y")
        header, row = [line.split("\t") for line in app.clipboard.splitlines()]
        assert header == ["model", "mask", "token", "id", "probability"]
        assert (row[:2], row[3:]) == ([PAIR[0], "1"], ["200", "0.5"])


async def test_the_memory_of_the_engine_is_in_the_first_line() -> None:
    async with window() as (_, pilot, pane):
        await pilot.press("r")
        line = pane.query_one("#tasks-about")
        await until(pilot, lambda: "memory: weights 1.0 GB" in str(line.render()))


async def test_answers_of_models_that_are_all_gone_are_forgotten_and_the_view_teaches_again() -> None:
    async with window() as (app, pilot, pane):
        await until(pilot, lambda: all(slot.files is not None for slot in app.session.slots))
        answer = cast(EncodeAnswer, None)  # it is gone before it would be drawn
        asker = pane.state.encoding
        asker.asked, asker.slots, asker.answers = pane.state.texts.question, app.session.slots[:1], {}
        asker.answers[app.session.slots[0]] = answer
        app.session.remove(0)
        await until(pilot, lambda: asker.asked is None)
        assert not asker.answers
        sentence = pane.query_one("#tasks-sentence", Static)
        await until(pilot, lambda: "texts to compare" in str(sentence.render()))


def test_a_kind_that_is_no_noun_is_called_a_model() -> None:
    kinds = ("cross-encoder", "encoder", "token-classification")
    assert [article(kind) for kind in kinds] == ["a cross-encoder", "an encoder", "a token-classification model"]


async def test_where_no_model_could_answer_the_sentence_says_so() -> None:
    async with window() as (app, pilot, pane):
        await until(pilot, lambda: all(slot.files is not None for slot in app.session.slots))
        asker = pane.state.encoding
        asker.asked, asker.slots = pane.state.texts.question, list(app.session.slots)
        asker.errors = dict.fromkeys(asker.slots, "its file is damaged")
        pane.view.tell_summary_changed()
        sentence = pane.query_one("#tasks-sentence", Static)
        await until(pilot, lambda: str(sentence.render()) == "No model could answer; below is why")
