"""Whose letters stand in the Timing pane, where a run's models are not those of the window."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from textual.widgets import Static

from encoder_tui.core.models.placement import ModelSource
from encoder_tui.core.settings import Settings, data_path
from encoder_tui.core.timing.files import save
from encoder_tui.core.timing.plan import TimedModel
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.timing import TimingPane, measurable, words
from encoder_tui.window.panes.timing.saved_runs import SavedRuns
from encoder_tui.window.widgets.choice import Choice
from tests.support import made_up_runs
from tests.support.still import still, until

PAIR = ("builtin:bert", "builtin:modernbert")


def session_of(*names: str) -> Any:
    """A session of models that are still on their way."""
    slots = [SimpleNamespace(number=number, name=name, files=None) for number, name in enumerate(names)]
    return SimpleNamespace(slots=slots, slot_of=dict(enumerate(slots)).get)


def models(*names: str) -> list[TimedModel]:
    return [TimedModel(slot, name, ModelSource(name, f"/{name}"), 512) for slot, name in enumerate(names)]


def test_foreign_letters_are_told_and_those_of_the_window_are_not() -> None:
    run = made_up_runs.whole(models("me/bert", "me/modern"))
    assert not words.foreign_letters(session_of("me/bert", "me/modern"), run, 80)
    assert not words.foreign_letters(session_of("me/bert", "me/modern", "more"), run, 80)
    assert not words.foreign_letters(session_of("me/bert"), None, 80)
    assert (
        words.foreign_letters(session_of("me/modern", "me/bert"), run, 80) == "A = bert, B = modern, not the window's"
    )
    assert words.foreign_letters(session_of("me/bert", "x"), run, 80) == "B = modern, not the window's"
    assert words.foreign_letters(session_of("me/bert"), run, 80, are_small=True) == "b = modern, not the window's"
    # The part of a name that sets it apart is there.
    assert words.foreign_letters(session_of("my/bert", "me/modern"), run, 80) == "A = me/bert, not the window's"


@pytest.mark.parametrize("width", [60, 80])
def test_letters_of_four_models_fit(width: int) -> None:
    names = [f"a-long-name-of-a-model-{number}\x1b" for number in range(4)]
    told = words.foreign_letters(session_of("one"), made_up_runs.whole(models(*names)), width)
    assert len(told) < width
    assert told.endswith(", not the window's")
    assert "\x1b" not in told
    assert all(f"{letter} = a-" in told for letter in "ABCD")


@pytest.mark.usefixtures("no_engine")
async def test_a_run_says_whose_its_letters_are_after_a_swap_and_when_it_is_reopened() -> None:
    app = EncoderApp(Settings(model=PAIR, pane="timing", offline=True))
    async with app.run_test(size=(80, 24)) as pilot:
        pane = app.query_one(TimingPane)
        await until(pilot, lambda: all(slot.tokenizer is not None for slot in app.session.slots))

        def said() -> list[str]:
            return str(pane.query_one("#timing-settings", Static).content).splitlines()

        pane.measurer.run = made_up_runs.whole(measurable.timed_models(pane.session))
        pane.redraw()
        await still(pilot)
        assert len(said()) == 1
        assert said()[0].startswith(" cpu ×4 · float32")
        app.session.swap(0, 1)
        await still(pilot)
        told, settings = said()
        assert told == " A = builtin:bert, B = builtin:modernbert, not the window's"
        assert settings.startswith(" cpu ×4 · float32")
        assert pane.query_one("#timing-settings").region.height == 2
        app.session.swap(0, 1)
        await still(pilot)
        assert len(said()) == 1

        # In the dialog, which nothing is drawn under.
        app.action_models()
        await still(pilot)
        app.session.swap(0, 1)
        await still(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: len(said()) == 2)
        app.session.swap(0, 1)
        await still(pilot)

        # A kept run of models that the window does not have, opened and laid under.
        other = made_up_runs.whole(models("other", "models"))
        save(other, data_path() / "timing")
        view = pane.query_one("#timing-view", Choice)
        view.chosen = "saved"
        await still(pilot)
        pane.query_one(SavedRuns).action_choose("open")
        await still(pilot)
        assert said()[0] == " A = other, B = models, not the window's"
        pane.measurer.run = made_up_runs.whole(measurable.timed_models(pane.session))
        view.chosen = "saved"
        await still(pilot)
        pane.query_one(SavedRuns).action_choose("under")
        await still(pilot)
        assert said()[0] == " a = other, b = models, not the window's"
        pane.action_clear_under()
        await still(pilot)
        assert len(said()) == 1
