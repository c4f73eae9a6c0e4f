"""Every key of every pane, pressed when there is nothing yet for it to act on."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import pytest
from textual.binding import Binding
from textual.events import Key
from textual.widget import Widget
from textual.widgets import Input, TextArea

from encoder_tui.client.client import EngineClient, EngineError
from encoder_tui.core.parameters.description import Description, Parameter
from encoder_tui.core.settings import Settings
from encoder_tui.protocol.operations import DESCRIBE
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.outputs import OutputsPane
from encoder_tui.window.panes.parameters import ParametersPane
from encoder_tui.window.panes.parameters.trees_view import TreesView
from encoder_tui.window.panes.registry import PANES
from encoder_tui.window.panes.tokens.ribbon import Ribbon
from encoder_tui.window.widgets.choice import Choice
from tests.support.still import still, until


async def silent(*_: object, **__: object) -> NoReturn:
    """An engine that never answers."""
    await asyncio.Event().wait()
    raise AssertionError


async def dead(*_: object, **__: object) -> NoReturn:
    """An engine that is given up."""
    raise EngineError("the engine was killed")


def actions_of(widgets: list[Widget]) -> list[tuple[Widget, str]]:
    """What the keys of these widgets do; moving in a text field is Textual's own affair."""
    return [
        (widget, binding.action)
        for widget in widgets
        if not isinstance(widget, TextArea | Input)
        for binding in type(widget).BINDINGS
        if isinstance(binding, Binding)
    ]


@pytest.mark.parametrize(
    ("models", "engine"),
    [(("builtin:bert", "builtin:modernbert"), silent), (("/no/such/model",), dead)],
    ids=["a silent engine", "no model and a dead engine"],
)
@pytest.mark.parametrize("name", list(PANES))
async def test_no_key_of_a_pane_ends_the_window(
    monkeypatch: pytest.MonkeyPatch, name: str, models: tuple[str, ...], engine: Callable[..., Awaitable[Any]]
) -> None:
    monkeypatch.setattr(EngineClient, "run", engine)
    app = EncoderApp(Settings(model=models, pane=name, text="A lighthouse."))
    async with app.run_test(size=(120, 40)) as pilot:
        pane = app.query_one(f"#{name}")
        # Before anything was asked for, and once the answers have failed to come; then in every view.
        for _ in range(2):
            actions = actions_of([pane, *pane.query("*")])
            assert len(actions) > 10
            for widget, action in actions:
                await app.run_action(action, widget)
                if app.screen.id != "_default":
                    app.pop_screen()
            await pilot.pause()
        assert app._exception is None
        assert app.is_running


async def test_a_role_is_looked_for_in_the_other_model_before_any_model_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(EngineClient, "run", silent)
    app = EncoderApp(Settings(model=("builtin:bert",), pane="parameters"))
    async with app.run_test():
        trees = app.query_one(TreesView)
        trees.entries = []
        assert trees.jump() == "there is nothing to jump from yet"


async def test_nothing_that_was_taken_off_the_screen_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of the footer, which come and go with the focus, and dialogs."""
    monkeypatch.setattr(EngineClient, "run", silent)
    app = EncoderApp(Settings(model=("builtin:bert",)))
    async with app.run_test(size=(120, 40)) as pilot:

        async def rounds(number: int) -> int:
            for _ in range(number):
                for name in ("parameters", "tokens"):
                    await app.action_pane(name)
                    await pilot.pause()
                app.action_models()
                await pilot.pause()
                app.pop_screen()
                await pilot.pause()
            gc.collect()
            return sum(isinstance(one, Widget) and not one.is_attached for one in gc.get_objects())

        few = await rounds(2)
        assert await rounds(6) < few + 40


async def test_the_cursor_moves_up_and_down_though_the_text_became_shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EngineClient, "run", silent)
    app = EncoderApp(Settings(model=("builtin:bert",), text="A lighthouse."))
    async with app.run_test() as pilot:
        ribbon = app.query_one(Ribbon)
        while ribbon.layout_ is None:
            await pilot.pause(0.02)
        ribbon.set_reactive(Ribbon.cursor, 100)
        ribbon.action_lane(0)
        assert ribbon.cursor < 10


@pytest.mark.parametrize("first", [["f4"], ["f3", "f4", "f7"], ["f7", "f4", "f6", "f5", "f2"]], ids=" ".join)
async def test_panes_opened_in_quick_succession_end_in_the_last_and_the_next_key_is_for_it(
    monkeypatch: pytest.MonkeyPatch, first: list[str]
) -> None:
    monkeypatch.setattr(EngineClient, "run", silent)
    app = EncoderApp(Settings(model=("builtin:bert",), text="lens"))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.session.slots[0].state == "exact")
        # All at once, as they come while a pane is being made or over a slow line.
        for key in (*first, "f5"):
            app.post_message(Key(key, None))
        app.post_message(Key("r", "r"))
        await until(pilot, lambda: bool(app.query(OutputsPane)) and app.query_one(OutputsPane).runs.is_running)
        await still(pilot)
        assert app.pane_in_front == "outputs"
        assert app.query_one("#pane-choice", Choice).chosen == "Outputs"
        assert app.focused is not None
        assert app.query_one(OutputsPane) in app.focused.ancestors


@pytest.mark.parametrize("opened", ["at once", "by f3"])
async def test_escape_stops_the_building_of_trees_before_the_first_is_there(
    monkeypatch: pytest.MonkeyPatch, opened: str
) -> None:
    monkeypatch.setattr(EngineClient, "run", silent)
    pane_first = "parameters" if opened == "at once" else "timing"
    app = EncoderApp(Settings(model=("builtin:bert", "builtin:modernbert"), pane=pane_first))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f3")
        pane = app.query_one(ParametersPane)
        await until(pilot, lambda: pane.descriptions.is_reading)
        # Textual takes the focus away from what is hidden a moment later.
        await still(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: not pane.descriptions.is_reading, 5)
        assert {entry.message for entry in pane.descriptions.entries} == {"stopped; press r to read it again"}
        await pilot.press("r")
        await until(pilot, lambda: pane.descriptions.is_reading, 5)
        await pilot.press("v")
        await until(pilot, lambda: pane.view_name == "trees", 5)


async def test_the_first_tree_has_the_focus_whichever_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    parameter = Parameter("weight", (1,), "float32", 1, "other")
    described = Description(class_name="BertModel", kind="bert", source="architecture", parameters=[parameter])
    slow = asyncio.Event()

    async def answer(_: object, task: Any, request: Any, *__: object) -> Any:
        if task is not DESCRIBE:
            await silent()
        if request.name == "builtin:bert":
            await slow.wait()
        return described

    monkeypatch.setattr(EngineClient, "run", answer)
    app = EncoderApp(Settings(model=("builtin:bert", "builtin:modernbert"), pane="parameters"))
    async with app.run_test(size=(120, 40)) as pilot:
        await app.query_one(ParametersPane).open_view("trees")
        trees = app.query_one(TreesView)
        await until(pilot, lambda: trees.tree_of(1).description is not None)
        assert app.focused is app.query_one("#parameters-view")
        slow.set()
        await until(pilot, lambda: app.focused is trees.tree_of(0))


@pytest.mark.usefixtures("no_engine")
async def test_what_a_second_press_takes_back_before_it_began_leaves_nothing_behind() -> None:
    """Python warns of a coroutine that nobody awaits, in the middle of the screen."""
    app = EncoderApp(Settings(model=("builtin:bert",), pane="outputs"))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: bool(app.query(OutputsPane)))
            for _ in range(2):
                app.query_one(OutputsPane).action_unload()
            for _ in range(2):
                app.action_restart_engine()
            await still(pilot)
        gc.collect()
    assert not [str(one.message) for one in told if "never awaited" in str(one.message)]


@pytest.mark.usefixtures("no_engine")
async def test_a_window_too_small_for_anything_keeps_the_focus_and_what_is_typed() -> None:
    app = EncoderApp(Settings(model=("builtin:bert",), text="A", docs="builtin"))
    async with app.run_test(size=(120, 40)) as pilot:
        for keys in (["end"], ["escape"], ["f3"], ["f4"], ["f5"], ["f6"], ["f7"], ["shift+tab"]):
            await pilot.press(*keys)
            await still(pilot)
            before = app.focused
            assert before is not None
            for size in ((1, 1), (59, 40), (120, 15)):
                await pilot.resize_terminal(*size)
                await until(pilot, lambda: app.query_one("#too-small").is_on_screen)
                await pilot.press("tab")
                await pilot.click(offset=(0, 0))
                if keys == ["end"]:
                    await pilot.press("end", "b")
                await pilot.resize_terminal(120, 40)
                await until(pilot, lambda: not app.query_one("#too-small").is_on_screen)
                assert app.focused is before
        assert app.session.text == "Abbb"


@pytest.mark.usefixtures("no_engine")
async def test_a_pane_opened_while_the_window_is_too_small_has_the_focus_afterwards() -> None:
    app = EncoderApp(Settings(model=("builtin:bert",), text="A", docs="builtin"))
    async with app.run_test(size=(120, 40)) as pilot:
        for keys in (["f4"], ["f2", "escape"], ["f4"]):
            await pilot.resize_terminal(20, 5)
            await pilot.press(*keys)
            await pilot.resize_terminal(120, 40)
            await still(pilot)
            assert app.focused is not None
            assert app.query_one(f"#{app.pane_in_front}") in app.focused.ancestors


@pytest.mark.usefixtures("no_engine")
async def test_the_row_of_panes_keeps_the_arrows_and_gives_every_other_key_to_the_pane() -> None:
    app = EncoderApp(Settings(model=("builtin:bert",), text="lens", docs="builtin"))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.session.slots[0].state == "exact")
        row = app.query_one("#pane-choice", Choice)
        app.screen.set_focus(row)
        walked = []
        for _ in range(6):
            await pilot.press("right")
            await still(pilot)
            walked.append(app.pane_in_front)
            assert app.focused is row
        assert walked == ["parameters", "documents", "outputs", "tasks", "timing", "tokens"]

        def pane_has_keys(name: str) -> bool:
            return app.focused is not None and app.query_one(f"#{name}") in app.focused.ancestors

        # A key names a pane: it has the next key, also where it was in front already.
        for key, name in (("f4", "documents"), ("3", "documents"), ("f2", "tokens"), ("5", "tasks"), ("6", "timing")):
            app.screen.set_focus(row)
            await pilot.press(key)
            assert (app.pane_in_front, pane_has_keys(name)) == (name, True), key
        # So does a press on its name, wherever the keys were.
        for name, column, has_keys in (
            ("parameters", 14, 0),
            ("parameters", 16, 1),
            ("documents", 28, 0),
            ("tokens", 3, 1),
        ):
            if has_keys:
                app.screen.set_focus(row)
            await pilot.click(row, offset=(column, 0))
            await still(pilot)
            assert (app.pane_in_front, pane_has_keys(name)) == (name, True), column
