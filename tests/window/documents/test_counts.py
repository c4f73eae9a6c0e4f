"""What the pane says of counts that are gone, reopened or broken off, and of a search that ended otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static

from encoder_tui.client.client import EngineClient, EngineError, EngineState, OperationFailed
from encoder_tui.client.collection import Collection
from encoder_tui.core.documents.document import packed
from encoder_tui.core.documents.lengths import CollectionCounts, LengthCounts, save
from encoder_tui.protocol.documents import FindAnswer, SourceAnswer, SourceSpec
from encoder_tui.window.panes.documents.collection_view import Figures
from encoder_tui.window.widgets.cycle import Cycle
from tests.support.still import screen, until
from tests.window.documents.test_order import told
from tests.window.documents.test_pane import app_of, rows_file, settled


class DyingEngine:
    """An engine that dies at every other question."""

    state = EngineState("died", "the engine was killed")
    once_more = EngineClient.once_more

    def __init__(self) -> None:
        self.asked = 0

    async def run(self, *_: Any) -> FindAnswer:
        self.asked += 1
        if self.asked % 2:
            raise EngineError("it was killed")
        return FindAnswer(packed([self.asked]), self.asked, is_end=self.asked == 4)


async def test_a_search_goes_on_where_an_engine_that_died_had_come_to() -> None:
    answer = SourceAnswer("some", ["text"], "text", 5, 5, False, None)
    searched: Any = Collection(DyingEngine(), SourceSpec("some"), answer)  # type: ignore[arg-type]
    assert [list(found) async for found, _, _ in searched.find("lamp")] == [[2], [4]]


@pytest.mark.usefixtures("no_engine")
@pytest.mark.parametrize("ends", ["another filter", "a failure"])
async def test_a_search_that_ended_is_said_to_be_under_way_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    more = asyncio.Event()

    async def find(self: Collection, wanted: str) -> AsyncIterator[tuple[Sequence[int], int, bool]]:
        yield [1], 2, False
        await more.wait()
        raise EngineError("it was killed")

    monkeypatch.setattr(Collection, "find", find)
    async with app_of(rows_file(tmp_path, ["one", "two", "three"])).run_test(size=(100, 30)) as pilot:
        pane = await settled(pilot)
        await pilot.press("f", *"two", "enter")
        await until(pilot, lambda: pane.reader.text == "two" and bool(pane.readings))
        assert pane.is_stoppable
        pane._heard('"two" is in 1 document of 2; escape stops')
        counting, pane.listing.counting = pane.listing.counting, None
        pane.listing.filter("> 999")
        assert pane.is_stoppable  # a filter that cannot be had ends no search
        pane.listing.counting = counting
        if ends == "a failure":
            more.set()
        else:
            await pilot.press("f", "delete", *"> 999", "enter")
        await until(pilot, lambda: "escape stops" not in told(pane))
        assert " of 3 rows" in told(pane)
        assert not pane.is_stoppable


@pytest.mark.usefixtures("no_engine")
async def test_a_document_whose_tokens_fail_is_the_one_at_hand_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app_of(rows_file(tmp_path, ["one", "two"])).run_test(size=(100, 30)) as pilot:
        pane = await settled(pilot)

        async def refused(self: Collection, index: int, models: Any, on_text: Any, *_: Any) -> None:
            on_text("two")
            raise OperationFailed("the tokenizer refuses this text", "")

        monkeypatch.setattr(Collection, "document", refused)
        await pilot.press("down")
        await until(pilot, lambda: "the tokenizer refuses this text" in told(pane))
        session = pilot.app.session  # type: ignore[attr-defined]
        assert (pane.reader.text, session.document, session.document_row.index) == ("two", "two", 1)


@pytest.mark.usefixtures("no_engine")
async def test_figures_of_a_model_that_is_gone_are_gone_too_and_counting_says_what_it_waits_for(tmp_path: Path) -> None:
    app = app_of(rows_file(tmp_path, ["lighthouse " * 60, "two"]), models=("builtin:bert",))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        pane = await settled(pilot)
        pane.show_collection()
        await until(pilot, lambda: "A reads 512 tokens" in screen(pilot) and "median" in screen(pilot))
        slot = app.session.slots[0]
        slot.state, slot.tokenizer = "failed", None
        app.session.models_changed.publish(None)
        await until(pilot, lambda: "once a tokenizer has loaded." in screen(pilot))
        await until(pilot, lambda: "median" not in screen(pilot) and "A reads" not in screen(pilot))
        assert (app.session.counts, pane.query_one(Figures).copied()) == (None, "")
        await pilot.press("space")
        wanted = "documents can be counted once a tokenizer has loaded"
        await until(pilot, lambda: wanted in [notice.message for notice in app._notifications])


@pytest.mark.usefixtures("no_engine")
@pytest.mark.parametrize("ends", ["x", "sample"])
async def test_reopened_counts_give_way_to_those_that_are_begun(tmp_path: Path, ends: str) -> None:
    saved = tmp_path / "counts.json"
    saved.write_bytes(
        save(CollectionCounts("other", "text", [LengthCounts("m", 2, 512, {9: 3}, 60)], 3, is_complete=True))
    )
    async with app_of(rows_file(tmp_path, ["lighthouse", "two"])).run_test(size=(80, 24)) as pilot:
        pane = await settled(pilot)
        await pilot.press("R", *str(saved), "enter")
        await until(pilot, lambda: "reopened: " in str(pane.query_one("#counting-words", Static).visual))
        if ends == "x":
            await pilot.press("x")
        else:
            pane.query_one("#sample", Cycle).action_step(1)
        await until(pilot, lambda: "reopened: " not in str(pane.query_one("#counting-words", Static).visual))
        assert pane.counting is not None
        assert pilot.app.session.counts is pane.counting.counts  # type: ignore[attr-defined]


@pytest.mark.usefixtures("no_engine")
async def test_words_on_counts_that_find_no_room_end_in_a_sign(tmp_path: Path) -> None:
    saved = tmp_path / "counts.json"
    counts = CollectionCounts(
        "a-long-way-to/" * 5, "text", [LengthCounts("m", 2, 512, {9: 3}, 60)], 3, is_complete=True
    )
    saved.write_bytes(save(counts))
    async with app_of(rows_file(tmp_path, ["lighthouse", "two"])).run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("R", *str(saved), "enter")
        await until(pilot, lambda: "reopened: all 3 documents counted · a-long" in screen(pilot))
        (line,) = (line for line in screen(pilot).splitlines() if "reopened: " in line)
        assert line.endswith("…")


@pytest.mark.usefixtures("no_engine")
async def test_windows_are_copied_where_they_are_in_front(tmp_path: Path) -> None:
    async with app_of(rows_file(tmp_path, ["lighthouse\tkeeper\n" * 900, "two"])).run_test(size=(120, 40)) as pilot:
        pane = await settled(pilot)
        await pilot.press("v")
        await until(pilot, lambda: "windows of 512 with a stride of 64" in screen(pilot))
        await pilot.press("y")
        header, *lines = pilot.app.clipboard.split("\n")
        windows = pane.readings[0].tokens.windows(512, 64)
        assert header.split("\t") == ["model", "window", "start", "end", "tokens", "shared", "text"]
        assert [line.split("\t")[:4] for line in lines] == [
            ["A", str(place + 1), *map(str, span)] for place, span in enumerate(windows)
        ]
        assert lines[1].split("\t")[4:6] == ["512", "64"]
        assert lines[0].split("\t")[6].startswith("lighthouse keeper lighthouse")
