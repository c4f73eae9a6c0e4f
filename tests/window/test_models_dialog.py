"""The models dialog: what enter does, and that no working model is lost to a name that cannot be loaded."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from encoder_tui import builtin
from encoder_tui.client.client import EngineClient
from encoder_tui.client.loader import Loader
from encoder_tui.core.hub.search import Found
from encoder_tui.core.settings import Settings
from encoder_tui.protocol.models import SearchAnswer, SearchRequest
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.dialogs.models import ModelsDialog
from encoder_tui.window.session import hub_search
from tests.support.fake_hub import FakeHub
from tests.support.hub_case import REPO
from tests.support.in_process import tasks_in_process
from tests.support.still import screen, until
from tests.window.test_stopping import Endless

__all__ = ["tasks_in_process"]

pytestmark = pytest.mark.usefixtures("no_engine")

PAIR = ("builtin:bert", "builtin:modernbert")


@asynccontextmanager
async def dialog(
    *models: str, size: tuple[int, int] = (100, 30), offline: bool = True
) -> AsyncIterator[tuple[EncoderApp, Pilot[int], ModelsDialog]]:
    """The dialog over a window whose models have loaded."""
    app = EncoderApp(Settings(model=models or PAIR, offline=offline))
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: all(slot.state in {"exact", "failed"} for slot in app.session.slots))
        app.action_models()
        await until(pilot, lambda: isinstance(app.screen, ModelsDialog) and bool(app.screen.query("#candidates")))
        assert isinstance(app.screen, ModelsDialog)
        yield app, pilot, app.screen


def hint(shown: ModelsDialog) -> str:
    return str(shown.query_one("#hint", Static).content)


def names(app: EncoderApp) -> list[str]:
    return [f"{slot.letter} {slot.short}" for slot in app.session.slots]


async def choose(pilot: Pilot[int], shown: ModelsDialog, name: str) -> None:
    field = shown.query_one("#name", Input)
    field.focus()
    field.value = name
    await pilot.press("enter")


def model_directory(folder: Path) -> Path:
    """The built-in BERT as a directory of a user."""
    shutil.copytree(builtin.directory("bert"), folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize("with_replaced", [False, True])
async def test_a_mistyped_name_leaves_the_models_as_they_are(with_replaced: bool, tmp_path: Path) -> None:
    async with dialog() as (app, pilot, shown):
        before = list(app.session.slots)
        if with_replaced:
            shown.query_one("#slots", OptionList).focus()
            await pilot.press("r")
            assert hint(shown) == "enter replaces A builtin:bert"
        for wrong in ("nonsense-model-xyz", str(tmp_path / "nothing")):
            await choose(pilot, shown, wrong)
            await until(pilot, lambda wrong=wrong: hint(shown).startswith(f"{wrong}"))
            assert app.session.slots == before
            assert not app.session.arriving
        assert hint(shown).splitlines()[0].endswith("there is no such directory")
        # In the dialog, so no notification covers what the user looks at.
        assert not app._notifications


async def test_enter_adds_while_there_is_room_and_then_replaces_and_says_which() -> None:
    async with dialog() as (app, pilot, shown):
        for letter in "CD":
            assert hint(shown) == f"enter adds it as {letter}"
            await choose(pilot, shown, PAIR[0])
            await until(pilot, lambda letter=letter: letter in app.session.letters)
        shown.query_one("#slots", OptionList).highlighted = 1
        await until(pilot, lambda: hint(shown) == "enter replaces B builtin:modernbert")
        await choose(pilot, shown, PAIR[0])
        await until(pilot, lambda: names(app) == [f"{letter} builtin:bert" for letter in "ABCD"])
        assert hint(shown).endswith(" · u brings back builtin:modernbert")


async def test_what_was_removed_or_replaced_last_comes_back_with_its_letter() -> None:
    async with dialog() as (app, pilot, shown):
        first, second = app.session.slots
        slots = shown.query_one("#slots", OptionList)
        slots.focus()
        await pilot.press("d")
        assert app.session.slots == [second]
        assert second.letter == "B"
        await pilot.press("u")
        assert app.session.slots == [first, second]
        await pilot.press("r")
        await choose(pilot, shown, PAIR[1])
        await until(pilot, lambda: names(app) == ["A builtin:modernbert", "B builtin:modernbert"])
        await pilot.press("escape")
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert "Bring back builtin:bert" in titles
        app.session.bring_back()
        assert app.session.slots == [first, second]
        assert first.tokenizer is not None
        app.session.bring_back()  # once more: the replacement again
        assert names(app) == ["A builtin:modernbert", "B builtin:modernbert"]


async def test_a_letter_that_was_given_away_is_not_taken_back() -> None:
    async with dialog() as (app, pilot, shown):
        app.session.remove(0)
        await choose(pilot, shown, PAIR[1])
        await until(pilot, lambda: app.session.letters == ["A", "B"])
        app.session.bring_back()
        assert names(app) == ["A builtin:modernbert", "B builtin:modernbert", "C builtin:bert"]


async def test_a_model_on_its_way_takes_no_place_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    async with dialog() as (app, pilot, shown):
        loading = Endless()
        monkeypatch.setattr(Loader, "ask_for_files", loading)
        await choose(pilot, shown, "some/model")
        await until(pilot, lambda: loading.begun == 1)
        assert hint(shown).startswith("loading some/model")
        assert names(app) == ["A builtin:bert", "B builtin:modernbert"]
        shown.query_one("#slots", OptionList).focus()
        await pilot.press("x")
        await until(pilot, lambda: loading.given_up == 1)
        assert hint(shown) == "enter adds it as C"


@pytest.mark.parametrize("size", [(100, 30), (80, 24)])
async def test_each_row_says_what_its_model_is(size: tuple[int, int], tmp_path: Path) -> None:
    directory = model_directory(tmp_path / "mine" / "model")
    async with dialog(PAIR[0], str(directory), str(tmp_path / "nothing"), size=size) as (app, pilot, shown):
        await until(pilot, lambda: "512 tokens · 768" in screen(pilot))
        rows = [str(option.prompt) for option in shown.query_one("#slots", OptionList).options]
        assert rows[0].splitlines()[0] == " A  builtin:bert  "
        assert rows[0].splitlines()[1].startswith("    ")
        assert "512 tokens" in rows[0].splitlines()[1]
        assert rows[2].splitlines()[1] == "    there is no such directory"
        assert "B mine/model" in " ".join(str(app.screen_stack[0].query_one("#top", Static).content).split())


@pytest.mark.usefixtures("tasks_in_process")
async def test_what_is_typed_is_searched_for_on_the_hub_and_enter_takes_a_result(fake: FakeHub) -> None:
    fake.about[REPO] = {"pipeline_tag": "fill-mask", "downloads": 1234, "safetensors": {"total": 1_500_000}}
    async with dialog(offline=False) as (app, pilot, shown):
        field, listed = shown.query_one("#name", Input), shown.query_one("#candidates", OptionList)
        field.value = "tiny-b"  # builtin:tiny is no such name
        result = "someone/tiny-bert   fill-mask · 1,234 downloads · 1.5 M values"
        await until(pilot, lambda: [str(option.prompt) for option in listed.options] == [result])
        await pilot.press("down", "enter")
        await until(pilot, lambda: names(app)[2:] == ["C tiny-bert"])
        # A known one is found without the Hub.
        field.value = "modern"
        await until(pilot, lambda: "builtin:modernbert   built in" in [str(option.prompt) for option in listed.options])


async def test_an_answer_to_an_earlier_question_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    answers: dict[str, asyncio.Future[SearchAnswer]] = {}

    async def answer(self: EngineClient, task: Any, request: SearchRequest, *rest: Any) -> SearchAnswer:
        asked.append(request.query)
        answers[request.query] = asyncio.get_running_loop().create_future()
        return await answers[request.query]

    monkeypatch.setattr(EngineClient, "run", answer)
    async with dialog(offline=False) as (_, pilot, shown):
        field, listed = shown.query_one("#name", Input), shown.query_one("#candidates", OptionList)
        for query in ("fir", "first"):  # without a pause between them: only the second is asked
            field.value = query
        await until(pilot, lambda: asked == ["first"])
        field.value = "second"
        await until(pilot, lambda: asked == ["first", "second"])
        answers["second"].set_result(SearchAnswer([Found("of/second")]))
        assert answers["first"].cancelled() or not answers["first"].set_result(SearchAnswer([Found("of/first")]))
        await until(pilot, lambda: "of/second   Hub" in [str(option.prompt) for option in listed.options])
        assert "of/first" not in screen(pilot)
        field.value = "third"
        await until(pilot, lambda: "of/second" not in [str(option.prompt).split()[0] for option in listed.options])


async def test_a_search_that_cannot_be_done_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_search, "PATIENCE", 0.1)

    async def never(*_: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(EngineClient, "run", never)
    async with dialog() as (_, pilot, shown):
        shown.query_one("#name", Input).value = "some name"
        await until(pilot, lambda: hint(shown).endswith("offline: --offline forbids searching the Hub"))
    async with dialog(offline=False) as (app, pilot, shown):
        shown.query_one("#name", Input).value = "some name"
        await until(pilot, lambda: hint(shown).endswith("the engine is busy, or the Hub is silent"))
        app.session.is_measuring = True
        shown.query_one("#name", Input).value = "another"
        await until(pilot, lambda: hint(shown).endswith("not searched during a measurement"))


async def test_directories_that_look_like_models_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model_directory(tmp_path / "here" / "my-minilm" / "model")
    model_directory(tmp_path / "here" / "minilm-two")
    (tmp_path / "here" / "minilm-is-no-model").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    async with dialog() as (_, pilot, shown):
        field, listed = shown.query_one("#name", Input), shown.query_one("#candidates", OptionList)
        found = {
            "minilm": ["./minilm-two   directory", "./my-minilm/model   directory"],
            f"{tmp_path}/here/my": [f"{tmp_path}/here/my-minilm/model   directory"],
        }
        for typed, rows in found.items():
            field.value = typed
            await until(pilot, lambda rows=rows: listed.option_count == len(rows))
            if not typed.startswith("/"):  # a long path is cut in its middle
                assert [str(option.prompt) for option in listed.options] == rows


async def test_a_model_without_a_tokenizer_is_added_for_its_parameters(tmp_path: Path) -> None:
    directory = model_directory(tmp_path / "bare")
    for file in directory.iterdir():
        if file.name != "config.json":
            file.unlink()
    async with dialog() as (app, pilot, shown):
        await choose(pilot, shown, str(directory))
        await until(pilot, lambda: len(app.session.slots) == 3)
        assert app.session.slots[2].state == "failed"
        assert "no tokenizer" in app.session.slots[2].message
