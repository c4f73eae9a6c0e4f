"""The Outputs pane through Textual's pilot, with the real engine and tiny models."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import ContentSwitcher, Static

from encoder_tui.core.settings import Settings
from encoder_tui.core.text.safe import visible
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.outputs import OutputsPane
from encoder_tui.window.panes.outputs.list_view import HEADINGS
from encoder_tui.window.panes.outputs.norms import NormsView
from encoder_tui.window.widgets.choice import Choice
from encoder_tui.window.widgets.matrix import Matrix
from tests.support.saved_models import directly, saved
from tests.support.still import until
from tests.support.terminal import Terminal, encoder_tui

torch = pytest.importorskip("torch")

TEXT = "How bread rises."


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A tiny BERT and a tiny ModernBERT."""
    folder = tmp_path_factory.mktemp("models")
    return saved("bert-cased", folder), saved("modernbert", folder)


@asynccontextmanager
async def window(
    models: tuple[Path | str, ...], text: str = TEXT, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[EncoderApp, Pilot[int]]]:
    """A window at the Outputs pane, its tokenizers there."""
    app = EncoderApp(Settings(model=tuple(map(str, models)), text=text, pane="outputs"))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: all(slot.state in {"exact", "failed"} for slot in app.session.slots), 60)
        await pilot.pause()
        yield app, pilot


def pane(app: EncoderApp) -> OutputsPane:
    return app.query_one(OutputsPane)


async def press_and_wait(app: EncoderApp, pilot: Pilot[int], key: str) -> None:
    """Press a key that runs the models, and wait until all have run."""
    await pilot.press(key)
    await until(pilot, lambda: bool(pane(app).runs.runs) and not pane(app).runs.is_running, 90)
    await pilot.pause(0.05)


async def view(app: EncoderApp, pilot: Pilot[int], name: str) -> None:
    pane(app).query_one("#outputs-view", Choice).chosen = name
    switcher = pane(app).query_one("#outputs-views", ContentSwitcher)
    await until(pilot, lambda: switcher.current == name)
    await pilot.pause(0.1)


def words(app: EncoderApp, name: str) -> str:
    return str(pane(app).query_one(f"#outputs-{name}", Static).content)


def matrix(app: EncoderApp) -> Matrix:
    return pane(app).view.query_one(Matrix)


def near(value: float) -> object:
    """The value, up to what another number of threads changes in it."""
    return pytest.approx(value, abs=1e-6)


async def test_what_comes_out_is_listed_looked_at_and_saved(pair: tuple[Path, Path], tmp_path: Path) -> None:
    from safetensors import safe_open

    command = [sys.executable, "-m", "encoder_tui", "-m", str(pair[0]), "-m", str(pair[1]), "run", "--json", TEXT]
    printed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["models"]
    async with window(pair) as (app, pilot):
        assert "r  runs every model on the text" in str(app.query_one("#outputs-teach", Static).content)
        await press_and_wait(app, pilot, "r")

        # The list is what `run --json` prints.
        lines = [line.split("\t") for line in pane(app).view.copied().splitlines()]
        assert tuple(lines[0]) == HEADINGS
        wanted = [(model["model"], output) for model in printed for output in model["outputs"]]
        assert [(line[0], line[1]) for line in lines[1:]] == [(model, output["name"]) for model, output in wanted]
        for line, (_, output) in zip(lines[1:], wanted, strict=True):
            assert line[2] == "×".join(map(str, output["shape"]))
            assert [float(cell) for cell in line[5:9]] == [output[key] for key in ("mean", "std", "min", "max")]
        assert "cpu · float32 · sdpa · checkpoint weights" in words(app, "models")
        assert "A returns 2 tensors" in words(app, "sentence")

        # The map and the numbers show the values that transformers gives.
        states = directly(pair[0], [TEXT]).last_hidden_state[0]
        app.query_one("#outputs-table").focus()
        await pilot.press("enter")
        await until(pilot, lambda: pane(app).query_one("#outputs-views", ContentSwitcher).current == "map")
        await until(pilot, lambda: matrix(app).value is not None)
        await pilot.press("down", "right", "right")
        assert matrix(app).value == near(states[1, 2].item())
        assert f"{states[1, 2].item():.9g}"[:9] in str(pane(app).view.query_one(".legend", Static).content)
        await view(app, pilot, "numbers")
        await until(pilot, lambda: matrix(app).value is not None)
        assert f"{states[0, 0].item():.4f}" in matrix(app).render_line(1).text
        await pilot.press("end", *["right"] * (states.shape[1] - 1))
        await until(pilot, lambda: matrix(app).value == near(states[-1, -1].item()))
        await view(app, pilot, "norms")
        norms = pane(app).view
        assert isinstance(norms, NormsView)
        await until(pilot, lambda: bool(norms.copied()))
        shown = [float(line.split("\t")[2]) for line in norms.copied().splitlines()[1:]]
        assert torch.allclose(torch.tensor(shown), states.norm(dim=1))

        # Attentions come on demand, out of eager attention, and the pane says so.
        await view(app, pilot, "attention")
        assert "runs the models with the attentions" in str(pane(app).view.query_one(".title", Static).content)
        await press_and_wait(app, pilot, "a")
        assert "only eager attention returns attentions" in words(app, "models")
        attentions = directly(pair[0], [TEXT], attention="eager", output_attentions=True).attentions
        await until(pilot, lambda: matrix(app).value == near(attentions[0][0, 0, 0, 0].item()))
        await pilot.press("right_square_bracket", "full_stop")
        await until(pilot, lambda: matrix(app).value == near(attentions[1][0, 1, 0, 0].item()))

        # Saving asks for a path and says what it did.
        for name in ("out.safetensors", "out.npz", "out.txt"):
            await pilot.press("w")
            app.query_one("#outputs-path").value = str(tmp_path / name)  # type: ignore[attr-defined]
            await pilot.press("enter")
            await until(pilot, lambda name=name: name == "out.txt" or (tmp_path / name).is_file())  # type: ignore[misc]
        with safe_open(tmp_path / "out.safetensors", "pt") as file:
            assert torch.allclose(file.get_tensor("0.attentions.1"), attentions[1], atol=1e-6)
        import numpy as np

        with np.load(tmp_path / "out.npz") as archive:
            assert np.allclose(archive["0.attentions.1"], attentions[1].numpy(), atol=1e-6)
        await until(pilot, lambda: any("must end in" in one.message for one in app._notifications))
        assert not (tmp_path / "out.txt").exists()


async def test_a_changed_text_is_said_to_be_another_and_unloading_is_told(pair: tuple[Path, Path]) -> None:
    async with window((pair[0],), "The first text.") as (app, pilot):
        # An answer to a question that is no longer asked is dropped.
        await pilot.press("r")
        app.session.set_text("word " * 100)
        await pilot.pause(0.2)
        assert not pane(app).runs.is_running
        assert all(run.answer is None for run in pane(app).runs.runs)
        assert "the text changed during the run" in words(app, "models")
        await press_and_wait(app, pilot, "r")
        assert re.search(r"has \d+ tokens, the model reads 64; the last \d+ are not seen", words(app, "models"))
        app.session.set_text("Another text.")
        await pilot.pause()
        assert "these results are for an earlier text; press r to run the current one" in words(app, "text")
        await press_and_wait(app, pilot, "s")
        assert "hidden_states.2" in pane(app).view.copied()
        assert "of another text" not in words(app, "text")
        assert "are not seen" not in words(app, "models")
        await until(pilot, lambda: "memory: weights" in words(app, "text"))
        app.session.set_document("A document of its own.")
        await pilot.press("d")
        assert "these results are for the text; press r to run the document" in words(app, "text")
        await press_and_wait(app, pilot, "r")
        assert pane(app).runs.runs[0].question.text == "A document of its own."
        await pilot.press("u")
        await until(pilot, lambda: "no weights loaded" in words(app, "text"))
        assert "no longer in memory" in words(app, "models")
        await view(app, pilot, "map")
        await until(pilot, lambda: "run the model again" in str(pane(app).view.query_one(".legend", Static).content))


async def test_x_cancels_in_the_middle_and_the_next_run_is_whole() -> None:
    async with window(("builtin:modernbert",), "A lighthouse keeps ships off the rocks. " * 300) as (app, pilot):
        await pilot.press("r")
        run = pane(app).runs.runs[0]
        await until(pilot, lambda: run.progress is not None and run.progress.unit == "layers", 90)
        assert "x cancels" in words(app, "models")
        await pilot.press("x")
        assert not pane(app).runs.is_running
        assert "cancelled" in words(app, "models")
        assert run.answer is None
        app.session.set_text("Short.")
        await press_and_wait(app, pilot, "r")
        assert pane(app).runs.runs[0].answer is not None
        assert "random weights" in words(app, "models")


def test_the_pane_in_a_real_terminal(pair: tuple[Path, Path]) -> None:
    models = ("-m", str(pair[0]), "-m", str(pair[1]))
    with Terminal(encoder_tui(*models, "--text", "lens\x1b[2J[CLS]", "--pane", "outputs"), 80, 24) as terminal:
        terminal.wait_for("runs every model on the text")
        terminal.wait_for(lambda text: text.count("not run yet") == 2, 60)
        terminal.send("r")
        screen = terminal.wait_for(lambda text: text.count("last_hidden_state") >= 2, 60)
        assert visible("lens\x1b[2J[CLS]") in screen
        terminal.send("enter")
        terminal.wait_for("[SEP]")
        terminal.send("f2")
        terminal.wait_for("aligned")
        terminal.send("f5")
        terminal.wait_for("[SEP]")
