"""What goes wrong in a run is a sentence in the pane and in the command, and the program goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static

from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.outputs import OutputsPane
from tests.engine.models.test_checkpoints import Trap, rewrite
from tests.support.in_process import tasks_in_process
from tests.support.saved_models import saved
from tests.support.still import until

__all__ = ["tasks_in_process"]

torch = pytest.importorskip("torch")

LIMITED = """
import os, resource, runpy
import torch, transformers.models.bert.modeling_bert, transformers.models.auto.modeling_auto
import encoder_tui.engine.operations.run, encoder_tui.engine.models.loaded_models, encoder_tui.engine.outputs.forward
import encoder_tui.engine.parameters.comparison

held = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
resource.setrlimit(resource.RLIMIT_AS, (held + 400_000_000, resource.RLIM_INFINITY))
runpy.run_module("encoder_tui.engine", run_name="__main__")
"""
"""An engine that can have 400 MB more than what importing takes; the weights of the built-in BERT are 433 MB."""


def words(app: EncoderApp) -> str:
    return str(app.query_one("#outputs-models", Static).content)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the limit is set by what /proc tells")
async def test_memory_that_runs_out_is_a_sentence_and_the_app_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # each thread takes address space of its own
    script = tmp_path / "limited.py"
    script.write_text(LIMITED)
    tiny = str(saved("bert-cased", tmp_path))
    settings = Settings(
        model=("builtin:bert", tiny), text="Bread.", pane="outputs", engine=f"{sys.executable} {script}"
    )
    app = EncoderApp(settings)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: all(slot.state == "exact" for slot in app.session.slots), 60)
        runs = app.query_one(OutputsPane).runs
        for _ in range(2):
            await pilot.press("r")
            await until(pilot, lambda: bool(runs.runs) and not runs.is_running, 60)
            first, second = runs.runs
            assert first.error == "builtin:bert: making random weights: out of memory"
            assert "making random weights: out of memory" in words(app)
            assert second.answer is not None
            assert app.session.engine.state.status in {"ready", "busy"}


def damaged(folder: Path) -> dict[str, Path]:
    """Checkpoints that are corrupt, of the wrong shape, not whole, and pickles, one safe and one not."""

    def made(name: str, change: Callable[[Path], Any]) -> Path:
        (folder / name).mkdir()
        directory = saved("bert-cased", folder / name)
        change(directory)
        return directory

    def pickle(directory: Path, content: Any) -> None:
        (directory / "model.safetensors").unlink()
        torch.save(content, directory / "pytorch_model.bin")

    positions = "embeddings.position_embeddings.weight"
    return {
        "corrupt": made("corrupt", lambda path: (path / "model.safetensors").write_bytes(b"\xff" * 99)),
        "misshapen": made(
            "misshapen", lambda path: rewrite(path, lambda all_: {**all_, positions: all_[positions][:32].clone()})
        ),
        "lacking": made(
            "lacking", lambda path: rewrite(path, lambda all_: {k: v for k, v in all_.items() if "pooler" not in k})
        ),
        "trap": made("trap", lambda path: pickle(path, {"embeddings.LayerNorm.weight": Trap(folder / "sprung")})),
    }


@pytest.mark.usefixtures("tasks_in_process", "unloaded")
async def test_what_is_wrong_with_a_checkpoint_is_told_by_the_pane_and_by_the_command(tmp_path: Path) -> None:
    models = damaged(tmp_path)
    app = EncoderApp(Settings(model=tuple(map(str, models.values())), text="Bread.", pane="outputs"))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: all(slot.state == "exact" for slot in app.session.slots), 60)
        runs = app.query_one(OutputsPane).runs
        await pilot.press("r")
        await until(pilot, lambda: bool(runs.runs) and not runs.is_running, 60)
        by_name = dict(zip(models, runs.runs, strict=True))
        assert "its weights cannot be loaded" in by_name["corrupt"].error
        assert "its weights cannot be loaded" in by_name["trap"].error
        assert not (tmp_path / "sprung").exists()
        assert by_name["lacking"].answer is not None
        shown = words(app)
    shown = " ".join(shown.split())
    assert "embeddings.position_embeddings.weight is 32 × 16 in the checkpoint and 64 × 16 in the model" in shown
    assert (
        "2 parameters are not in model.safetensors, and random when BertModel is loaded: pooler.dense.weight" in shown
    )

    command = [sys.executable, "-m", "encoder_tui", "run", "--json", "Bread."]
    named = [word for path in models.values() for word in ("-m", str(path))]
    done = subprocess.run([*command, *named], capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    entries = dict(zip(models, json.loads(done.stdout)["models"], strict=True))
    assert "error" in entries["corrupt"].keys() & entries["trap"].keys()
    assert entries["misshapen"]["weights"] == entries["lacking"]["weights"] == "checkpoint"
    assert "32 × 16 in the checkpoint" in done.stderr
    assert "pooler.dense.weight" in done.stderr
