"""The keys of the Outputs pane reach it whenever it is in front, however early."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from encoder_tui.core.models.placement import InForce
from encoder_tui.core.report.material import Material
from encoder_tui.core.settings import Settings
from encoder_tui.core.tasks.masked import MaskedAnswer, Prediction
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.outputs import OutputsPane
from encoder_tui.window.panes.outputs.masked import MaskedView
from encoder_tui.window.panes.outputs.vectors import VectorsView
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.cycle import Cycle
from tests.support.canned_outputs import canned
from tests.support.still import until

__all__ = ["canned"]

pytestmark = pytest.mark.usefixtures("canned", "no_engine")

PAIR = ("builtin:bert", "builtin:modernbert")


async def test_turned_to_from_another_pane_it_hears_its_keys() -> None:
    app = EncoderApp(Settings(model=PAIR, text="Bread."))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await until(pilot, lambda: bool(app.query(OutputsPane)))
        pane = app.query_one(OutputsPane)
        await until(pilot, lambda: app.focused is not None and pane in app.focused.ancestors)
        await pilot.press("v")
        await until(pilot, lambda: pane.view.id == "map")
        await pilot.press("f2", "f5")
        await until(pilot, lambda: app.focused is not None and pane in app.focused.ancestors)
        await pilot.press("V")
        await until(pilot, lambda: pane.view.id == "list")


async def test_what_is_asked_before_the_tokenizers_are_there_waits_for_them() -> None:
    app = EncoderApp(Settings(model=PAIR, text="Bread.", pane="outputs"))
    async with app.run_test(size=(80, 24)) as pilot:
        pane = app.query_one(OutputsPane)
        # Before the window has begun to load anything.
        pane.action_run()
        await until(pilot, lambda: bool(pane.runs.runs) and not pane.runs.is_running)
        assert [(run.error, run.answer is not None) for run in pane.runs.runs] == [("", True)] * 2


@asynccontextmanager
async def ran() -> AsyncIterator[tuple[EncoderApp, Pilot[int], OutputsPane]]:
    """The window with what came out of both models for a text."""
    app = EncoderApp(Settings(model=PAIR, text="Bread.", pane="outputs"))
    async with app.run_test(size=(120, 40)) as pilot:
        pane = app.query_one(OutputsPane)
        await pilot.press("r")
        await until(pilot, lambda: bool(pane.runs.runs) and not pane.runs.is_running)
        yield app, pilot, pane


async def test_what_is_copied_is_the_view_in_front_under_a_header() -> None:
    async with ran() as (app, pilot, pane):
        await pilot.press("p")
        python = app.clipboard
        pane.query_one("#outputs-view", Choice).chosen = "vectors"
        await until(pilot, lambda: isinstance(pane.view, VectorsView))
        view = pane.view
        assert isinstance(view, VectorsView)
        await pilot.press("y")
        assert app.clipboard == python
        await pilot.press("r")
        await until(pilot, lambda: bool(view.summary()) and not view.asker.status and not view.asker.is_asking)
        await pilot.press("p")
        assert app.clipboard == python
        assert [one.message for one in app._notifications][-1].startswith("there is no Python code for this view")

        await pilot.press("y")
        labels, *rows = [line.split("\t") for line in app.clipboard.splitlines()]
        assert labels == ["model", "text", "1", "2", "3"]
        assert [row[:2] for row in rows] == [[name, str(number)] for name in PAIR for number in (1, 2, 3)]
        assert float(rows[0][2]) == pytest.approx(1)

        view.query_one("#vector-show", Cycle).value = "vectors"
        await pilot.pause()
        await pilot.press("y")
        labels, *rows = [line.split("\t") for line in app.clipboard.splitlines()]
        assert labels[:5] == ["model", "text", "pooling", "norm", "1"]
        assert [row[:3] for row in rows[:2]] == [[PAIR[0], "1", "mean"], [PAIR[0], "1", "cls"]]
        assert {len(row) for row in rows} == {len(labels)}


async def test_norms_and_predictions_are_copied_under_a_header() -> None:
    async with ran() as (app, pilot, pane):

        async def copied(name: str) -> tuple[list[str], list[list[str]]]:
            pane.query_one("#outputs-view", Choice).chosen = name
            await until(pilot, lambda: pane.view.id == name)
            if isinstance(pane.view, MaskedView):
                force = InForce("cpu", "float32", "sdpa", "checkpoint", 1)
                pane.view.asker.answers[app.session.slots[0]] = MaskedAnswer(force, [[Prediction(200, 0.5)]])
            await until(pilot, lambda: bool(pane.view.copied()))
            await pilot.press("y")
            header, *rows = [line.split("\t") for line in app.clipboard.splitlines()]
            return header, rows

        header, rows = await copied("norms")
        assert header == ["token", "text", "norm"]
        assert [row[:2] for row in rows][:1] == [["0", "[CLS]"]]
        assert {len(row) for row in rows} == {3}
        header, (row,) = await copied("masked")
        assert header == ["model", "mask", "token", "id", "probability"]
        assert (row[:2], row[3:]) == ([PAIR[0], "1"], ["200", "0.5"])


@pytest.mark.parametrize("name", ["map", "numbers", "attention"])
async def test_why_values_of_a_tensor_are_not_copied_is_said(name: str) -> None:
    async with ran() as (app, pilot, pane):
        await pilot.press("a")
        await until(pilot, lambda: not pane.runs.is_running)
        pane.query_one("#outputs-view", Choice).chosen = name
        await until(pilot, lambda: pane.view.id == name)
        await pilot.press("y")
        assert not app.clipboard
        assert [one.message for one in app._notifications][-1].startswith("tensor values are not copied; w saves")
        app.session.replace(0, "builtin:bert")
        app.session.remove(1)
        await pilot.press("y")
        assert [one.message for one in app._notifications][-1] == "there is nothing to copy yet"


async def test_what_was_run_of_the_text_is_said_to_be_so_when_the_document_takes_its_place() -> None:
    async with ran() as (app, pilot, pane):
        app.session.set_document("A document of its own.")

        def line() -> str:
            return str(pane.query_one("#outputs-text", Static).content)

        await pilot.press("d")
        await until(pilot, lambda: "these results are for the text; press r to run the document" in line())
        material = Material([])
        pane.add_to_report(material)
        assert material.run_of == "the text"
        await pilot.press("r")
        await until(pilot, lambda: "A document of its own." in line())
        await pilot.press("d")
        await until(pilot, lambda: "these results are for the document; press r to run the text" in line())
        app.session.set_text("Another text.")
        await pilot.press("d")
        app.session.set_document("Another document.")
        await until(pilot, lambda: "these results are for an earlier document" in line())


async def test_the_engine_is_told_after_a_run_whose_outputs_are_still_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = EncoderApp(Settings(model=PAIR[:1], text="Bread.", pane="outputs"))
    async with app.run_test(size=(80, 24)) as pilot:
        pane = app.query_one(OutputsPane)
        asked: list[list[int] | None] = []

        async def hear(slots: list[int] | None = None) -> None:
            asked.append(slots)

        monkeypatch.setattr(pane.runs, "ask_memory", hear)
        await pilot.press("r")
        await until(pilot, lambda: bool(asked))
        assert asked == [[0]]


async def test_the_memory_line_stands_in_views_with_a_question_of_their_own() -> None:
    app = EncoderApp(Settings(model=PAIR, text="Bread.", pane="outputs"))
    async with app.run_test(size=(80, 24)) as pilot:
        pane = app.query_one(OutputsPane)
        pane.query_one("#outputs-view", Choice).chosen = "vectors"
        await until(pilot, lambda: isinstance(pane.view, VectorsView))
        await pilot.press("r")
        line = pane.query_one("#outputs-text")
        await until(pilot, lambda: "memory: weights 1.0 GB" in str(line.render()))
        assert line.display
