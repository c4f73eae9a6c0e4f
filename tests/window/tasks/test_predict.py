"""The view *predict*: what it shows is what `predict --json` prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.tasks import TasksPane
from encoder_tui.window.panes.tasks.predict import PredictView
from encoder_tui.window.widgets.editor import Editor
from tests.support.command_case import call, named
from tests.support.headed_models import ENTITIES, saved
from tests.support.still import until
from tests.window.tasks.test_pane import window

pytest.importorskip("torch")

TEXTS = ["The dance of the honeybee tells the way to the sea.", "She sells [bold]shells[/bold]."]


async def opened(app: EncoderApp, texts: list[str]) -> PredictView:
    pane = app.query_one(TasksPane)
    await pane.open_view("predict")
    assert isinstance(pane.view, PredictView)
    pane.query_one(Editor).text = "\n".join(texts)
    return pane.view


async def asked(view: PredictView, pilot: Pilot[int]) -> str:
    """Press r, wait for every model, and return what is shown."""
    await pilot.press("r")
    await until(pilot, lambda: view.asker.asked is not None and not view.asker.is_asking, 60)
    await pilot.pause()
    return "\n".join(str(one.content) for one in view.query(Static) if one.display)


async def test_the_view_shows_what_the_command_prints(tmp_path: Path) -> None:
    labels = saved(tmp_path, "bert-cased", "AutoModelForSequenceClassification", ("bad", "good", "so-so"))
    tags = saved(tmp_path, "bert-cased", "AutoModelForTokenClassification", ENTITIES)
    printed = call("predict", "--json", *named(labels, tags), *TEXTS)
    async with window((labels, tags)) as (app, pilot):
        view = await opened(app, TEXTS)
        shown = await asked(view, pilot)
        assert json.loads(view.copied()) == {
            "models": [{key: one[key] for key in ("model", "task", "predictions")} for one in printed.models]
        }
        for one in printed.models[0]["predictions"][0]:
            assert f"{one['label']}" in shown
            assert f"{one['score']:.4f}" in shown
        for entity in printed.models[1]["predictions"][0]:
            assert f"{entity['start']:,}–{entity['end']:,}  {entity['text']}" in shown
        assert "[bold]" in shown
        assert f"A says {printed.models[0]['predictions'][0][0]['label']}" in view.summary()


async def test_windows_occlusion_and_a_second_text(tmp_path: Path) -> None:
    labels = saved(tmp_path, "bert-cased", "AutoModelForSequenceClassification", ("bad", "good", "so-so"))
    async with window((labels,)) as (app, pilot):
        view = await opened(app, [" ".join([TEXTS[0]] * 8)])
        shown = await asked(view, pilot)
        assert "the rest is not seen" in shown
        view.query_one("#predict-reads").value = True  # type: ignore[attr-defined]
        assert view.asker.is_earlier
        shown = await asked(view, pilot)
        assert "of the whole" in shown
        app.query_one(Editor).text = TEXTS[0]
        await pilot.press("o")
        shown = await asked(view, pilot)
        assert "changes most if hidden" in shown
        view.query_one("#predict-second", Input).value = "x"
        before = shown
        shown = await asked(view, pilot)
        assert shown != before
        assert "text_pair" in view.python()


async def test_what_a_model_cannot_do_is_said_before_it_is_asked(tmp_path: Path) -> None:
    reader = saved(tmp_path, "bert-cased", "AutoModelForQuestionAnswering")
    async with window((reader, "builtin:bert")) as (app, pilot):
        view = await opened(app, TEXTS[:1])
        await pilot.pause()
        notes = str(view.query_one("#predict-notes", Static).content)
        assert "write one in the field above" in notes
        view.query_one("#predict-second", Input).value = "Who dances?"
        shown = await asked(view, pilot)
        assert "question-answering" in shown
        assert "has no head for answers" in shown or "has no head for labels" in shown


async def test_two_taggers_are_compared_place_by_place_and_token_by_token(tmp_path: Path) -> None:
    first = saved(tmp_path, "bert-cased", "AutoModelForTokenClassification", ENTITIES)
    second = saved(tmp_path, "roberta", "AutoModelForTokenClassification", ENTITIES)
    async with window((first, second)) as (app, pilot):
        view = await opened(app, TEXTS[:1])
        shown = await asked(view, pilot)
        assert "places agree" in shown
        view.query_one("#predict-tokens").value = "logits"  # type: ignore[attr-defined]
        await pilot.pause()
        shown = "\n".join(str(one.content) for one in view.query(Static) if one.display)
        said = view.asker.answers[app.session.slots[0]].predicted
        tokens = said.predictions[0].tokens
        assert tokens is not None
        assert f"{tokens[0].logits[0]:>9.3f}" in shown


async def test_masked_words_can_be_copied_as_a_script() -> None:
    async with window(("builtin:tiny",)) as (app, pilot):
        pane = app.query_one(TasksPane)
        await pane.open_view("masked")
        view = pane.view
        await pilot.press("r")
        await until(pilot, lambda: view.asker.asked is not None and not view.asker.is_asking, 60)
        assert "A predicts" in view.summary()
        assert "pipeline('fill-mask'" in view.python()
