"""What documents cost, as the Timing pane tells it: texts that are refused, long names, other collections."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot

from encoder_tui.core.documents.lengths import CollectionCounts, LengthCounts
from encoder_tui.core.settings import Settings
from encoder_tui.core.timing.plan import Plan
from encoder_tui.core.tokens.tokenizer import TokenizationError
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.timing import TimingPane, measurable
from encoder_tui.window.panes.timing.cost_table import CostTable
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.table import Column, Table
from tests.support import made_up_runs
from tests.support.still import screen, still, until
from tests.window.tokens.test_pane import lines

PAIR = ("builtin:bert", "builtin:modernbert")

pytestmark = pytest.mark.usefixtures("no_engine")


@asynccontextmanager
async def window(plan: Plan | None = None) -> AsyncIterator[tuple[Pilot[int], TimingPane, CostTable]]:
    """A small window on what documents cost after a run."""
    app = EncoderApp(Settings(model=PAIR, pane="timing", text="A lens.", offline=True))
    async with app.run_test(size=(80, 24)) as pilot:
        pane = app.query_one(TimingPane)
        await until(pilot, lambda: all(slot.tokenizer is not None for slot in app.session.slots))
        pane.measurer.run = made_up_runs.whole(measurable.timed_models(pane.session), plan)
        pane.query_one("#timing-view", Choice).chosen = "cost"
        await still(pilot)
        yield pilot, pane, pane.query_one(CostTable)


async def test_a_text_that_a_tokenizer_refuses_has_its_reason_and_the_others_their_figures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with window(Plan([16, 64], dtypes=["float32", "bfloat16"])) as (pilot, pane, table):
        assert "whole (5 tokens)" in "\n".join(lines(table))
        reason = "the tokenizer refuses this text: WordLevel error: Missing [UNK] token from the vocabulary"

        def refuse(*_: object, **__: object) -> Any:
            raise TokenizationError(f"{reason}\x1b")

        monkeypatch.setattr(pane.session.slots[0].tokenizer, "encode", refuse)
        pane.session.set_text("A lens in a lamp.")
        await still(pilot)
        told = [line.strip() for line in screen(pilot).splitlines()]
        first = next(line for line in told if line.startswith("A   the tokenizer refuses"))
        # In as many lines as it takes, once, whatever the model was measured in.
        assert f"{first} {told[told.index(first) + 1]}" == f"A   {reason}␛"
        assert sum("refuses" in line for line in told) == 1
        assert not any(line.startswith("A") and "(5 tokens)" in line for line in told)
        assert sum(line.startswith("B") and "whole (" in line for line in told) == 2
        assert not any("(5 tokens)" in line for line in told)


async def test_a_long_name_of_a_collection_leaves_its_count_in_sight() -> None:
    async with window() as (pilot, pane, _):
        counts = made_up_runs.counts(PAIR)
        counts.source, counts.is_complete = f"/a/folder/{'of-documents/' * 9}lines.jsonl", False
        pane.session.counts = counts
        pane.redraw()
        await still(pilot)
        told = next(line for line in screen(pilot).splitlines() if "the mean of" in line)
        assert told.strip().startswith("/a/folder/")
        assert told.endswith("lines.jsonl, the mean of 30 documents, so far")


async def test_figures_of_a_collection_are_not_those_of_one_that_is_gone() -> None:
    async with window() as (_, pane, table):
        seen = []
        for place in range(20):
            # An object that takes the place of another one in memory often has its id; each is longer than the last.
            counted = LengthCounts("builtin:bert", 2, None, {64 + 16 * place: 7})
            pane.session.counts = CollectionCounts("made up", "text", [counted])
            del counted
            table.look(pane.session, pane.measurer.run, "")
            seen.append(next(row[3] for row in reversed(table.rows()) if row[0] == " A"))
        assert len(set(seen)) == len(seen)


async def test_the_last_cell_of_a_short_row_has_the_room_of_those_that_are_missing() -> None:
    table = Table([Column("a", 3), Column("b", 0), Column("c", 4, "right")])
    table.widths = lambda: [3, 8, 4]  # type: ignore[method-assign]
    assert table._cells(["x", "y", "z"]) == "x    y            z  "
    assert table._cells(["x", "a sentence of it"]) == "x    a sentence of…  "
    assert table._cells(["a sentence of it and more of it"]) == "a sentence of it a…  "
    assert table._cells([]) == ""
