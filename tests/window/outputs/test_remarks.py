"""What must not be missed of a run stands above the Outputs pane's views: once for each, and counted without room."""

from __future__ import annotations

import pytest
from textual.content import Content
from textual.widgets import Static

from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.outputs import OutputsPane, words
from tests.support.canned_outputs import canned
from tests.support.still import screen, still, until

__all__ = ["canned"]


def plain(remarks: list[Content], width: int, room: int) -> list[str]:
    return [line.plain for line in words.fitted(remarks, width, room)]


def test_remarks_that_have_no_room_are_counted() -> None:
    remarks = [Content(f" A ! remark {number}") for number in range(3)]
    assert plain(remarks, 80, 3) == [" A ! remark 0", " A ! remark 1", " A ! remark 2"]
    assert plain(remarks, 80, 2) == [" A ! remark 0", " … 2 more remarks; enlarge the window to see all"]
    assert plain(remarks, 80, 1) == [" … 3 more remarks; enlarge the window to see all"]
    # A remark is there whole or not at all.
    remarks[1] = Content(" B ! a remark that takes two lines")
    lines = plain(remarks, 20, 3)
    assert lines == [" A ! remark 0", " … 2 more remarks; …"]
    assert [line.strip() for line in plain(remarks, 20, 4)][1:3] == ["B ! a remark that", "takes two lines"]


@pytest.mark.usefixtures("canned", "no_engine")
async def test_a_remark_on_several_models_is_said_once_under_their_letters() -> None:
    models = ("builtin:bert", "builtin:modernbert") * 2
    app = EncoderApp(Settings(model=models, text="The keeper lit a lamp. " * 100, pane="outputs"))
    async with app.run_test(size=(80, 24)) as pilot:
        pane = app.query_one(OutputsPane)
        app.session.set_document("The keeper lit a lens. " * 100)

        async def said(key: str) -> list[str]:
            await pilot.press(key)
            await until(pilot, lambda: bool(pane.runs.runs) and not pane.runs.is_running)
            for run in pane.runs.runs:
                assert run.answer is not None
                run.answer.in_force.remarks.append(f"{run.slot.name}: a remark on each of them")
            pane._show()
            await still(pilot)
            return str(pane.query_one("#outputs-models", Static).content).splitlines()[4:]

        first, second = await said("r")
        assert first.startswith(" A C ! the text has ")
        assert second == " A B C D ! a remark on each of them"
        assert second in screen(pilot)
        # What a model has not seen comes before other remarks, whichever model it is of.
        app.session.swap(0, 1)
        pane._show()
        swapped = str(pane.query_one("#outputs-models", Static).content).splitlines()[4:]
        assert swapped[0].startswith(" B C ! the text has ")
        app.session.swap(0, 1)
        # What is not seen of a document is not said of a text.
        await pilot.press("d")
        first, *_ = await said("r")
        assert first.startswith(" A C ! the document has ")
