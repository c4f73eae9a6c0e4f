"""Dialogs and the palette: closed by a key before they are there, outlived by their own work, without room."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.css.query import NoMatches
from textual.events import Mount
from textual.widgets import OptionList
from textual.worker import WorkerFailed

from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.dialogs.models import ModelsDialog
from encoder_tui.window.textual_fixes.late_errors import came_too_late
from tests.support.still import still, until


@pytest.mark.usefixtures("no_engine")
async def test_a_failure_in_the_palette_is_no_end_of_the_window() -> None:
    """As when it is closed while it still gathers commands: it does not find its own widgets then."""
    app = EncoderApp(Settings(model=("builtin:bert",)))
    async with app.run_test() as pilot:
        palette = CommandPalette()
        with pytest.raises(NoMatches) as caught:
            await palette._watch__show_busy()
        with pytest.raises(IndexError) as stumbled:
            palette._on_mount(Mount())
        with palette._context():
            app._handle_exception(caught.value)
            app._handle_exception(stumbled.value)
        await pilot.pause()
        assert app.is_running
        assert app._exception is None
        # What is not of Textual is a failure of this program, wherever it comes from.
        assert not came_too_late(IndexError())
        with palette._context(), pytest.raises(IndexError) as own:
            [].pop()
        with palette._context():
            assert not came_too_late(own.value)


@pytest.mark.usefixtures("no_engine")
async def test_a_search_that_outlives_the_palette_is_no_end_of_the_window() -> None:
    """Its widgets are gone by the time it shows what it found."""
    app = EncoderApp(Settings(model=("builtin:bert",)))
    async with app.run_test() as pilot:
        app.action_command_palette()
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        palette = app.screen
        assert isinstance(palette, CommandPalette)

        async def search() -> None:
            with contextlib.suppress(asyncio.CancelledError):  # it was at its last lines
                await asyncio.Event().wait()
            palette._list_visible = not palette._list_visible

        worker = palette.run_worker(search())
        await pilot.pause()
        await palette.dismiss()
        await palette.remove()
        await until(pilot, lambda: worker.is_finished)
        assert isinstance(worker.error, NoMatches)
        assert app._exception is None


async def test_a_worker_of_the_window_that_fails_is_a_failure() -> None:
    app = EncoderApp(Settings(model=("builtin:bert",)))

    async def fail() -> None:
        app.screen.query_one("#nothing-of-this-name")

    async def use() -> None:
        async with app.run_test() as pilot:
            app.run_worker(fail())
            await pilot.pause(0.5)

    with pytest.raises(WorkerFailed):
        await use()


@pytest.mark.usefixtures("no_engine")
async def test_there_is_one_palette_whatever_lies_over_it() -> None:
    app = EncoderApp(Settings(model=("builtin:bert",), text="A lighthouse."))
    async with app.run_test(size=(120, 40)) as pilot:
        for keys in (["ctrl+p", "f1", "ctrl+p"], ["f1", "ctrl+p", "f1", "ctrl+p"]):
            await pilot.press(*keys)
            await still(pilot)
            assert app._exception is None
            assert sum(isinstance(screen, CommandPalette) for screen in app.screen_stack) == 1
            await pilot.press("escape", "escape")
            await until(pilot, lambda: len(app.screen_stack) == 1)


@pytest.mark.usefixtures("no_engine")
@pytest.mark.parametrize("opened", ["f1", "m", "ctrl+p"])
async def test_a_dialog_that_another_key_has_closed_closes_nothing_more(opened: str) -> None:
    app = EncoderApp(Settings(model=("builtin:bert",), text="A lighthouse."))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("escape", opened)
        await until(pilot, lambda: len(app.screen_stack) == 2)
        dialog: Any = app.screen
        # The window obeys F3 at once; the dialog may hear of the escape before it only then.
        await app.action_pane("parameters")
        close = dialog.dismiss if opened == "ctrl+p" else dialog.action_close
        close()
        assert [screen.id for screen in app.screen_stack] == ["_default"]
        if opened != "ctrl+p":
            app.action_models()
            close()
            assert isinstance(app.screen, ModelsDialog)
        # Closed before it is made, as by the next key of somebody who presses many.
        await app.action_pane("tokens")
        await still(pilot)
        assert app._exception is None


@pytest.mark.usefixtures("no_engine")
@pytest.mark.parametrize("opened", ["command_palette", "change_theme", "models", "report", "help", "save"])
async def test_what_is_closed_before_it_is_there_ends_nothing(opened: str) -> None:
    """As by keys that wait for a window which is busy."""
    app = EncoderApp(Settings(model=("builtin:bert",), text="A lighthouse.", docs="builtin"))
    async with app.run_test(size=(120, 40)) as pilot:
        await still(pilot)
        await app.run_action(opened)
        assert len(app.screen_stack) == 2
        assert not app.screen.is_mounted
        app.pop_screen()
        await still(pilot)
        assert app._exception is None
        assert len(app.screen_stack) == 1
        await app.run_action(opened)
        await until(pilot, lambda: len(app.screen_stack) == 2 and app.screen.is_mounted)
        await still(pilot)
        assert app._exception is None


@pytest.mark.usefixtures("no_engine")
@pytest.mark.parametrize("opened", ["command_palette", "change_theme", "models", "report"])
async def test_no_list_turns_its_pages_in_a_terminal_of_one_row(opened: str) -> None:
    """Textual looks the line of its option up, and knows none as long as the list has no room."""
    app = EncoderApp(Settings(model=("builtin:bert",), text="A lighthouse.", docs="builtin"))
    async with app.run_test(size=(120, 40)) as pilot:
        await app.run_action(opened)
        await until(pilot, lambda: len(app.screen_stack) == 2)
        lists = app.screen.query(OptionList)
        await until(pilot, lambda: any(one.option_count for one in lists))
        for one in lists:
            one.highlighted = 0
        await pilot.resize_terminal(1, 1)
        for one in lists:
            one.focus()  # the palette's cannot have it: its field moves it
            await pilot.press("pagedown", "pageup", "ctrl+d", "ctrl+u", "end", "home", "down", "up")
        assert app._exception is None
        await pilot.resize_terminal(120, 40)
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
