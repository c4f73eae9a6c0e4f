"""What the Outputs pane looks like, compared to the byte with pictures that were looked at."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.outputs import OutputsPane
from encoder_tui.window.widgets.choice import Choice
from tests.support.canned_outputs import canned
from tests.support.still import still, until

__all__ = ["canned"]

pytestmark = pytest.mark.usefixtures("canned", "no_engine", "home")

TEXT = "The keeper lit the lamp of the lighthouse. "
SIZES = [(80, 24), (120, 40)]


def window(text: str = TEXT) -> EncoderApp:
    return EncoderApp(Settings(model=("builtin:bert", "builtin:modernbert"), text=text, pane="outputs"))


async def loaded(pilot: Pilot[int]) -> OutputsPane:
    """The pane once the tokenizers are there."""
    app = pilot.app
    assert isinstance(app, EncoderApp)
    await until(pilot, lambda: all(slot.state == "exact" for slot in app.session.slots))
    return app.query_one(OutputsPane)


async def run_and_open(pilot: Pilot[int], view: str, key: str = "r") -> OutputsPane:
    """Run the models, and open a view."""
    pane = await loaded(pilot)
    memory = pane.session.engine_memory
    await pilot.press(key)
    await until(
        pilot,
        lambda: bool(pane.runs.runs) and not pane.runs.is_running and memory.answer is not None,
    )
    pane.query_one("#outputs-view", Choice).chosen = view
    await until(pilot, lambda: pane.view.id == view)
    return pane


@pytest.mark.parametrize("size", SIZES)
def test_before_anything_has_run(snap_compare: object, size: tuple[int, int]) -> None:
    async def wait(pilot: Pilot[int]) -> None:
        await loaded(pilot)
        await still(pilot)

    assert snap_compare(window(), terminal_size=size, run_before=wait)  # type: ignore[operator]


@pytest.mark.parametrize("view", ["list", "map", "numbers", "norms"])
@pytest.mark.parametrize("size", SIZES)
def test_what_came_out(snap_compare: object, size: tuple[int, int], view: str) -> None:
    async def look(pilot: Pilot[int]) -> None:
        await run_and_open(pilot, view, "s" if view == "list" else "r")
        await still(pilot)

    assert snap_compare(window(), terminal_size=size, run_before=look)  # type: ignore[operator]


def test_a_heatmap_and_its_digits_in_a_large_window(snap_compare: object) -> None:
    async def look(pilot: Pilot[int]) -> None:
        await run_and_open(pilot, "map")
        await pilot.press("down", "right", "right")
        await still(pilot)

    assert snap_compare(window(TEXT * 5), terminal_size=(200, 60), run_before=look)  # type: ignore[operator]


@pytest.mark.parametrize("size", SIZES)
def test_the_attention_of_a_local_layer(snap_compare: object, size: tuple[int, int]) -> None:
    async def look(pilot: Pilot[int]) -> None:
        await run_and_open(pilot, "attention", "a")
        # Past the layers of A, whose layers see everything, and past B's first.
        await pilot.press(*["right_square_bracket"] * 4)
        await still(pilot)

    assert snap_compare(window(TEXT * 12), terminal_size=size, run_before=look)  # type: ignore[operator]
