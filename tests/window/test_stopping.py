"""What takes long says what it does and can be stopped; what one types is never waited for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.widgets import Input, Static

from encoder_tui.client.collection import Collection
from encoder_tui.client.loader import Loader
from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.dialogs.models import ModelsDialog
from encoder_tui.window.panes.documents import DocumentsPane
from encoder_tui.window.panes.parameters import ParametersPane
from encoder_tui.window.panes.tokens.batch import BatchGrid
from encoder_tui.window.widgets.editor import Editor
from encoder_tui.window.widgets.key_line import KeyLine
from tests.support.still import until
from tests.window.tokens.test_pane import PAIR, pane, show, window

pytestmark = pytest.mark.usefixtures("no_engine")


class Endless:
    """Stands in for something that takes forever, and knows how often it was begun and given up."""

    def __init__(self) -> None:
        self.begun = self.given_up = 0

    async def __call__(self, *_: Any, **__: Any) -> Any:
        self.begun += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise


def key_line(app: EncoderApp) -> str:
    return app.query_one(KeyLine).render_line(0).text


async def test_opening_documents_is_told_and_escape_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    opening = Endless()
    monkeypatch.setattr(Collection, "open", opening)
    app = EncoderApp(Settings(model=PAIR, pane="documents"))
    async with app.run_test(size=(120, 40)) as pilot:
        documents = app.query_one(DocumentsPane)

        def said() -> str:
            return str(documents.query_one("#source", Static).content)

        await until(pilot, lambda: opening.begun == 1 and "opening the documents; escape stops" in said())
        await until(pilot, lambda: "esc back" in key_line(app))
        await pilot.press("escape")
        await until(pilot, lambda: opening.given_up == 1)
        await until(pilot, lambda: "stopped; press r to read again" in said())
        await pilot.press("r")
        await until(pilot, lambda: opening.begun == 2)


async def test_building_an_architecture_can_be_stopped_and_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    building = Endless()
    monkeypatch.setattr(Loader, "description", building)
    app = EncoderApp(Settings(model=PAIR, pane="parameters"))
    async with app.run_test(size=(120, 40)) as pilot:
        parameters = app.query_one(ParametersPane)
        await until(pilot, lambda: building.begun == 2)
        choice = parameters.query_one("#parameters-view")
        choice.focus()
        await until(pilot, lambda: choice.has_focus)
        await until(pilot, lambda: "esc back" in key_line(app))
        await pilot.press("escape")
        await until(pilot, lambda: building.given_up == 2)
        assert [entry.message for entry in parameters.descriptions.entries] == ["stopped; press r to read it again"] * 2
        await pilot.press("r")
        await until(pilot, lambda: building.begun == 4)


async def test_a_model_on_its_way_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    loading = Endless()
    monkeypatch.setattr(Loader, "ask_for_files", loading)
    app = EncoderApp(Settings(model=("some/model",)))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: loading.begun == 1)
        await pilot.press("escape", "m")
        await until(pilot, lambda: isinstance(app.screen, ModelsDialog))
        app.screen.query_one("#slots").focus()
        await pilot.press("x")
        await until(pilot, lambda: loading.given_up == 1)
        assert app.session.slots[0].state == "failed"
        assert app.session.slots[0].message.startswith("stopped")


async def test_a_long_batch_is_encoded_beside_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    async with window("a lighthouse") as (app, pilot):
        await show(app, pilot, "batch")
        grid = pane(app).query_one(BatchGrid)
        texts = pane(app).query_one("#batch-texts", Editor)
        texts.text = "lighthouse " * 5_000 + "\nlamp"
        pane(app).query_one("#batch-max", Input).value = "7"
        await until(pilot, lambda: any("5,00" in words for _, words, _ in grid._lines))
        # The newest texts are those that are shown in the end.
        texts.text = "lighthouse " * 6_000 + "\nlamp"
        texts.text = "lamp " * 4_000 + "\nkeeper\nlighthouse"
        await until(pilot, lambda: sum(row is not None for _, _, row in grid._lines) == 6)
