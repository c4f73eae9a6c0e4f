"""What the Timing pane offers, refuses and says, on runs whose seconds are made up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from encoder_tui.core.models.placement import ModelSource
from encoder_tui.core.settings import Settings, data_path
from encoder_tui.core.timing.files import save
from encoder_tui.core.timing.plan import Plan, PlanError, TimedModel
from encoder_tui.core.timing.run import Run
from encoder_tui.core.timing.samples import Mode
from encoder_tui.core.timing.words import point_details, run_settings
from encoder_tui.protocol.models import Device, Hello
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.timing import TimingPane, measurable, results
from encoder_tui.window.panes.timing.cost_table import UNKNOWN, CostTable
from encoder_tui.window.panes.timing.plan_line import PlanLine
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.cycle import Cycle
from tests.support import made_up_runs
from tests.support.still import still, until
from tests.window.tokens.test_pane import lines

A = TimedModel(0, "bert", ModelSource("bert", "/bert"), 512)
B = TimedModel(1, "modern", ModelSource("modern", "/modern"), 8192)
GPU = Device("cuda:0", "Made-up", offers=["tf32", "flash_attention_2"])


def replaced(run: Run, **changes: Any) -> Run:
    """The run with every measured point changed."""
    for place, samples in run.samples.items():
        if samples.samples_s:
            run.samples[place] = msgspec.structs.replace(samples, **changes)
    return run


def test_what_was_asked_for_stands_beside_what_was_obtained() -> None:
    run = made_up_runs.whole([A, B], Plan([16, 64], attentions=["flash_attention_2"], compiled=[True]))
    settings = run_settings(run)
    assert "sdpa (requested: flash_attention_2)" in settings
    assert "not compiled, though requested" in settings
    obtained = replaced(run, mode=Mode(compiled=True))
    assert " · compiled · " in run_settings(obtained)
    both = made_up_runs.whole([A], Plan([16], compiled=[False, True]))
    first, second = both.samples[0, 0], both.samples[0, 1]
    assert not first.mode.compiled
    both.samples[0, 1] = msgspec.structs.replace(second, mode=Mode(compiled=True))
    assert " · compiled or not · " in run_settings(both)


def test_the_reason_of_a_point_that_was_skipped_stands_in_its_row() -> None:
    run = made_up_runs.whole([A, B])
    row = run.rows.index(next(row for row in run.rows if row.length == 1024))
    assert results.table_row(run, row)[:3] == ["1,024", "limit 512", ""]
    wide = max(len(results.table_row(run, row)[1]) for row in range(len(run.rows)))
    assert results.columns(run)[1].width >= wide
    ended = msgspec.structs.replace(run.samples[row, 1], samples_s=[], ended="out of memory", short="no memory")
    run.samples[row, 1] = ended
    assert results.table_row(run, row)[3] == "no memory"


def test_padded_tokens_stand_beside_real_ones() -> None:
    run = made_up_runs.whole([A], Plan([64], [4], rows="varied"))
    seconds = run.statistics(0, 0).median  # type: ignore[union-attr]
    ((_, told),) = point_details(run, 0)
    real = run.groups[0][0].real_tokens
    assert real < 4 * 64
    assert f"{real / seconds:,.0f} tokens/s · {4 * 64 / seconds:,.0f} with padding" in told


def test_what_no_device_offers_is_refused_in_a_sentence() -> None:
    session: Any = SimpleNamespace(hello=Hello({}, "", "", 2, None, [Device("cpu", "Made-up")]))
    for plan, why in (
        (Plan(unpadded=[False, True]), "unpadded rows need flash attention on an accelerator"),
        (Plan(tf32=[True]), "TF32 needs an NVIDIA GPU"),
    ):
        with pytest.raises(PlanError, match=why):
            measurable.refuse_what_is_not_offered(session, plan)
    session.hello.devices.append(GPU)
    measurable.refuse_what_is_not_offered(session, Plan(unpadded=[True], tf32=[True]))


def pane_of(pilot: Pilot[int]) -> TimingPane:
    return pilot.app.query_one(TimingPane)


@pytest.mark.usefixtures("no_engine")
async def test_the_plan_offers_what_a_device_has_and_takes_the_plan_of_a_kept_run() -> None:
    app = EncoderApp(Settings(model=("builtin:bert",), pane="timing", offline=True))
    async with app.run_test(size=(80, 24)) as pilot:
        line = pane_of(pilot).query_one(PlanLine)
        assert not line.query_one("#tf32").display
        line.offer_devices([GPU, Device("cpu", "Made-up")])
        assert line.query_one("#tf32").display
        assert "flash_attention_2" in [words for words, _ in line.query_one("#attention", Cycle).choices]
        assert ("cuda:0 + cpu", ["cuda:0", "cpu"]) in line.query_one("#device", Cycle).choices
        plan = Plan(
            [8, 16],
            [2, 4],
            0.5,
            ["cuda:0"],
            ["float32", "bfloat16"],
            ["flash_attention_2"],
            [3, 4],
            "varied",
            compiled=[False, True],
            tf32=[True],
            unpadded=[False, True],
        )
        line.take(plan)
        assert line.plan() == plan
        # What has no room comes into sight as it gets the focus, and stays there as it grows.
        await still(pilot)
        line.query_one("#tf32").focus()
        await until(pilot, lambda: line.query_one("#tf32").region.right <= 80)
        line.query_one("#tf32", Cycle).value = [False, True]
        await still(pilot)
        assert 0 <= line.query_one("#tf32").region.x < line.query_one("#tf32").region.right <= 80


@pytest.mark.usefixtures("no_engine")
async def test_costs_are_of_the_document_at_hand_and_of_the_counted_collection() -> None:
    pair = ("builtin:bert", "builtin:modernbert")
    app = EncoderApp(Settings(model=pair, pane="timing", text="A lens. " * 300, offline=True))
    async with app.run_test(size=(120, 40)) as pilot:
        pane = pane_of(pilot)
        await until(pilot, lambda: all(slot.tokenizer is not None for slot in app.session.slots))
        pane.query_one("#timing-view", Choice).chosen = "cost"
        table = pane.query_one(CostTable)
        await until(pilot, lambda: table.display and "appear here after a sweep" in "\n".join(lines(table)))
        pane.measurer.run = made_up_runs.whole(measurable.timed_models(pane.session))
        pane.redraw()
        await until(pilot, lambda: "Documents (F4) counts its lengths" in "\n".join(lines(table)))
        told = "\n".join(lines(table))
        assert "cut to 512 of " in told
        assert " windows" in told
        pane.session.counts = made_up_runs.counts(pair)
        pane.redraw()
        await until(pilot, lambda: "the mean of 30 documents" in "\n".join(lines(table)))
        assert not pane.query_one("#timing-detail", Static).display
        # What lies far beyond the longest length that was measured has no figure, and a guess has two digits.
        assert UNKNOWN not in "\n".join(lines(table))
        pane.measurer.run = made_up_runs.whole(measurable.timed_models(pane.session), Plan([64, 128]))
        pane.redraw()
        await until(pilot, lambda: f"{UNKNOWN} more than 4 × the longest measured" in "\n".join(lines(table)))
        told = "\n".join(lines(table))
        assert all(piece in told for piece in ("≈ 580 ms", "≈ 6,200", "B   whole (903 tokens) "))
        assert all(line.split()[-3:] == ["1", "–", "–"] for line in lines(table) if "B   whole" in line)


@pytest.mark.usefixtures("no_engine", "home")
async def test_the_table_that_is_copied_is_that_of_the_view_in_front() -> None:
    app = EncoderApp(Settings(model=("builtin:bert",), pane="timing", text="A lens.", offline=True))
    async with app.run_test(size=(120, 40)) as pilot:
        pane = pane_of(pilot)
        await until(pilot, lambda: all(slot.tokenizer is not None for slot in app.session.slots))

        async def copied(view: str) -> list[list[str]]:
            pane.query_one("#timing-view", Choice).chosen = view
            pane.redraw()
            await still(pilot)
            app.copy_to_clipboard("")
            await pilot.press("y")
            return [line.split("\t") for line in app.clipboard.splitlines()]

        for view in ("latency", "best", "cost", "saved"):
            assert await copied(view) == []
        pane.measurer.run = made_up_runs.whole(measurable.timed_models(pane.session))
        save(pane.measurer.run, data_path() / "timing")
        assert (await copied("latency"))[0][0] == "tokens"
        labels, *rows = await copied("cost")
        assert labels == ["", "how", "passes", "a document", "an hour"]
        assert rows[1][:3] == [" A", "whole (5 tokens)", "1"]
        labels, *rows = await copied("saved")
        assert labels == ["when", "models", "run", "device", "dtype"]
        assert [row[1] for row in rows] == ["builtin:bert"]
        assert await copied("best") == []
