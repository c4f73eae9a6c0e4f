"""Copying, saving what can be copied, pictures, and a panel alone in the window."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from encoder_tui.core.files.atomic import FileExistsAlready, write_whole
from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.dialogs.report import ReportDialog
from encoder_tui.window.dialogs.save import SaveDialog
from encoder_tui.window.panes.outputs.saving import SavePath
from encoder_tui.window.panes.tokens.ribbon import Ribbon
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.key_line import KeyLine
from tests.support.still import until
from tests.window.tokens.test_pane import window

pytestmark = pytest.mark.usefixtures("no_engine")


def told(app: EncoderApp) -> list[str]:
    return [notification.message for notification in app._notifications]


async def asked(app: EncoderApp, pilot: Pilot[int]) -> SaveDialog:
    """The dialog, opened with its key."""
    await pilot.press("ctrl+s")
    await until(pilot, lambda: isinstance(app.screen, SaveDialog))
    assert isinstance(app.screen, SaveDialog)
    return app.screen


async def test_copying_says_how_much() -> None:
    async with window("a lighthouse") as (app, pilot):
        await pilot.press("escape", "i")
        await until(pilot, lambda: bool(told(app)))
        assert told(app) == [f"copied {told(app)[0].split(':')[0][7:]}: {len(app.clipboard):,} characters"]


async def test_whatever_can_be_copied_can_be_saved_and_is_not_copied_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with window("a lighthouse") as (app, pilot):
        await pilot.press("escape", "i", "p")
        await until(pilot, lambda: len(told(app)) == 2)
        python = app.clipboard
        await pilot.press("i")
        await until(pilot, lambda: app.clipboard != python)
        ids = app.clipboard

        dialog = await asked(app, pilot)
        assert dialog.query_one(Choice).names == ["block", "ids", "table", "Python"]
        for name, file_name in (("Python", "tokens.py"), ("ids", "tokens-ids.txt")):
            dialog.query_one(Choice).chosen = name
            await until(pilot, lambda expected=file_name: dialog.query_one(Input).value == expected)  # type: ignore[misc]
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is not dialog)
        assert Path("tokens-ids.txt").read_text("utf-8") == ids
        assert app.clipboard == ids
        assert told(app)[-1] == f"saved ids, {len(ids):,} characters, to {tmp_path / 'tokens-ids.txt'}"


async def test_a_table_that_is_saved_holds_no_formula_and_the_clipboard_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with window("=cmd|' /C calc'!A0 -x") as (app, pilot):
        dialog = await asked(app, pilot)
        dialog.query_one(Choice).chosen = "table"
        await until(pilot, lambda: dialog.query_one(Input).value == "tokens-table.tsv")
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is not dialog)
        cells = [cell for line in Path("tokens-table.tsv").read_text("utf-8").split("\n") for cell in line.split("\t")]
        assert any("=" in cell for cell in cells)
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@")) and len(cell) > 1]


async def test_a_file_that_is_there_needs_a_second_key(tmp_path: Path) -> None:
    there = tmp_path / "mine.txt"
    there.write_text("precious")
    async with window("a lighthouse") as (app, pilot):
        dialog = await asked(app, pilot)
        dialog.query_one(Input).value = str(there)
        await pilot.press("enter")

        def hint() -> str:
            return str(dialog.query_one("#save-hint", Static).content)

        await until(pilot, lambda: "press enter again to overwrite it" in hint())
        assert there.read_text() == "precious"
        # Another path in between asks again.
        await pilot.press("end", "x", "backspace", "enter")
        await until(pilot, lambda: "press enter again to overwrite it" in hint())
        assert there.read_text() == "precious"
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is not dialog)
        assert "lighthouse" in there.read_text() or "a" in there.read_text()
        assert there.read_text() != "precious"


async def test_a_path_that_cannot_be_written_is_told_and_can_be_mended(tmp_path: Path) -> None:
    async with window("a lighthouse") as (app, pilot):
        dialog = await asked(app, pilot)
        for wrong in (str(tmp_path), str(tmp_path / "none" / "a.txt"), "\x00", "~nobody-of-this-name/x"):
            dialog.query_one(Input).value = wrong
            await pilot.press("enter")
            await until(pilot, lambda: "cannot be written" in str(dialog.query_one("#save-hint", Static).content))
            assert "\x00" not in str(dialog.query_one("#save-hint", Static).content)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not dialog)


@pytest.mark.usefixtures("no_engine")
@pytest.mark.parametrize("name", ["x" * 300, "~nobody-of-this-name/x", "a\0b.npz"], ids=["long", "nobody", "NUL"])
async def test_a_path_that_can_be_none_ends_no_window(name: str) -> None:
    app = EncoderApp(Settings(model=("builtin:bert",), pane="outputs"))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:

        async def is_told() -> None:
            await pilot.press("enter")
            await until(pilot, lambda: any("cannot be written" in str(one.message) for one in app._notifications))
            app.clear_notifications()
            assert app._exception is None

        await until(pilot, lambda: bool(app.query(SavePath)))
        field = app.query_one(SavePath)
        field.open()
        field.value = name
        await until(pilot, lambda: field.has_focus)
        await is_told()
        app.push_screen(ReportDialog([("models", "", True)]))
        await until(pilot, lambda: isinstance(app.screen, ReportDialog) and isinstance(app.focused, Input))
        app.screen.query_one(Input).value = name
        await is_told()
        assert isinstance(app.screen, ReportDialog)


def test_a_file_appears_whole_with_the_users_permissions_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "a"
    path.parent.mkdir()
    before = os.umask(0o027)
    try:
        write_whole(path, "naïve \ud800")
    finally:
        os.umask(before)
    assert path.read_bytes() == b"na\xc3\xafve \xed\xa0\x80"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    with pytest.raises(FileExistsAlready):
        write_whole(path, "other")
    write_whole(path, b"other", replace=True)
    assert path.read_bytes() == b"other"
    assert [one.name for one in path.parent.iterdir()] == ["a"]


async def test_a_picture_is_written_where_one_is_and_fetches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with window("a lighthouse") as (app, pilot):
        await pilot.press("f9")
        await until(pilot, lambda: bool(told(app)))
        (picture,) = tmp_path.glob("encoder-tui-*.svg")
        assert told(app) == [f"saved the screen to {picture}"]
        svg = picture.read_text("utf-8")
        assert "lighthouse" in svg
        assert "url(http" not in svg


async def test_a_panel_fills_the_window_and_gives_it_back() -> None:
    async with window("a lighthouse", size=(100, 30)) as (app, pilot):
        await pilot.press("escape", "f8")
        ribbon = app.query_one(Ribbon)
        await until(pilot, lambda: app.screen.maximized is ribbon)
        await until(pilot, lambda: ribbon.size == (100, 29))
        assert "esc whole window" in app.query_one(KeyLine).render_line(0).text
        await pilot.press("escape")
        await until(pilot, lambda: app.screen.maximized is None)
        # From a row of names, what stands below it; another pane gives the window back.
        app.query_one("#view", Choice).focus()
        await pilot.press("f8")
        await until(pilot, lambda: app.screen.maximized is not None)
        assert not isinstance(app.screen.maximized, Choice)
        await pilot.press("f3")
        await until(pilot, lambda: app.screen.maximized is None)
