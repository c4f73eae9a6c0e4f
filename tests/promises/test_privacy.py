"""What the user reads stays with the user: neither logged nor kept nor sent, and nobody else's code runs unasked."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from textual.widgets import Input

from encoder_tui.core.outputs.runs import Batch
from encoder_tui.core.settings import Settings, cache_path, data_path, log_path
from encoder_tui.core.timing.files import lines_of, run_of
from encoder_tui.core.timing.samples import Point
from encoder_tui.core.tokens.rust_errors import silence
from encoder_tui.core.tokens.tokenizer import ModelTokenizer, TokenizationError
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.protocol.models import TokenizerRequest
from encoder_tui.protocol.parameters import DescribeRequest
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.panes.documents.pane import DocumentsPane
from encoder_tui.window.panes.outputs.pane import OutputsPane
from encoder_tui.window.panes.timing.pane import TimingPane
from tests.core.timing.test_run import measured
from tests.core.tokens.test_tokenizer import hostile
from tests.support.fake_hub import FakeHub
from tests.support.hub_case import REPO, serving, write_model
from tests.support.still import until
from tests.support.terminal import Terminal
from tests.terminal.test_tokens import CRASHING, leave_the_text

SECRET = "quokka"
"""A word that stands in the text and in the documents, and nowhere else."""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    repository = write_model(tmp_path / "repository")
    for weights in ("model.safetensors", "pytorch_model.bin", "model.safetensors.index.json"):
        (repository / weights).unlink()  # they are none; without any, values are random
    with serving(repository, monkeypatch) as server:
        yield server


def holding(folder: Path, secret: str) -> list[Path]:
    """The files under a folder in which a word stands, in either case and in two encodings."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes().lower()
            found += [path] if secret.encode() in content or secret.encode("utf-16-le") in content else []
    return found


async def test_no_pane_logs_keeps_or_sends_what_is_read_in_it(fake: FakeHub, tmp_path: Path) -> None:
    documents = tmp_path / "documents.jsonl"
    documents.write_text(json.dumps({"text": f"the {SECRET} and the lens"}) + "\n")
    settings = Settings(model=(REPO,), text=f"Tiny {SECRET} tokens fly.", docs=str(documents))
    app = EncoderApp(settings)
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, lambda: app.session.slots[0].state in {"exact", "failed"})
        assert app.session.slots[0].state == "exact"
        await app.action_pane("documents")
        pane = app.query_one(DocumentsPane)
        await until(pilot, lambda: pane.counting is not None and pane.counting.state == "done" and pane.readings)
        await app.action_pane("outputs")
        outputs = app.query_one(OutputsPane)
        await outputs.run_action("run")
        await until(pilot, lambda: bool(outputs.runs.runs) and not outputs.runs.is_running)
        assert outputs.runs.runs[0].answer is not None
        await app.action_pane("timing")
        timing = app.query_one(TimingPane)
        timing.query_one("#min-time", Input).value = "0.01"
        timing.action_notebook()
        await until(pilot, lambda: timing.measurer.run is not None and not timing.measurer.is_measuring)
        assert timing.measurer.run is not None
        assert timing.measurer.run.has_results, timing.measurer.ending
        await app.action_pane("parameters")
        await pilot.pause(0.2)
    assert holding(tmp_path, SECRET) == [documents], "the home is in there too"
    assert (log_path() / "engine.log").is_file()
    assert [*(data_path() / "timing").iterdir()]
    for seen in fake.requests:
        assert SECRET not in json.dumps([seen.path, seen.headers]).lower()
        assert seen.method in {"GET", "HEAD"}, "nothing is uploaded"
    for folder in (cache_path(), data_path(), log_path()):
        for path in [folder, *folder.rglob("*")]:
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_kept_run_of_a_text_holds_its_lengths_and_not_its_ids() -> None:
    run = measured()
    given = Batch([[101, 7592, 102]], [[1, 1, 1]])
    for place, samples in list(run.samples.items()):
        point = msgspec.structs.replace(samples.point, given=given)
        run.samples[place] = msgspec.structs.replace(samples, point=point)
    run.groups = [[msgspec.structs.replace(point, given=given) for point in group] for group in run.groups]
    lines = lines_of(run)
    assert "7592" not in "".join(lines)
    again = run_of(lines)
    kept: list[Point] = [point for group in again.groups for point in group]
    assert all(point.given == Batch([[0, 0, 0]], [[1, 1, 1]]) for point in kept)


def test_a_library_that_panics_over_a_text_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    panics = {"type": "Strip", "content": "a", "start": 10, "stop": 10}
    form = hostile(decoder=panics)
    with pytest.raises(TokenizationError):
        ModelTokenizer(form).decode([0])
    assert capfd.readouterr().err == ""


def test_descriptor_2_leads_back_after_the_last_of_several_silences(capfd: pytest.CaptureFixture[str]) -> None:
    with silence():
        with silence():
            os.write(2, b"inner")
        os.write(2, b"outer")
    os.write(2, b"afterwards")
    assert capfd.readouterr().err == "afterwards"


@pytest.fixture
def with_code(tmp_path: Path) -> tuple[Path, Path]:
    """A model directory that brings its own code, and the file that this code writes once it runs."""
    folder, trace = write_model(tmp_path / "with code"), tmp_path / "it ran"
    body = f"import pathlib\npathlib.Path({str(trace)!r}).write_text('')\n"
    (folder / "code.py").write_text(
        f"{body}from transformers import BertConfig, BertModel, PreTrainedTokenizerFast\n"
        "class OwnConfig(BertConfig):\n    model_type = 'own'\n"
        "class OwnModel(BertModel):\n    config_class = OwnConfig\n"
        "class OwnTokenizer(PreTrainedTokenizerFast):\n    pass\n"
    )
    classes = {"AutoConfig": "code.OwnConfig", "AutoModel": "code.OwnModel"}
    config = json.loads((folder / "config.json").read_text()) | {"model_type": "own", "auto_map": classes}
    (folder / "config.json").write_text(json.dumps(config))
    named = {"tokenizer_class": "OwnTokenizer", "auto_map": {"AutoTokenizer": [None, "code.OwnTokenizer"]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(named))
    return folder, trace


@pytest.mark.parametrize("trusted", [False, True])
def test_a_models_own_code_runs_only_where_it_was_trusted(with_code: tuple[Path, Path], trusted: bool) -> None:
    from encoder_tui.engine.operations import describe, tokenizer

    folder, trace = with_code
    job = Job(1, lambda message: None)
    for task, request in (
        (tokenizer, TokenizerRequest("own", str(folder), None, trusted)),
        (describe, DescribeRequest("own", str(folder), str(folder), None, None, True, trusted)),
    ):
        # Where the code is missing, another class may do, or none.
        with contextlib.suppress(OperationError):
            task.run(request, job)  # type: ignore[attr-defined]
    assert trace.exists() is trusted


def test_a_crash_with_debug_shows_the_traceback_and_still_not_the_text() -> None:
    crashing = CRASHING.replace("text=", "debug=True, text=")
    with Terminal([sys.executable, "-c", crashing]) as terminal:
        leave_the_text(terminal)
        terminal.send("m")
        assert terminal.exit_code(30) == 1
        ending = terminal.output.rpartition(b"\x1b[?1049l")[2].decode()
    assert "in fail" in ending
    assert "RuntimeError" in ending
    assert "something went wrong" in ending
    assert "a secret text" not in ending.replace('secret = "a secret text"', "")
