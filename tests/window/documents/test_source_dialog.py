"""The chooser of documents: what is typed is searched for on the Hub, and a result is taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input, OptionList, Static

from encoder_tui.core.text.safe import visible
from encoder_tui.window.panes.documents.source_dialog import SourceChooser
from tests.support.fake_hub import FakeHub
from tests.support.in_process import tasks_in_process
from tests.support.still import until
from tests.window.documents.test_pane import app_of, pane_of, rows_file

__all__ = ["tasks_in_process"]


@pytest.mark.usefixtures("tasks_in_process", "no_engine")
async def test_a_data_set_of_the_hub_is_found_and_taken(
    fake: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.repos["datasets/someone/tiny-texts"] = tmp_path
    fake.about["someone/tiny-texts"] = {"tags": ["task_categories:text-retrieval"], "downloads": 5}
    async with app_of(rows_file(tmp_path, ["one"])).run_test(size=(80, 24)) as pilot:
        pane, opened = pane_of(pilot), list[str]()
        await until(pilot, lambda: pane.collection is not None)
        monkeypatch.setattr(pane, "open", lambda source, *_: opened.append(source))
        await pilot.press("o")
        await until(pilot, lambda: isinstance(pilot.app.screen, SourceChooser))
        listed = pilot.app.screen.query_one(OptionList)
        assert listed.option_count == 3
        assert not any(path == "/api/datasets" for path in fake.paths())  # what is open is no question
        pilot.app.screen.query_one("#source-name", Input).value = "tiny-t"
        result = "someone/tiny-texts   text-retrieval · 5 downloads"
        await until(pilot, lambda: [str(option.prompt) for option in listed.options] == [result])
        pilot.app.screen.query_one("#source-name", Input).value = "tiny-nothing"
        words = pilot.app.screen.query_one("#source-search", Static)
        await until(pilot, lambda: str(words.content) == "the Hub found nothing by this name")
        pilot.app.screen.query_one("#source-name", Input).value = "tiny"
        await until(pilot, lambda: listed.option_count == 1)
        await pilot.press("down", "enter")
        await until(pilot, lambda: opened == ["someone/tiny-texts"])


@pytest.mark.usefixtures("tasks_in_process", "no_engine")
async def test_of_many_remarks_one_is_a_notice_and_the_chooser_has_all(tmp_path: Path) -> None:
    rows_file(tmp_path, ["one"])
    (tmp_path / "s.jsonl").write_text('{"text": "two", "other": 1}\n')
    (tmp_path / "t.jsonl").write_text('{"text": "three", "third": 1}\n')
    (tmp_path / "u.csv").write_text("text\nfour\n")
    async with app_of(tmp_path).run_test(size=(80, 24), notifications=True) as pilot:
        listing = pane_of(pilot).listing
        await until(pilot, lambda: len(listing.remarks) > 1)
        (notice,) = [one.message for one in pilot.app._notifications if listing.remarks[0] in one.message]
        assert notice.endswith(f"(and {len(listing.remarks) - 1} more remarks; o shows them)")
        assert not any(one.message.startswith(listing.remarks[1]) for one in pilot.app._notifications)
        await pilot.press("o")
        await until(pilot, lambda: isinstance(pilot.app.screen, SourceChooser))
        below = str(pilot.app.screen.query_one("#source-search", Static).content)
        assert below.splitlines() == [f"! {visible(remark)}" for remark in listing.remarks]
