"""What the Parameters pane looks like, compared to the byte with pictures that were looked at."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from tests.support.in_process import tasks_in_process
from tests.support.still import still, until
from tests.window.parameters.test_pane import pane, tree

__all__ = ["tasks_in_process"]

pytestmark = pytest.mark.usefixtures("tasks_in_process", "no_engine", "home")


def window() -> EncoderApp:
    return EncoderApp(Settings(model=("builtin:bert", "builtin:modernbert"), pane="parameters"))


async def described(pilot: Pilot[int]) -> None:
    """Wait until both models are there."""
    await until(pilot, lambda: all(pane(pilot).descriptions.known))
    await still(pilot)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_trees(snap_compare: object, size: tuple[int, int]) -> None:
    async def open_a_layer(pilot: Pilot[int]) -> None:
        await described(pilot)
        await pane(pilot).open_view("trees")
        tree(pilot).reveal("encoder.layer.4.attention.self.key.weight")
        tree(pilot, 1).reveal("layers.7.mlp.Wi.weight")
        await still(pilot)

    assert snap_compare(window(), terminal_size=size, run_before=open_a_layer)  # type: ignore[operator]


@pytest.mark.parametrize("view", ["card", "roles", "config", "difference"])
def test_other_views(snap_compare: object, view: str) -> None:
    async def open_view(pilot: Pilot[int]) -> None:
        await described(pilot)
        while pane(pilot).view_name != view:
            await pilot.press("v")
            await still(pilot)
        await still(pilot)

    assert snap_compare(window(), terminal_size=(110, 32), run_before=open_view)  # type: ignore[operator]
