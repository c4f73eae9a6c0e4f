"""Which documents the pane lists and in which order: a filter, an index, sorting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from encoder_tui.collection import Collection
from encoder_tui.panes.documents import DocumentsPane
from encoder_tui.panes.documents.listing import DocumentList
from tests.still import screen, until
from tests.test_documents_pane import app_of, rows_file, settled

pytestmark = pytest.mark.usefixtures("no_engine")


@pytest.mark.parametrize("typed", ["9" * 30, "9" * 5_000])
async def test_an_index_that_no_list_holds_is_told(tmp_path: Path, typed: str) -> None:
    async with app_of(rows_file(tmp_path, ["one", "two"])).run_test(size=(100, 30), notifications=True) as pilot:
        pane = await settled(pilot)
        listing = pane.query_one(DocumentList)
        listing.total = None  # as while the end of a source has not been seen
        pane._index(typed)
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
        await until(pilot, lambda: " 11 of 40 rows: holding 'Document 3', most characters first" in told(pane))
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
        await until(pilot, lambda: "no document passes the filter: > 250 A tokens; f changes it" in screen(pilot))
        await pilot.press("f", *"three", "enter")
        await until(pilot, lambda: "no document passes the filter: holding 'three'; f changes it" in screen(pilot))
        assert "0 of 2 rows: holding 'three'" in told(pane)
        pane.open("builtin")
        await until(pilot, lambda: "built-in" in told(pane) and "rows: " not in told(pane))
        await pilot.press("f")
        assert pane.query_one("#prompt", Input).value == ""


async def test_a_comma_is_no_length(tmp_path: Path) -> None:
    async with app_of(rows_file(tmp_path, ["a > , b", "two"])).run_test(size=(80, 24)) as pilot:
        pane = await settled(pilot)
        await pilot.press("f", *"> ,", "enter")
        await until(pilot, lambda: "1 of 2 rows: holding '> ,'" in told(pane))


async def test_the_document_under_the_cursor_is_the_one_that_is_read_after_a_filter_by_text(tmp_path: Path) -> None:
    path = rows_file(tmp_path, [f"document {i} " + "word " * i for i in range(60)])
    async with app_of(path).run_test(size=(80, 24)) as pilot:
        pane = await settled(pilot)
        listing = pane.query_one(DocumentList)
        await pilot.press("down", "down")
        await until(pilot, lambda: pane.document.startswith("document 2 "))
        await pilot.press("f", *"document 5", "enter")
        await until(pilot, lambda: (pilot.app.session.document or "").startswith("document 5 "))  # type: ignore[attr-defined]
        assert (listing.index_of(listing.cursor), pane._opened_index) == (5, 5)


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
        await until(pilot, lambda: pane.document.startswith("document 3 "))
        more.set()
        await until(pilot, lambda: list(listing.order or ()) == [40, 30, 5, 3])
        await pilot.pause(0.2)
        assert (listing.cursor, pane._opened_index) == (3, 3)
