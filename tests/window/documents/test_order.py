"""Which documents the pane lists and in which order: a filter, an index, sorting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from encoder_tui.client.collection import Collection
from encoder_tui.core.documents.lengths import CollectionCounts
from encoder_tui.protocol.documents import ScanAnswer
from encoder_tui.window.panes.documents import DocumentsPane
from encoder_tui.window.panes.documents.listing import DocumentList
from tests.support.still import screen, until
from tests.window.documents.test_pane import app_of, rows_file, settled
from tests.window.test_last_session import remember

pytestmark = pytest.mark.usefixtures("no_engine")


@pytest.mark.parametrize("typed", ["9" * 30, "9" * 5_000])
async def test_an_index_that_no_list_holds_is_told(tmp_path: Path, typed: str) -> None:
    async with app_of(rows_file(tmp_path, ["one", "two"])).run_test(size=(100, 30), notifications=True) as pilot:
        pane = await settled(pilot)
        listing = pane.query_one(DocumentList)
        listing.total = None  # as while the end of a source has not been seen
        pane.listing.go_to_typed(typed)
        await until(pilot, lambda: "an index has 9 digits at most" in screen(pilot))
        assert listing.known == 2


def told(pane: DocumentsPane) -> str:
    return str(pane.query_one("#source", Static).visual)


async def test_a_filter_and_an_order_hold_together_and_are_told_in_eighty_columns(tmp_path: Path) -> None:
    path = rows_file(tmp_path, [f"document {i} " + "word " * i for i in range(40)])
    async with app_of(path).run_test(size=(80, 24)) as pilot:
        pane = await settled(pilot)
        listing = pane.query_one(DocumentList)
        assert "40 rows · all 40 documents counted" in told(pane)
        await pilot.press("f", *">20", "enter")
        filtered = list(listing.order or ())
        assert filtered == sorted(filtered)
        await until(pilot, lambda: f"{len(filtered)} of 40 rows: > 20 A tokens" in told(pane))
        await pilot.press("s")
        assert list(listing.order or ()) == filtered[::-1]
        assert f" {len(filtered)} of 40 rows: > 20 A tokens, most characters first" in told(pane)
        await pilot.press("f")
        assert pane.query_one("#prompt", Input).value == ">20"
        await pilot.press(*"Document 3", "enter")
        await until(pilot, lambda: ' 11 of 40 rows: containing "Document 3", most characters first' in told(pane))
        assert list(listing.order or ()) == [*range(39, 29, -1), 3]
        await pilot.press("f", "delete", "enter")
        assert " 40 of 40 rows, most characters first" in told(pane)
        await pilot.press("s", "s", "s")
        assert listing.order is None
        await until(pilot, lambda: "40 rows · all 40 documents counted" in told(pane))


async def test_a_list_that_a_filter_left_empty_says_so_and_another_source_knows_no_filter(tmp_path: Path) -> None:
    async with app_of(rows_file(tmp_path, ["one", "two"])).run_test(size=(80, 24)) as pilot:
        pane = await settled(pilot)
        await pilot.press("f", *">250", "enter")
        await until(
            pilot, lambda: "no document matches the filter: > 250 A tokens; press f to change it" in screen(pilot)
        )
        await pilot.press("f", *"three", "enter")
        await until(
            pilot, lambda: 'no document matches the filter: containing "three"; press f to change it' in screen(pilot)
        )
        assert '0 of 2 rows: containing "three"' in told(pane)
        assert (pane.reader.text, pane.readings, pilot.app.session.document) == ("", [], None)  # type: ignore[attr-defined]
        await pilot.press("f", "ctrl+u", "enter")
        await until(pilot, lambda: pane.reader.text == "one")
        await pilot.press("f")
        await until(pilot, lambda: "filter: " in screen(pilot))
        await pilot.press("escape")
        pane.open("builtin")
        await until(pilot, lambda: "built-in" in told(pane) and "rows: " not in told(pane))
        await pilot.press("f")
        assert pane.query_one("#prompt", Input).value == ""


async def test_a_comma_is_no_length(tmp_path: Path) -> None:
    async with app_of(rows_file(tmp_path, ["a > , b", "two"])).run_test(size=(80, 24)) as pilot:
        pane = await settled(pilot)
        await pilot.press("f", *"> ,", "enter")
        await until(pilot, lambda: '1 of 2 rows: containing "> ,"' in told(pane))


async def test_the_document_under_the_cursor_is_the_one_that_is_read_after_a_filter_by_text(tmp_path: Path) -> None:
    path = rows_file(tmp_path, [f"document {i} " + "word " * i for i in range(60)])
    async with app_of(path).run_test(size=(80, 24)) as pilot:
        pane = await settled(pilot)
        listing = pane.query_one(DocumentList)
        await pilot.press("down", "down")
        await until(pilot, lambda: pane.reader.text.startswith("document 2 "))
        await pilot.press("f", *"document 5", "enter")
        await until(pilot, lambda: (pilot.app.session.document or "").startswith("document 5 "))  # type: ignore[attr-defined]
        assert (listing.index_of(listing.cursor), pane.reader.index) == (5, 5)


async def test_matches_that_come_later_move_no_document_from_under_the_cursor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = asyncio.Event()

    async def find(self: Collection, wanted: str) -> AsyncIterator[tuple[Sequence[int], int, bool]]:
        yield [3, 5], 20, False
        await more.wait()
        yield [30, 40], 60, True

    monkeypatch.setattr(Collection, "find", find)
    path = rows_file(tmp_path, [f"document {i} " + "word " * i for i in range(60)])
    async with app_of(path).run_test(size=(80, 24)) as pilot:
        pane = await settled(pilot)
        listing = pane.query_one(DocumentList)
        await pilot.press("s", "f", *"document", "enter")
        await until(pilot, lambda: list(listing.order or ()) == [5, 3])
        await pilot.press("down")
        await until(pilot, lambda: pane.reader.text.startswith("document 3 "))
        more.set()
        await until(pilot, lambda: list(listing.order or ()) == [40, 30, 5, 3])
        await pilot.pause(0.2)
        assert (listing.cursor, pane.reader.index) == (3, 3)


async def test_what_hangs_on_a_models_tokens_is_put_off_until_the_models_that_came_have_counted(tmp_path: Path) -> None:
    path = rows_file(tmp_path, [f"document {i} " + "☃☃☃ " * (i % 7) + "lighthouse " * i for i in range(40)])
    async with app_of(path).run_test(size=(80, 24)) as pilot:
        pane = await settled(pilot)
        listing = pane.query_one(DocumentList)
        await pilot.press("s", "s", "f", *"> 30", "enter")
        await until(pilot, lambda: "> 30 A tokens, most A tokens first" in told(pane))
        await until(pilot, lambda: pane.reader.index == listing.index_of(0))
        before, read = pane.counting, pane.reader.index
        pilot.app.session.swap(0, 1)  # type: ignore[attr-defined]
        await until(pilot, lambda: pane.counting is not None and pane.counting is not before)
        if pane.counting is not None and pane.counting.state != "done":
            assert "A tokens" not in told(pane)
        await until(pilot, lambda: "> 30 A tokens, most A tokens first" in told(pane))
        assert pane.counting is not None
        tokens = pane.counting.tokens[0]
        passing = sorted((i for i in range(40) if tokens[i] > 30), key=tokens.__getitem__, reverse=True)
        assert list(listing.order or ()) == passing
        assert (listing.index_of(listing.cursor), pane.reader.index) == (read, read)


async def test_what_hangs_on_characters_or_a_text_stays_when_models_change(tmp_path: Path) -> None:
    path = rows_file(tmp_path, [f"document {i} " + "word " * i for i in range(40)])
    async with app_of(path).run_test(size=(80, 24)) as pilot:
        pane = await settled(pilot)
        await pilot.press("s", "f", *"document 3", "enter")
        await until(pilot, lambda: '11 of 40 rows: containing "document 3", most characters first' in told(pane))
        before = pane.counting
        pilot.app.session.swap(0, 1)  # type: ignore[attr-defined]
        await until(pilot, lambda: pane.counting is not None and pane.counting is not before)
        await settled(pilot)
        assert '11 of 40 rows: containing "document 3", most characters first' in told(pane)


@pytest.fixture
def more(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Ten rows are counted; the others once this is set."""
    scan, more = Collection.scan, asyncio.Event()

    async def slowly(self: Collection, counts: CollectionCounts, models: Any) -> AsyncIterator[ScanAnswer]:
        counts.sample = 10
        async for answer in scan(self, counts, models):
            yield answer
        await more.wait()
        counts.sample, counts.is_complete = None, False
        async for answer in scan(self, counts, models):
            yield answer

    monkeypatch.setattr(Collection, "scan", slowly)
    return more


async def counted_in_part(pilot: Pilot[int]) -> DocumentsPane:
    """The pane once ten rows are counted under both models."""
    pane = pilot.app.query_one(DocumentsPane)
    await until(pilot, lambda: len(pane.models) == 2 and bool(pane.readings))
    await until(pilot, lambda: pane.counting is not None and len(pane.counting.characters) == 10)
    return pane


@pytest.mark.parametrize("keys", [["s"], ["f", *"> 5", "enter"]])
async def test_a_list_arranged_in_mid_count_says_so_and_holds_all_in_the_end(
    tmp_path: Path, more: asyncio.Event, keys: list[str]
) -> None:
    path = rows_file(tmp_path, [f"document {i} " + "word " * i for i in range(40)])
    async with app_of(path).run_test(size=(80, 24)) as pilot:
        pane = await counted_in_part(pilot)
        listing = pane.query_one(DocumentList)
        await pilot.press(*keys)
        await until(pilot, lambda: " of 40 rows so far" in told(pane))
        assert listing.row_count <= 10
        await until(pilot, lambda: pane.reader.index == listing.index_of(0))
        read = pane.reader.index
        more.set()
        await until(pilot, lambda: pane.counting is not None and pane.counting.state == "done")
        assert listing.row_count > 30
        assert "so far" not in told(pane)
        await pilot.pause(0.2)
        assert (listing.index_of(listing.cursor), pane.reader.index) == (read, read)


async def test_the_last_sessions_order_takes_no_document_away_that_is_being_read(
    tmp_path: Path, more: asyncio.Event
) -> None:
    remember(documents_sort=1)
    path = rows_file(tmp_path, [f"document {i} " + "word " * i for i in range(40)])
    async with app_of(path).run_test(size=(80, 24)) as pilot:
        pane = await counted_in_part(pilot)
        listing = pane.query_one(DocumentList)
        await pilot.press("down", "down")
        await until(pilot, lambda: pane.reader.text.startswith("document 2 "))
        more.set()
        await until(pilot, lambda: list(listing.order or ()) == [*range(39, -1, -1)])
        await pilot.pause(0.2)
        assert (listing.index_of(listing.cursor), pane.reader.index) == (2, 2)


async def test_a_filter_of_wide_characters_leaves_the_order_in_sight(tmp_path: Path) -> None:
    async with app_of(rows_file(tmp_path, ["灯台" * 20, "two"])).run_test(size=(80, 24)) as pilot:
        pane = await settled(pilot)
        await pilot.press("s", "s", "f", *("灯台" * 15), "enter")
        await until(pilot, lambda: "of 2 rows: containing" in told(pane) and "so far" not in told(pane))
        await until(pilot, lambda: "most A tokens first\n" in screen(pilot))


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_document_that_is_not_there_is_told(tmp_path: Path, is_known: bool) -> None:
    async with app_of(rows_file(tmp_path, ["one", "two"])).run_test(size=(100, 30), notifications=True) as pilot:
        pane = await settled(pilot)
        listing = pane.query_one(DocumentList)
        if not is_known:
            listing.total = None  # as while the end of a source has not been seen
        await pilot.press("i", *"5000", "enter")
        await until(pilot, lambda: "document 5,000 is not in this list of 2" in screen(pilot))
        assert (listing.total, listing.row_count) == (2, 2)
        await until(pilot, lambda: pane.reader.text == ("one" if is_known else "two"))
