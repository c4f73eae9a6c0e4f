"""Hostile strings in every pane: nothing of them is obeyed, and nothing of them vanishes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from encoder_tui.core.settings import Settings
from encoder_tui.core.text.safe import visible, visible_in_place, visible_piece
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.dialogs.save import SaveDialog
from encoder_tui.window.panes.documents.column_dialog import ColumnChooser
from encoder_tui.window.panes.documents.listing import DocumentList
from encoder_tui.window.panes.documents.pane import DocumentsPane
from encoder_tui.window.panes.outputs.pane import OutputsPane
from encoder_tui.window.panes.parameters.pane import ParametersPane
from encoder_tui.window.panes.tasks.pane import TasksPane
from encoder_tui.window.panes.timing.pane import TimingPane
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.editor import Editor
from tests.support.hostile import (
    ALL,
    HOSTILE,
    MEGABYTE,
    NAME,
    SURROGATES,
    Watch,
    hostile_documents,
    hostile_model,
    watch,
)
from tests.support.in_process import tasks_in_process
from tests.support.still import until

__all__ = ["tasks_in_process", "watch"]

pytestmark = pytest.mark.usefixtures("tasks_in_process", "no_engine")


@pytest.fixture
def models(tmp_path: Path) -> tuple[str, ...]:
    """A model with a hostile name and vocabulary, and one that is not there."""
    return str(hostile_model(tmp_path / "a")), str(tmp_path / "b" / NAME)


@asynccontextmanager
async def window(watch: Watch, models: tuple[str, ...], pane: str, **more: Any) -> AsyncIterator[Pilot[int]]:
    """A window whose models are there or have failed; at its end, no widget must have let anything through."""
    app = EncoderApp(Settings(model=models, pane=pane, offline=True, **more))
    async with app.run_test(size=(120, 32), notifications=True) as pilot:
        await until(pilot, lambda: all(slot.state in {"exact", "failed"} for slot in app.session.slots))
        await pilot.pause()
        yield pilot
        await pilot.pause()
    assert not watch.leaks, [ascii(text)[:200] for text in watch.leaks[:5]]
    assert app._exception is None


async def every_view(pilot: Pilot[int], choice: str) -> None:
    """Show each view of a pane, and walk about in it."""
    for name in pilot.app.query_one(choice, Choice).names:
        pilot.app.query_one(choice, Choice).chosen = name
        await pilot.pause(0.1)
        await pilot.press("down", "pagedown")
        await pilot.pause(0.05)


async def test_tokens_shows_hostile_texts_and_tokens(watch: Watch, models: tuple[str, ...]) -> None:
    async with window(watch, models, "tokens", text=ALL) as pilot:
        assert pilot.app.query_one(Editor).text == ALL
        await every_view(pilot, "#view")
        for kind, text in HOSTILE.items():
            assert watch.saw(visible_piece(text)) or watch.saw(visible_piece(text)[:30]), kind
        await pilot.press("escape", "y", "i", "t", "p")


async def test_tokens_shows_a_text_with_lone_surrogates(watch: Watch) -> None:
    async with window(watch, ("builtin:bert",), "tokens", text=SURROGATES) as pilot:
        await every_view(pilot, "#view")
        assert watch.saw("�x��")


async def test_parameters_shows_hostile_names_and_configurations(watch: Watch, models: tuple[str, ...]) -> None:
    async with window(watch, models, "parameters") as pilot:
        pane = pilot.app.query_one(ParametersPane)
        await until(pilot, lambda: all(e.description or e.is_failed for e in pane.descriptions.entries))
        await every_view(pilot, "#parameters-view")
        pilot.app.query_one("#parameters-view", Choice).chosen = "config"
        await pilot.press("slash")
        for text in [*HOSTILE.values()][::5]:
            pilot.app.query_one("#search", Input).value = "evil " + text.split()[0][:8]
            await until(pilot, lambda text=text: watch.saw(f"evil {visible(text)}"[:20]))
        pilot.app.query_one("#search", Input).value = HOSTILE["CSI"]
        await pilot.pause(0.1)
        assert watch.saw(visible(HOSTILE["CSI"]))


async def test_documents_shows_hostile_files_columns_and_texts(
    watch: Watch, models: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = hostile_documents(tmp_path)
    monkeypatch.chdir(tmp_path)
    async with window(watch, models, "documents", docs=str(source)) as pilot:
        pane = pilot.app.query_one(DocumentsPane)
        await until(pilot, lambda: pane.counting is not None and pane.counting.state == "done" and pane.readings)
        await every_view(pilot, "#document-view")
        pilot.app.query_one("#document-view", Choice).chosen = "text"
        for row, text in enumerate([*HOSTILE.values(), "�x��"]):
            pane.query_one(DocumentList).cursor = row
            await until(pilot, lambda row=row: pane.reader.index == row and pane.readings)
            await until(pilot, lambda text=text: watch.saw(visible(text)[:7]))
        before = pane.collection
        await pilot.press("escape", "t")
        await until(pilot, lambda: isinstance(pilot.app.screen, ColumnChooser))
        await pilot.press("down", "enter")
        await until(pilot, lambda: pane.collection is not before and pane.counting is not None)
        await until(pilot, lambda: pane.counting.collection is pane.collection and pane.counting.state == "done")
        evil, nobody = HOSTILE["OSC title"], "~nobody-of-this-name/x"
        for key, typed in (
            ("i", NAME),
            ("slash", evil),
            ("f", ""),
            ("S", evil),
            ("R", evil),
            ("S", nobody),
            ("R", nobody),
        ):
            pane.query_one(DocumentList).focus()
            await pilot.press(key)
            if key == "S":
                await until(pilot, lambda: isinstance(pilot.app.screen, SaveDialog))
                dialog = pilot.app.screen
                dialog.query_one(Input).value = typed
                await pilot.press("enter")
                if typed == nobody:
                    await until(pilot, lambda: watch.saw("cannot be written"))
                    await pilot.press("escape")
                await until(pilot, lambda dialog=dialog: pilot.app.screen is not dialog)
                continue
            pilot.app.query_one("#prompt", Input).value = typed
            await pilot.press("enter")
            await pilot.pause(0.1)
        assert (tmp_path / evil).is_file()
        await until(pilot, lambda: watch.saw("cannot be written"))
        await until(pilot, lambda: watch.saw("reopened: "))
        await pilot.press("o")
        await pilot.pause(0.2)


async def test_outputs_shows_hostile_texts_and_names(watch: Watch, models: tuple[str, ...]) -> None:
    async with window(watch, models, "outputs", text=ALL) as pilot:
        pane = pilot.app.query_one(OutputsPane)
        await pilot.press("r")
        await until(pilot, lambda: bool(pane.runs.runs) and not pane.runs.is_running)
        await pilot.press("a")
        await pilot.pause(0.2)
        await until(pilot, lambda: not pane.runs.is_running)
        for name in pilot.app.query_one("#outputs-view", Choice).names:
            pilot.app.query_one("#outputs-view", Choice).chosen = name
            await pilot.pause(0.1)
            await pilot.press("tab", "r")
            await pilot.pause(0.1)
            await until(pilot, lambda: not pane.runs.is_running)
            await pilot.press("tab", "down", "right")
        await pilot.pause(0.2)
        assert watch.saw(visible(ALL)[:20])
        await pilot.press("escape", "w")
        await pilot.pause(0.1)


async def test_tasks_shows_hostile_texts_and_names(watch: Watch, models: tuple[str, ...]) -> None:
    async with window(watch, models, "tasks", text=ALL) as pilot:
        pane = pilot.app.query_one(TasksPane)
        for name in pane.VIEWS:
            await pane.open_view(name)
            for field in pane.view.query(Editor):
                field.text = f"{ALL}\n[MASK] {SURROGATES}"
            pane.take_focus()
            await pilot.press("r")
            await until(pilot, lambda: pane.view.asker.asked is not None and not pane.view.asker.is_asking)
            await pilot.press("down", "space")
        await pilot.pause(0.2)
        assert watch.saw(visible(ALL)[:20])


async def test_timing_shows_hostile_names(watch: Watch, models: tuple[str, ...]) -> None:
    async with window(watch, models, "timing", text="x", device=HOSTILE["CSI"], attention=HOSTILE["C1"]) as pilot:
        pane = pilot.app.query_one(TimingPane)
        pane.query_one("#lengths", Input).value = "8"
        pane.query_one("#min-time", Input).value = "0.01"
        await pilot.press("escape", "s")
        await until(pilot, lambda: pane.measurer.run is not None and not pane.measurer.is_measuring)
        await every_view(pilot, "#timing-view")
        assert watch.saw(visible(HOSTILE["CSI"])[:8])


async def test_the_palette_the_help_and_the_dialogs_are_not_taken_over(watch: Watch, tmp_path: Path) -> None:
    models = ("builtin:bert", str(tmp_path / NAME))
    async with window(watch, models, "tokens", text="x") as pilot:
        await pilot.press("escape", "m")
        await until(pilot, lambda: pilot.app.screen.query("#slots"))
        pilot.app.screen.query_one("#name", Input).value = HOSTILE["zero width"]
        await until(pilot, lambda: watch.saw(visible_in_place(HOSTILE["zero width"])))
        pilot.app.screen.query_one("#name", Input).focus().value = ALL
        await pilot.press("enter")
        await until(pilot, lambda: watch.saw("neither"))
        assert len(pilot.app.screen.query_one("#slots", OptionList).options) == 2
        await pilot.press("escape", "ctrl+p")
        await pilot.pause(0.2)
        pilot.app.screen.query_one(Input).value = HOSTILE["Textual markup"]
        await pilot.pause(0.2)
        await pilot.press("escape", "f1")
        pilot.app.session.notice(ALL)
        pilot.app.session.notice(SURROGATES, "error")
        await pilot.pause(0.3)
        assert watch.saw("[bold]x[/bold]")


async def test_a_megabyte_without_a_space_is_shown(watch: Watch) -> None:
    async with window(watch, ("builtin:bert",), "tokens", text=MEGABYTE) as pilot:
        await until(pilot, lambda: watch.saw("[UNK]"))
        assert len(pilot.app.query_one(Editor).text) == len(MEGABYTE)
