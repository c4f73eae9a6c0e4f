"""The limit of a model in the window: what it reads as deployed, another one by a key, the same in every pane."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from encoder_tui.core.settings import Settings, state_path
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.documents import DocumentsPane
from encoder_tui.window.panes.timing.measurable import timed_models
from encoder_tui.window.widgets.cycle import Cycle
from tests.support.deployed_models import modules, old, write_files
from tests.support.in_process import tasks_in_process
from tests.support.model_directories import all_directories
from tests.support.still import until

__all__ = ["tasks_in_process"]
pytestmark = pytest.mark.usefixtures("tasks_in_process", "no_engine")
DEPLOYED = {
    "modules.json": modules((old("Transformer"), "")),
    "sentence_bert_config.json": {"max_seq_length": 20, "do_lower_case": False},
}


@pytest.fixture
def deployed(tmp_path: Path) -> Path:
    """A BERT of 64 positions that sentence-transformers cuts at 20 tokens."""
    return write_files(all_directories()["bert-cased"](tmp_path), DEPLOYED)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"text": "bread rises " * repeats}) + "\n" for repeats in (1, 2, 40)))
    return path


def app_of(model: Path, rows: Path, **more: int) -> EncoderApp:
    return EncoderApp(Settings(model=("builtin:modernbert", str(model)), docs=str(rows), pane="documents", **more))  # type: ignore[arg-type]


async def settled(pilot: Pilot[int]) -> DocumentsPane:
    pane = pilot.app.query_one(DocumentsPane)
    await until(pilot, lambda: pane.counting is not None and pane.counting.state == "done" and len(pane.readings) == 2)
    return pane


async def test_the_deployed_limit_is_the_same_in_every_pane(deployed: Path, rows: Path) -> None:
    app = app_of(deployed, rows)
    async with app.run_test(size=(120, 40)) as pilot:
        pane = await settled(pilot)
        await pilot.press("G")
        await until(pilot, lambda: pane.reader.index == 2 and pane.readings[1].cut is not None)
        sentence = " ".join(str(pane.query_one("#document-sentence", Static).visual).split())
        assert sentence.endswith("(20 as trained; its positions allow 64)")
        assert "A sees all" in sentence
        assert (pane.readings[1].limit, timed_models(app.session)[1].limit) == (20, 20)
        assert pane.counting is not None
        assert pane.counting.counts.models[1].limit == 20


async def test_a_key_chooses_another_limit_without_counting_again(deployed: Path, rows: Path) -> None:
    app = app_of(deployed, rows)
    async with app.run_test(size=(120, 40)) as pilot:
        pane = await settled(pilot)
        counting = pane.counting
        assert counting is not None
        await pilot.press("v", "L", "L")
        cycle = pane.query_one("#limit-1", Cycle)
        await until(pilot, lambda: cycle.has_focus)
        assert [words for words, _ in cycle.choices] == ["20", "64"], "none beyond the positions"
        await pilot.press("space")
        await until(pilot, lambda: pane.readings[1].limit == 64)
        assert "(64 as chosen; sentence-transformers is set to 20)" in pane.readings[1].others
        assert (pane.counting, counting.counts.models[1].limit) == (counting, 64)
        assert timed_models(app.session)[1].limit == 64
        ready = app.session.slots[1].ready
        assert ready is not None
        assert ready.limit == 64
    assert json.loads(state_path().read_text())["limits"] == {str(deployed): 64}
    app = app_of(deployed, rows)
    async with app.run_test(size=(120, 40)) as pilot:
        pane = await settled(pilot)
        assert [reading.limit for reading in pane.readings] == [8192, 64]
        pane.query_one("#limit-1", Cycle).value = 20
        await until(pilot, lambda: pane.readings[1].limit == 20)
        assert "(20 as trained; its positions allow 64)" in pane.readings[1].others
    assert json.loads(state_path().read_text())["limits"] == {}


async def test_an_option_chooses_for_all_models_and_is_not_remembered(
    deployed: Path, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_of(deployed, rows, max_seq_length=300)
    said: list[str] = []
    monkeypatch.setattr(app.session, "notice", lambda sentence, severity="": said.append(sentence))
    async with app.run_test(size=(120, 40)) as pilot:
        pane = await settled(pilot)
        assert [reading.limit for reading in pane.readings] == [300, 64]
        assert f"{deployed}: a limit of 300 was chosen, but its positions allow 64 tokens, so it reads 64" in said
    assert not state_path().exists() or not json.loads(state_path().read_text())["limits"]


async def test_lower_cased_texts_are_counted_so_and_the_sentence_says_it(deployed: Path, rows: Path) -> None:
    write_files(deployed, {"sentence_bert_config.json": {"max_seq_length": 20, "do_lower_case": True}})
    rows.write_text("".join(json.dumps({"text": text}) + "\n" for text in ("HOW BREAD RISES", "how bread rises")))
    async with app_of(deployed, rows).run_test(size=(120, 40)) as pilot:
        pane = await settled(pilot)
        assert pane.counting is not None
        upper, lower = pane.counting.tokens[1]
        assert upper == lower
        sentence = " ".join(str(pane.query_one("#document-sentence", Static).visual).split())
        assert sentence.endswith("(texts are lower-cased first)")
        await pilot.resize_terminal(60, 24)
        await until(pilot, lambda: "lower-cased" not in str(pane.query_one("#document-sentence", Static).visual))
        assert "B sees all" in str(pane.query_one("#document-sentence", Static).visual)
