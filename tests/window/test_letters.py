"""A model's letter and colour: its own until the window is closed, whichever models come and go beside it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.style import Style
from textual.pilot import Pilot
from textual.widgets import Static

from encoder_tui.core.report.sections import write
from encoder_tui.core.settings import Settings
from encoder_tui.core.tokens.comparison import compare
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.documents import DocumentsPane
from encoder_tui.window.panes.documents.limits import numbers_for
from encoder_tui.window.panes.documents.listing import DocumentList
from encoder_tui.window.panes.outputs import OutputsPane
from encoder_tui.window.panes.parameters import ParametersPane
from encoder_tui.window.panes.parameters.role_and_config_views import ConfigView, RolesView
from encoder_tui.window.panes.timing.measurable import timed_models
from encoder_tui.window.panes.tokens import TokensPane
from encoder_tui.window.panes.tokens.ribbon import Ribbon
from encoder_tui.window.report import ReportWriter
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.model_letters import letter_style
from encoder_tui.window.widgets.table import Table
from tests.support.canned_outputs import answer
from tests.support.in_process import run, tasks_in_process
from tests.support.still import still, until

__all__ = ["tasks_in_process"]

THREE = ("builtin:bert", "builtin:modernbert", "builtin:bert")


def letters(session: Session) -> str:
    return "".join(session.letters)


@pytest.mark.usefixtures("no_engine")
async def test_a_new_model_takes_the_first_free_letter_and_the_others_keep_theirs() -> None:
    app = EncoderApp(Settings(model=THREE, offline=True))
    async with app.run_test(size=(120, 40)) as pilot:
        session = app.session
        await until(pilot, lambda: all(slot.state == "exact" for slot in session.slots))
        last = session.slots[2]
        session.remove(1)
        assert (letters(session), last.letter) == ("AC", "C")
        session.replace(1, "builtin:modernbert")
        await until(pilot, lambda: session.slots[1].name == "builtin:modernbert")
        assert letters(session) == "AC"
        session.remove(0)
        for name in ("builtin:bert", "builtin:modernbert"):
            session.add(name)
            await until(pilot, lambda: not session.arriving)
        assert letters(session) == "ABC"
        assert [slot.name for slot in session.slots] == ["builtin:bert", "builtin:modernbert", "builtin:modernbert"]
        session.swap(0, 2)
        assert letters(session) == "ABC"
        assert [slot.name for slot in session.slots] == ["builtin:modernbert", "builtin:modernbert", "builtin:bert"]


def test_counts_of_another_time_have_the_letters_of_the_same_models() -> None:
    def session_of(**names: str) -> Any:
        slots = {"ABCD".index(letter): name for letter, name in names.items()}
        found = [SimpleNamespace(number=number, name=name) for number, name in slots.items()]
        return SimpleNamespace(slots=found, slot_of=slots.get)

    assert numbers_for(session_of(A="one", C="two"), ["two", "one"]) == [2, 0]
    assert numbers_for(session_of(A="one", C="two"), ["other", "two", "two"]) == [1, 2, 3]
    assert numbers_for(session_of(A="a", B="b", C="c", D="d"), ["e", "b", "f", "g"]) == [0, 1, 2, 3]


@pytest.mark.usefixtures("tasks_in_process", "no_engine")
async def test_every_pane_shows_the_letters_that_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "rows.jsonl"
    source.write_text("".join(json.dumps({"text": f"lighthouse {number}"}) + "\n" for number in range(3)))

    async def answered(self: Any, task: Any, *rest: Any, **more: Any) -> Any:
        """Run the models by arithmetic, and do everything else."""
        return await (answer if task.name in {"run", "memory", "look"} else run)(self, task, *rest, **more)

    monkeypatch.setattr("encoder_tui.client.client.EngineClient.run", answered)
    app = EncoderApp(Settings(model=THREE, text="The lamp of a lighthouse.", docs=str(source), offline=True))
    async with app.run_test(size=(120, 40)) as pilot:
        session = app.session
        await until(pilot, lambda: all(slot.state == "exact" for slot in session.slots))
        for key in ("f3", "f4", "f5"):
            await pilot.press(key)
        session.remove(1)
        await still(pilot)
        top = str(app.query_one("#top", Static).content)
        assert (" A " in top, " B " in top, " C " in top) == (True, False, True)
        await _tokens(pilot)
        await _parameters(pilot)
        documents = app.query_one(DocumentsPane)
        await until(pilot, lambda: [reading.slot for reading in documents.readings] == [0, 2])
        listed = [column.label for column in documents.query_one(DocumentList).columns]
        assert [label for label in listed if "tokens" in label] == ["A tokens", "C tokens"]
        assert [one.slot for one in timed_models(session)] == [0, 2]
        await pilot.press("f5", "r")
        outputs = app.query_one(OutputsPane)
        await until(pilot, lambda: bool(outputs.runs.runs) and not outputs.runs.is_running)
        assert [line[:3] for line in str(app.query_one("#outputs-models", Static).content).splitlines()[:2]] == [
            " A ",
            " C ",
        ]
        material = ReportWriter(session).material(app.panes.made)
        material.comparison = compare(material.text, material.models)
        assert [one.letter for one in material.runs] == ["A", "C"]
        written = write(material, ["models", "tokens", "architectures", "documents", "outputs"])
        assert written.startswith("# A builtin:bert · C builtin:bert\n")
        assert "**B**" not in written
        assert "| B |" not in written
        assert "| C |" in written


async def _tokens(pilot: Pilot[int]) -> None:
    await pilot.press("f2")
    pane = pilot.app.query_one(TokensPane)
    await until(pilot, lambda: len(pane.comparison.present) == 2)
    assert [line[:3] for line in str(pane.query_one("#models").content).splitlines()] == [" A ", " C "]  # type: ignore[attr-defined]
    ribbon = pane.query_one(Ribbon)
    letter = next(iter(ribbon.line(2)))
    assert letter.text == " C "
    assert cast(Style, letter.style).color == letter_style(ribbon, 2).color
    assert [line[:3] for line in str(pane.query_one("#block").content).splitlines()[1:]] == [" A ", " C "]  # type: ignore[attr-defined]
    pane.query_one("#view", Choice).chosen = "table"
    await until(pilot, lambda: bool(pane.query("#stream-2")))
    await until(
        pilot, lambda: [table.id for table in pane.query("#table Table") if table.display] == ["stream-0", "stream-2"]
    )
    assert pane.query_one("#stream-2", Table).columns[0].label == "C"


async def _parameters(pilot: Pilot[int]) -> None:
    await pilot.press("f3")
    pane = pilot.app.query_one(ParametersPane)
    await until(pilot, lambda: all(pane.descriptions.known))
    sides = [side.id for side in pane.query(".side") if side.display]
    assert sides == ["side-0", "side-2"]
    assert str(pane.query_one("#parameters-sentence", Static).content).startswith(" A has ")
    for view, widget in (("roles", RolesView), ("config", ConfigView)):
        pane.view_choice.chosen = view
        await until(pilot, lambda widget=widget: bool(pane.query(widget)))  # type: ignore[misc]
        await still(pilot)
        labels = [column.label for column in pane.query_one(widget).query_one(Table).columns]
        assert [label for label in labels if label in "ABCD"] == ["A", "C"]
        assert pane.query_one(widget).tsv().splitlines()[0].split("\t")[-1][0] == "C"
