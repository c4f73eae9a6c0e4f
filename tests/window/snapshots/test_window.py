"""What the window looks like, compared to the byte with pictures that were looked at."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from tests.support.still import still, until
from tests.window.tokens.test_pane import all_shown

pytestmark = pytest.mark.usefixtures("no_engine", "home")

TEXT = "The lamp of a lighthouse — 266 steps up — isn't new: naïve 😀 keepers lit it in 1823."
SIZES = [(80, 24), (120, 40), (200, 60)]


def window(text: str = TEXT) -> EncoderApp:
    return EncoderApp(Settings(model=("builtin:bert", "builtin:modernbert"), text=text))


async def shown(pilot: Pilot[int]) -> None:
    """Wait until both models are there."""
    app = pilot.app
    assert isinstance(app, EncoderApp)
    await until(pilot, lambda: all_shown(app))
    await still(pilot)


@pytest.mark.parametrize("size", SIZES)
def test_tokens_aligned(snap_compare: object, size: tuple[int, int]) -> None:
    assert snap_compare(window(), terminal_size=size, run_before=shown)  # type: ignore[operator]


@pytest.mark.parametrize("view", ["table", "tensors", "batch", "special", "decode"])
def test_other_views(snap_compare: object, view: str) -> None:
    async def open_view(pilot: Pilot[int]) -> None:
        await shown(pilot)
        await pilot.press("escape")
        while pilot.app.query_one("#view").chosen != view:  # type: ignore[attr-defined]
            await pilot.press("v")
            await still(pilot)
        await still(pilot)

    assert snap_compare(window(), terminal_size=(100, 30), run_before=open_view)  # type: ignore[operator]
