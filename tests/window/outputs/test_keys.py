"""The keys of the Outputs pane reach it whenever it is in front, however early."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from encoder_tui.core.outputs.runs import MemoryAnswer
from encoder_tui.core.report.material import Material
from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.outputs import OutputsPane
from encoder_tui.window.widgets.choice import Choice
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


async def test_norms_are_copied_under_a_header() -> None:
    async with ran() as (app, pilot, pane):
        pane.query_one("#outputs-view", Choice).chosen = "norms"
        await until(pilot, lambda: pane.view.id == "norms")
        await until(pilot, lambda: bool(pane.view.copied()))
        await pilot.press("y")
        header, *rows = [line.split("\t") for line in app.clipboard.splitlines()]
        assert header == ["token", "text", "norm"]
        assert [row[:2] for row in rows][:1] == [["0", "[CLS]"]]
        assert {len(row) for row in rows} == {3}


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
        await until(pilot, lambda: not app.session.arriving)
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
        asked: list[list[int] | None] = []

        async def hear(slots: list[int] | None = None) -> None:
            asked.append(slots)

        monkeypatch.setattr(app.session.engine_memory, "ask", hear)
        await pilot.press("r")
        await until(pilot, lambda: bool(asked))
        assert asked == [[0]]


async def test_outputs_that_another_pane_unloaded_are_said_to_be_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ran() as (app, pilot, pane):
        assert all(run.is_held for run in pane.runs.runs)

        async def nothing(*_: object) -> MemoryAnswer:
            return MemoryAnswer([], 0, None, None)

        monkeypatch.setattr(app.session.engine, "run", nothing)
        await pilot.press("f6", "u")
        await until(pilot, lambda: not any(run.is_held for run in pane.runs.runs))
        await pilot.press("f5")
        await until(pilot, lambda: "no longer in memory" in str(pane.query_one("#outputs-models", Static).content))
