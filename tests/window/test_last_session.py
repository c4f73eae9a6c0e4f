"""The last session in the next window: what comes back, what wins over it, what is never touched."""

from __future__ import annotations

import json
import os
import platform
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from encoder_tui.core.defaults import DEFAULT_PAIR, WELCOME
from encoder_tui.core.settings import Settings, log_path, state_path
from encoder_tui.core.start_marker import Process, StartMarker
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.dialogs.earlier_texts import TextsDialog
from encoder_tui.window.dialogs.models import ModelsDialog
from encoder_tui.window.panes.documents.listing import DocumentList
from encoder_tui.window.panes.parameters.tree import ParameterTree
from encoder_tui.window.widgets.editor import Editor
from tests.support.command_case import call
from tests.support.still import until
from tests.support.terminal import Terminal, encoder_tui

PAIR = ("builtin:modernbert", "builtin:bert")
pytestmark = pytest.mark.usefixtures("no_engine")


@asynccontextmanager
async def window(**settings: Any) -> AsyncIterator[tuple[EncoderApp, Pilot[int]]]:
    app = EncoderApp(Settings(**settings))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: all(slot.state != "loading" for slot in app.session.slots))
        yield app, pilot


def names(app: EncoderApp) -> list[str]:
    return [slot.name for slot in app.session.slots]


def remember(**state: Any) -> None:
    state_path().parent.mkdir(parents=True, exist_ok=True)
    state_path().write_text(json.dumps({"version": 1, **state}))


async def test_models_text_and_pane_come_back() -> None:
    async with window(model=("builtin:bert",), text="before") as (app, pilot):
        app.session.add("builtin:modernbert")
        await until(pilot, lambda: len(app.session.slots) == 2)
        app.session.swap(0, 1)
        app.query_one(Editor).text = "what the user wrote"
        await until(pilot, lambda: app.session.text == "what the user wrote")
        await app.action_pane("parameters")
    async with window() as (app, _):
        assert names(app) == list(PAIR)
        assert app.session.text == "what the user wrote"
        assert app.query("#parameters")


async def test_a_change_is_on_the_disk_while_the_window_is_still_open() -> None:
    async with window(model=PAIR) as (app, pilot):
        app.query_one(Editor).text = "before a crash"
        await until(pilot, lambda: state_path().is_file() and "before a crash" in state_path().read_text())


async def test_what_is_given_wins_and_is_not_remembered() -> None:
    remember(model=list(PAIR), text="remembered", pane="parameters")
    async with window(model=("builtin:bert",), text="given", pane="tokens") as (app, _):
        assert (names(app), app.session.text) == (["builtin:bert"], "given")
        assert app.query("#tokens")
    async with window() as (app, _):
        assert (names(app), app.session.text) == (list(PAIR), "remembered")


async def test_fresh_neither_reads_nor_writes() -> None:
    remember(model=list(PAIR), text="remembered", pane="parameters")
    before = state_path().read_bytes()
    async with window(fresh=True, model=("builtin:bert",)) as (app, pilot):
        assert app.session.text == WELCOME
        app.query_one(Editor).text = "private"
        await until(pilot, lambda: app.session.text == "private")
        await app.action_pane("timing")
    assert state_path().read_bytes() == before
    assert EncoderApp(Settings(fresh=True)).session.text == WELCOME


def test_without_anything_remembered_the_default_pair_may_still_be_stood_in_for() -> None:
    assert tuple(slot.name for slot in EncoderApp(Settings()).session.slots) == DEFAULT_PAIR


async def test_a_file_that_cannot_be_read_opens_the_window_as_new_and_says_so() -> None:
    remember()
    state_path().write_text("{")
    async with window(model=PAIR) as (app, pilot):
        assert app.session.text == WELCOME
        await until(pilot, lambda: any("is damaged" in note.message for note in app._notifications))


async def test_an_earlier_text_is_taken_up_from_the_palette_and_can_be_undone() -> None:
    remember(text="now", earlier_texts=["then [bold]"])
    async with window(model=PAIR) as (app, pilot):
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert "Earlier texts" in titles
        app.action_earlier_texts()
        await until(pilot, lambda: isinstance(app.screen, TextsDialog))
        await pilot.press("enter")
        await until(pilot, lambda: app.query_one(Editor).text == "then [bold]" == app.session.text)
        app.query_one(Editor).undo()
        await until(pilot, lambda: app.session.text == "now")
    assert json.loads(state_path().read_text())["earlier_texts"] == ["now"]


async def test_recent_models_are_offered_first() -> None:
    remember(recent_models=["somebody/some-model"])
    async with window(model=PAIR) as (app, pilot):
        app.action_models()
        await until(pilot, lambda: isinstance(app.screen, ModelsDialog))
        candidates = app.screen.query_one("#candidates", OptionList)
        await until(pilot, lambda: candidates.option_count > 0)
        assert str(candidates.get_option_at_index(0).prompt) == "somebody/some-model   recent"


async def test_documents_and_their_order_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["short", "a much longer document than the others", "in the middle"]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    monkeypatch.chdir(tmp_path)
    async with window(model=PAIR, pane="documents", docs="builtin") as (app, pilot):
        pane: Any = app.query_one("#documents")
        app.session.memory.remember_source("rows.jsonl")
        pane.open("rows.jsonl")
        await until(pilot, lambda: pane.counting is not None and pane.counting.counts.documents == 3)
        await until(pilot, lambda: pane.counting.state == "done")
        pane.action_sort()
        assert list(app.query_one(DocumentList).order or ()) == [1, 2, 0]
    monkeypatch.chdir("/")
    async with window(model=PAIR, pane="documents") as (app, pilot):
        pane = app.query_one("#documents")
        assert pane.opener.source == str(tmp_path / "rows.jsonl")
        await until(pilot, lambda: list(app.query_one(DocumentList).order or ()) == [1, 2, 0])
        assert app.session.memory.state.recent_sources[0] == str(tmp_path / "rows.jsonl")


async def test_the_order_of_parameters_comes_back() -> None:
    remember(parameters_by_size=True)
    async with window(model=PAIR, pane="parameters") as (app, _):
        assert all(tree.by_size for tree in app.query(ParameterTree))


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_what_was_typed_just_before_a_signal_comes_back(number: signal.Signals) -> None:
    with Terminal(encoder_tui("-m", "builtin:bert", "--text", "x")) as terminal:
        terminal.wait_for("characters per token")
        terminal.send("yz!")
        terminal.wait_for("xyz!")
        os.kill(terminal.pid, number)
        code = terminal.exit_code(30)
    assert code in {-number, 128 + number}
    assert json.loads(state_path().read_text())["text"] == "xyz!"


def test_reset_forgets() -> None:
    remember(text="mine")
    done = call("reset")
    assert (done.code, done.text) == (0, f"forgotten: {state_path()}\n")
    assert not state_path().exists()
    assert call("reset").text == "there is no last session to forget\n"


@asynccontextmanager
async def window_after_a_death(**settings: Any) -> AsyncIterator[tuple[EncoderApp, Pilot[int]]]:
    marker = state_path().parent / "starting-1.json"
    marker.write_bytes(msgspec.json.encode(Process(platform.node(), 2**22 + 1, "1")))
    app = EncoderApp(Settings(**settings), StartMarker(None if settings.get("fresh") else state_path().parent))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: all(slot.state != "loading" for slot in app.session.slots))
        yield app, pilot


async def test_after_a_start_that_died_its_models_and_text_are_left_aside_and_not_lost() -> None:
    remember(model=["somebody/deadly"], text="deadly", earlier_texts=["older"], recent_models=["somebody/other"])
    async with window_after_a_death() as (app, pilot):
        assert names(app) == ["builtin:bert", "builtin:modernbert"]
        assert app.session.text == WELCOME
        await until(pilot, lambda: any("ended within its first minute" in note.message for note in app._notifications))
        assert app.session.memory.state.earlier_texts == ["deadly", "older"]
        assert app.session.memory.state.recent_models == ["somebody/deadly", "somebody/other"]
    found = json.loads(state_path().read_text())
    assert (found["model"], found["text"]) == ([], None)
    assert found["earlier_texts"] == ["deadly", "older"]
    assert found["recent_models"] == ["somebody/deadly", "somebody/other"]


async def test_after_a_start_that_died_what_is_named_is_opened_all_the_same() -> None:
    remember(model=["somebody/deadly"], text="deadly")
    async with window_after_a_death(model=("builtin:bert",), text="given") as (app, _):
        assert (names(app), app.session.text) == (["builtin:bert"], "given")


async def test_a_fresh_window_leaves_the_marker_of_a_start_that_died() -> None:
    remember(model=list(PAIR), text="remembered")
    async with window_after_a_death(fresh=True, model=PAIR) as (app, _):
        assert not app._notifications
        assert [path.name for path in state_path().parent.glob("starting-*")] == ["starting-1.json"]


async def test_a_window_that_opened_a_minute_ago_has_not_died(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("encoder_tui.window.app.MINUTE", 0.2)
    state_path().parent.mkdir(parents=True, mode=0o700)
    app = EncoderApp(Settings(model=PAIR), StartMarker(state_path().parent))
    assert len(list(state_path().parent.glob("starting-*"))) == 1
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: not list(state_path().parent.glob("starting-*")))


async def test_a_log_folder_that_others_may_write_is_refused_with_a_sentence() -> None:
    log_path().mkdir(parents=True)
    log_path().chmod(0o777)
    async with window(model=PAIR) as (app, pilot):
        await until(
            pilot, lambda: any(f"others may write to {log_path()}" in one.message for one in app._notifications)
        )
    assert list(log_path().iterdir()) == []
