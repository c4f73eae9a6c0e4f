"""Which documents the pane lists and in which order: a filter, an index, sorting."""

from __future__ import annotations

from pathlib import Path

import pytest

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
