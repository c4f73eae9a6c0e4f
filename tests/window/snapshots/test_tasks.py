"""What the Tasks pane looks like, compared to the byte with pictures that were looked at."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.tasks import TasksPane
from encoder_tui.window.panes.tasks.pairs import PairsView
from encoder_tui.window.panes.tasks.terms import TermsView
from encoder_tui.window.widgets.shaded_grid import ShadedGrid
from tests.support.canned_outputs import canned
from tests.support.still import still, until

__all__ = ["canned"]

pytestmark = pytest.mark.usefixtures("canned", "no_engine", "home")

TEXT = "The keeper lit the lamp of the lighthouse. "
SIZES = [(80, 24), (120, 40)]


def window(text: str = TEXT) -> EncoderApp:
    return EncoderApp(Settings(model=("builtin:bert", "builtin:modernbert"), text=text, pane="tasks"))


async def loaded(pilot: Pilot[int]) -> TasksPane:
    """The pane once the tokenizers are there."""
    app = pilot.app
    assert isinstance(app, EncoderApp)
    await until(pilot, lambda: all(slot.state == "exact" for slot in app.session.slots))
    return app.query_one(TasksPane)


@pytest.mark.parametrize("size", SIZES)
def test_before_anything_is_asked(snap_compare: object, size: tuple[int, int]) -> None:
    async def wait(pilot: Pilot[int]) -> None:
        await loaded(pilot)
        await still(pilot)

    assert snap_compare(window(), terminal_size=size, run_before=wait)  # type: ignore[operator]


@pytest.mark.parametrize(
    "view", ["similarity", "vectors", "dimensions", "tokens", "terms", "pairs", "masked", "triplets"]
)
@pytest.mark.parametrize("size", SIZES)
def test_answers(snap_compare: object, size: tuple[int, int], view: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # As if the weights of A were those of a checkpoint with a head, B a sparse encoder, and A a cross-encoder.
    why = "its weights are random, so its predictions would be random too"
    name = "encoder_tui.window.panes.tasks.masked.why_no_predictions"
    monkeypatch.setattr(name, lambda files, tokenizer: "" if files.name == "builtin:bert" else why)
    monkeypatch.setattr(PairsView, "unfit", lambda self, card: "")
    monkeypatch.setattr(TermsView, "unfit", lambda self, card: "")

    async def ask(pilot: Pilot[int]) -> None:
        pane = await loaded(pilot)
        await pane.open_view(view)
        await pilot.press("r")
        asking = pane.view.asker
        await until(pilot, lambda: asking.asked is not None and not asking.is_asking and not asking.status)
        if view in {"similarity", "tokens"}:
            pane.view.query_one(ShadedGrid).focus()
            await pilot.press("down", "right", *(["s"] if view == "similarity" else []))
        await still(pilot)

    assert snap_compare(window(), terminal_size=size, run_before=ask)  # type: ignore[operator]
