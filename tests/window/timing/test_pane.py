"""The Timing pane through Textual's pilot, with the real engine on tiny models."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, Static

from encoder_tui.commands.measuring import Report
from encoder_tui.core.settings import CHOSEN, Settings, data_path
from encoder_tui.core.text.numbers import seconds
from encoder_tui.core.timing import run as timing_run
from encoder_tui.core.timing.best import verdicts
from encoder_tui.core.timing.files import load, saved
from encoder_tui.core.timing.words import verdict_sentences
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.dialogs.save import SaveDialog
from encoder_tui.window.panes.timing import TimingPane
from encoder_tui.window.panes.timing.best_table import BestTable
from encoder_tui.window.panes.timing.chart import Chart
from encoder_tui.window.panes.timing.plan_line import PlanLine
from encoder_tui.window.panes.timing.saved_runs import SavedRuns
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.table import Table
from tests.support import saved_models
from tests.support.still import until
from tests.window.tokens.test_pane import lines

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A tiny BERT and a tiny ModernBERT, which take 64 tokens."""
    folder = tmp_path_factory.mktemp("models")
    return str(saved_models.saved("bert-cased", folder)), str(saved_models.saved("modernbert", folder))


@asynccontextmanager
async def window(
    models: tuple[str, ...], lengths: str = "8, 16", min_time: str = "0.02", size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[EncoderApp, Pilot[int], TimingPane]]:
    """A window on the Timing pane, its models there and its plan short."""
    app = EncoderApp(Settings(model=models, pane="timing", text="A lens in a lighthouse.", offline=True))
    async with app.run_test(size=size) as pilot:
        pane = app.query_one(TimingPane)
        await until(pilot, lambda: all(slot.state in {"exact", "failed"} for slot in app.session.slots), 60)
        pane.query_one("#lengths", Input).value = lengths
        pane.query_one("#min-time", Input).value = min_time
        await pilot.pause()
        yield app, pilot, pane


async def ended(pilot: Pilot[int], pane: TimingPane) -> None:
    await until(pilot, lambda: pane.measurer.run is not None and not pane.measurer.is_measuring, 90)
    await pilot.pause(0.3)


def letters(pane: TimingPane) -> str:
    """What is drawn in the models' colours."""
    return "".join(piece for line in pane.query_one(Chart).lines for piece, colour in line if colour is not None)


def said(pane: TimingPane, name: str) -> str:
    return str(pane.query_one(f"#timing-{name}", Static).content)


async def test_a_sweep_from_the_plan_to_the_kept_file(pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    async with window(pair, "8, 16, 65") as (app, pilot, pane):
        assert "4 points for 2 models, 2 too long, about" in said(pane, "sentence")
        words = pane.query_one(Chart).words
        assert any(word.startswith("s  measures") for word in words)
        notes: list[tuple[str, int]] = []
        tell = app.session.engine.note
        monkeypatch.setattr(
            app.session.engine, "note", lambda word, number=0: (notes.append((word, number)), tell(word, number))
        )
        await pilot.press("s")
        assert app.session.is_measuring
        await until(pilot, lambda: pane.measurer.run is not None and pane.measurer.run.has_results, 90)
        await pilot.press("down")
        await ended(pilot, pane)
        assert not app.session.is_measuring

        # Each partial answer was acknowledged, in order, and the key was told of.
        drawn = [number for word, number in notes if word == "drawn"]
        assert drawn == list(range(1, len(drawn) + 1))
        assert len(drawn) > 2 * 4
        assert ("key", 0) in notes

        # What stands in the table is what `time --json` says of the same results.
        run = pane.measurer.run
        assert run is not None
        records = dict(run.records())
        shown = [line.split() for line in lines(pane.query_one("#timing-table", Table))]
        for row, length in enumerate(("8", "16")):
            values = shown[1 + row]
            assert values[0] == length
            for column in (0, 1):
                record = records[row, column]
                assert record.keys() == {*RESULT_KEYS}
                assert seconds(record["median_s"]) in " ".join(values)
        assert shown[3][:5] == ["65", "limit", "64", "limit", "64"]
        report = Report(run.plan)
        report.run = run
        assert report.records()["results"] == list(records.values())

        assert "times as long as A" in said(pane, "sentence")
        assert "float32 · sdpa · torch" in said(pane, "settings")
        assert "cold " in said(pane, "detail")
        assert pane.query_one(Chart).lines

        (path,) = saved(data_path() / "timing")
        assert [record for _, record in load(path).records()] == list(records.values())
        assert json.loads(path.read_text("ascii").splitlines()[1])["median_s"] == records[0, 0]["median_s"]


RESULT_KEYS = (
    *("model", "device", "dtype", "attention", "batch", "length", "weights", "cold_s", "samples_s"),
    *("median_s", "iqr_s", "tokens_per_s", "peak_memory_bytes", "cpu_s"),
)


async def test_a_run_that_is_stopped_keeps_what_was_measured_and_can_be_reopened_and_laid_under(
    pair: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with window(pair, "8, 16, 32, 64", "2") as (_, pilot, pane):
        await pilot.press("s")
        await until(pilot, lambda: pane.measurer.run is not None and pane.measurer.run.has_results, 90)
        await pilot.press("x")
        await ended(pilot, pane)
        assert "0 of 8 points whole, stopped" in said(pane, "sentence")
        assert pane.measurer.run is not None
        kept = list(pane.measurer.run.records())
        assert kept

        # The text at hand, as one key.
        pane.query_one("#min-time", Input).value = "0.02"
        await pilot.press("n")
        await ended(pilot, pane)
        assert said(pane, "sentence").startswith(" This text: B takes ")
        assert [samples.point.given is not None for samples in pane.measurer.run.samples.values()] == [True, True]

        # Reopened from its file, with the other run under it.
        pane.query_one("#timing-view", Choice).chosen = "saved"
        await until(pilot, lambda: pane.query_one(SavedRuns).row_count == 2)
        await pilot.press("o")
        await until(pilot, lambda: pane.under is not None)
        assert pane.under is not None
        assert pane.under.plan.text
        pane.query_one("#timing-view", Choice).chosen = "saved"
        await until(pilot, lambda: pane.query_one(SavedRuns).has_focus)
        await pilot.press("down", "enter")
        await until(pilot, lambda: "reopened" in pane.measurer.ending)
        assert list(pane.measurer.run.records()) == kept
        assert pane.query_one("#lengths", Input).value == "8, 16, 32, 64"
        # One letter of the run below may lie under one of the run above.
        await until(pilot, lambda: not {"a", "b"}.isdisjoint(letters(pane)))
        # Deleted by one key, and brought back by another.
        pane.query_one("#timing-view", Choice).chosen = "saved"
        kept_runs = pane.query_one(SavedRuns)
        await until(pilot, lambda: kept_runs.has_focus)
        files = saved(data_path() / "timing")
        await pilot.press("home", "d")
        assert saved(data_path() / "timing") == files[1:]
        assert kept_runs.row_count == 1
        await pilot.press("u")
        assert saved(data_path() / "timing") == files
        assert kept_runs.row_count == 2
        pane.query_one("#timing-view", Choice).chosen = "latency"

        await pilot.press("c")
        await until(pilot, lambda: isinstance(pilot.app.screen, SaveDialog))
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(pilot.app.screen, SaveDialog))
        (exported,) = tmp_path.glob("timing-*.csv")
        assert exported.read_text().count("\n") == 1 + len(kept)


async def test_every_view_and_scale_is_drawn_in_a_small_window_too(pair: tuple[str, str]) -> None:
    async with window(pair[:1], "8", "0", size=(80, 24)) as (_, pilot, pane):
        await pilot.press("s")
        await ended(pilot, pane)
        pictures = set()
        for _ in range(4):
            for _ in range(3):
                await pilot.press("a")
                await pilot.pause(0.1)
                chart = pane.query_one(Chart)
                assert len(chart.lines) in {0, chart.size.height}
                pictures.add(str(chart.lines))
            await pilot.press("v")
            await pilot.pause(0.1)
        assert len(pictures) >= 4


async def test_a_plan_that_cannot_be_followed_says_so_and_starts_nothing(no_engine: None) -> None:
    async with window(("builtin:bert",), "9000") as (app, pilot, pane):
        assert "lengths: from 1 to 8,192" in said(pane, "sentence")
        await pilot.press("s")
        assert pane.measurer.run is None
        pane.query_one("#lengths", Input).value = "600"
        await pilot.pause()
        assert "0 points" in said(pane, "sentence")
        await pilot.press("s")
        assert pane.measurer.run is None
        assert not app.session.is_measuring


@pytest.mark.parametrize("key", ["s", "b", "n"])
async def test_a_run_that_is_stopped_by_the_next_key_of_a_burst_leaves_nothing_waiting(
    no_engine: None, key: str
) -> None:
    async with window(("builtin:bert",)) as (app, pilot, pane):
        for one in (key, "x"):
            app.post_message(events.Key(one, one))
        await until(pilot, lambda: pane.measurer._working is not None and pane.measurer._working.done(), 10)
        assert not app.session.is_measuring
        # A search knows no settings yet, and leaves no run.
        assert (pane.measurer.run is None) == (key == "b")
        await until(pilot, lambda: ("stopped" in said(pane, "sentence")) == (key != "b"))
        await pilot.press("s")
        assert pane.measurer.is_measuring


async def test_the_fastest_settings_are_looked_for_said_and_taken_for_the_session(
    pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Compiling flex attention takes a minute on a busy machine.
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(timing_run, "CANDIDATE_EFFORT", (0.0, 3))
    async with window(pair[1:]) as (app, pilot, pane):
        await pilot.press("b")
        assert app.session.is_measuring
        assert pane.query_one("#timing-view", Choice).chosen == "best"
        await ended(pilot, pane)
        run = pane.measurer.run
        assert run is not None
        assert run.plan.best
        assert run.failures == {}
        table = pane.query_one(BestTable)
        assert table.has_focus
        # What the window says is what the command says of the same run.
        report = Report(run.plan)
        report.run = run
        assert len(verdict_sentences(run)) == 1
        assert [line for line in report.conclusions() if not line.startswith("   ")] == verdict_sentences(run)
        await until(pilot, lambda: all(f" {one}"[:60] in said(pane, "words") for one in verdict_sentences(run)))
        assert said(pane, "sentence").startswith(" Fastest here: A ")
        # Every setting that was tried has a line, with its seconds or the reason why it has none.
        told = [samples.ended or "" for samples in run.samples.values()]
        left = sum(one.startswith("not tried") for one in told)
        assert table.row_count == len(run.planned) - left + (left > 0)
        attentions = {run.columns[column].variant.placement.attention for _, column in run.planned}
        assert attentions == {None, "eager", "sdpa_local"}
        # The cursor stands on the fastest; what differs in attention alone was tried in any case, and is taken here.
        assert run.columns[verdicts(run)[0].column].apart in lines(table)[1]
        assert table.cursor == 0
        table.cursor = next(row for row, line in enumerate(lines(table)[1:]) if "×1 float32 eager" in line)
        await pilot.press("enter")
        await pilot.pause()
        settings = app.session.settings
        assert (settings.dtype, settings.attention, settings.threads) == ("float32", "eager", None)
        assert settings.origin("attention") == CHOSEN
        assert "float32 · eager" in str(app.query_one("#top", Static).content)
        assert pane.query_one(PlanLine).plan().attentions == ["eager"]
        # It was kept, is reopened as what it is, and what follows is measured with the settings taken.
        (path,) = saved(data_path() / "timing")
        assert verdict_sentences(load(path)) == verdict_sentences(run)
        await pilot.press("s")
        await ended(pilot, pane)
        assert pane.measurer.run is not None
        found = {
            samples.in_force.attention for samples in pane.measurer.run.samples.values() if samples.in_force is not None
        }
        assert found == {"eager"}
        assert pane.query_one("#timing-view", Choice).chosen == "latency"
