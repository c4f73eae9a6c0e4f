"""Models that failed in a run: told in the Timing pane before anything else, in a row of the table of settings too."""

from __future__ import annotations

import msgspec
import pytest
from textual.widgets import Static

from encoder_tui.core.models.placement import InForce, Offers, Placement
from encoder_tui.core.settings import Settings
from encoder_tui.core.timing.best import best_run
from encoder_tui.core.timing.run import Run
from encoder_tui.core.timing.samples import Measurement
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.timing import TimingPane, words
from encoder_tui.window.panes.timing.best_table import BestTable
from encoder_tui.window.widgets.choice import Choice
from tests.support import made_up_runs
from tests.support.still import screen, still
from tests.window.timing.test_words import A, B
from tests.window.tokens.test_pane import lines

REASON = "the engine was killed (SIGKILL; perhaps the machine ran out of memory)"


def without_a() -> Run:
    """A search in which A could not be asked, and of B's settings two failed for one reason."""
    offers = Offers(InForce("cpu", "float32", "sdpa", "random", 1), ["eager", "sdpa"], 2, 2)
    run = best_run([A, B], {0: REASON, 1: offers}, Placement(), {0: 8, 1: 8})
    run.hear(Measurement(made_up_runs.environment(run.plan, 1)))
    failed = [point.variant for point in run.groups[0][1:3]]
    for point in run.groups[0]:
        if point.variant not in failed:
            run.hear(Measurement(samples=[made_up_runs.samples(run, 0, point.variant, 1 / point.variant, wide=True)]))
    run.hear(Measurement(failures=dict.fromkeys(failed, "out of \x1b memory")))
    return run


@pytest.mark.usefixtures("no_engine")
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_what_failed_has_a_row_with_its_reason_and_stands_before_other_remarks(size: tuple[int, int]) -> None:
    app = EncoderApp(Settings(model=("builtin:bert", "builtin:modernbert"), pane="timing", offline=True))
    async with app.run_test(size=size) as pilot:
        pane = app.query_one(TimingPane)
        pane.measurer.run = run = without_a()
        pane.query_one("#timing-view", Choice).chosen = "best"
        await still(pilot)
        table = pane.query_one(BestTable)
        _, first, second, third, *_ = lines(table)
        assert first.strip() == f"A   {REASON}"
        assert second.strip() == f"B   {run.columns[2].apart} and 1 more: out of ␛ memory"
        assert third.startswith(" B   ")
        # Each of the others has a line, and the cursor stands on the fastest.
        assert table.row_count == 2 + len(run.groups[0]) - 2
        assert table.cursor == 2
        told = str(pane.query_one("#timing-words", Static).content).splitlines()
        assert told[0] == f" A  {REASON}"
        assert told[1] == " B  out of ␛ memory"
        assert any("spread by more than 10 %" in line for line in told)
        assert all(line.rstrip() in screen(pilot) for line in told)
        table.cursor = 0
        await pilot.press("enter")
        await pilot.pause()
        assert app.session.settings.origin("dtype") == Settings().origin("dtype")


def test_remarks_that_have_no_room_are_counted() -> None:
    run = made_up_runs.whole([A, B])
    of_a = {place: samples for place, samples in run.samples.items() if place[1] == 0 and samples.in_force}
    for number, (place, samples) in enumerate(of_a.items()):
        assert samples.in_force is not None
        said = msgspec.structs.replace(samples.in_force, remarks=[f"remark {number} {other}" for other in "abc"])
        run.samples[place] = msgspec.structs.replace(samples, in_force=said)
    told = words.remarks(run, 80, is_low=False).plain.splitlines()
    assert len(told) == words.room_for_remarks(run, is_low=False) == words.HIGH
    assert told[0] == " remark 0 a"
    assert told[-1].startswith(" … ")
    assert told[-1].endswith(" more lines")
    run.failures[1] = "it is gone"
    assert words.remarks(run, 80, is_low=True).plain.splitlines()[0] == " B  it is gone"
    assert words.remarks(run, 80, is_low=True).plain.count("\n") + 1 == words.room_for_remarks(run, is_low=True) == 2
