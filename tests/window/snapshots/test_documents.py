"""What the Documents pane looks like, compared to the byte with pictures that were looked at."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from tests.support.in_process import tasks_in_process
from tests.support.still import still
from tests.window.documents.test_pane import pane_of, settled

__all__ = ["tasks_in_process"]

pytestmark = pytest.mark.usefixtures("tasks_in_process", "no_engine", "home")


def window() -> EncoderApp:
    return EncoderApp(Settings(model=("builtin:bert", "builtin:modernbert"), docs="builtin", pane="documents"))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_the_cut_in_the_text(snap_compare: object, size: tuple[int, int]) -> None:
    async def go_to_the_cut(pilot: Pilot[int]) -> None:
        await settled(pilot)
        await pilot.press("c")
        await still(pilot)

    assert snap_compare(window(), terminal_size=size, run_before=go_to_the_cut)  # type: ignore[operator]


@pytest.mark.parametrize("view", ["windows", "collection"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_other_views(snap_compare: object, size: tuple[int, int], view: str) -> None:
    async def open_view(pilot: Pilot[int]) -> None:
        await settled(pilot)
        await pilot.press(*("v" if view == "windows" else "vv"))
        await still(pilot)
        assert pane_of(pilot).counting is not None

    assert snap_compare(window(), terminal_size=size, run_before=open_view)  # type: ignore[operator]
