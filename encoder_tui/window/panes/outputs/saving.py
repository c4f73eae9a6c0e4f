"""Saving the outputs, and Python code that reproduces them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual import on
from textual.message import Message
from textual.widgets import Input

from encoder_tui.client.client import EngineError, OperationFailed
from encoder_tui.client.saving import save_outputs, why_not
from encoder_tui.core.files.typed_paths import typed_path
from encoder_tui.core.models.files import name_of
from encoder_tui.core.report.reproduce import RunToReproduce, run_snippet
from encoder_tui.core.text.safe import visible
from encoder_tui.window.panes.outputs.runs import ModelRun, Runs
from encoder_tui.window.session.session import Session
from encoder_tui.window.widgets.field import Field

SOON = 0.5
"""Seconds of writing after which the window says so."""
PROPOSED = "outputs.safetensors"


class SavePath(Field):
    """An input for the path to save to, shown only while a path is requested."""

    DEFAULT_CSS = """
    SavePath { display: none; width: 1fr; margin: 0 1; }
    """

    class Chosen(Message):
        """The user gave a path."""

        def __init__(self, path: Path) -> None:
            super().__init__()
            self.path = path

    def __init__(self, id: str) -> None:
        super().__init__(PROPOSED, placeholder="a path that ends in .safetensors or .npz", compact=True, id=id)
        self._confirmed = ""

    def open(self) -> None:
        """Ask for a path."""
        self._confirmed = ""
        self.display = True
        self.focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            path = typed_path(self.value.strip() or PROPOSED)
            is_there = path.is_file()
        except OSError as error:
            self.notify(visible(f"{self.value.strip()} cannot be written: {error.strerror}"), markup=False)
            return
        if is_there and self._confirmed != self.value:
            self._confirmed = self.value
            self.notify(f"{visible(path.name)} already exists; press enter again to overwrite it", markup=False)
            return
        self.display = False
        self.post_message(self.Chosen(path))


async def save(session: Session, runs: Runs, path: Path) -> None:
    """Write the tensors of every model, and show a notice about the success or failure."""
    held = [run for run in runs.runs if run.is_held]
    answers = {run.number: (run.slot.name, run.answer) for run in held if run.answer is not None}
    if complaint := why_not(path, answers):
        session.notice(complaint, "error")
        return
    writing = asyncio.ensure_future(save_outputs(session.engine, path, answers))
    try:
        done, _ = await asyncio.wait([writing], timeout=SOON)
        if not done:
            session.notice(f"writing {path}; x cancels")
        await writing
    except asyncio.CancelledError:
        writing.cancel()
        raise
    except OSError as error:
        session.notice(f"{path} cannot be written: {error.strerror or error}", "error")
    except (EngineError, OperationFailed) as error:
        session.notice(f"{path} was not written: {error}", "error")
    else:
        tensors = sum(len(answer.outputs) for _, answer in answers.values())
        session.notice(f"saved {tensors:,} tensors to {path}")


def snippet(runs: list[ModelRun]) -> str:
    """Return Python code for the runs. Runs with random weights cannot be reproduced; a comment says so."""
    found, remarks = [], []
    for run in runs:
        if run.answer is None or run.files is None:
            continue
        files, in_force = run.files, run.answer.in_force
        if in_force.weights == "random":
            remarks.append(f"# {run.slot.name!a} ran with random weights, which this cannot reproduce.")
            continue
        name = name_of(files)
        cut = None if run.truncation is None else run.truncation.seen
        force = in_force.device, in_force.dtype, in_force.attention, in_force.threads
        found.append(RunToReproduce(name, cut, *force))
    if not runs:
        return ""
    question = runs[0].question
    words = run_snippet(found, question.text, question.hidden_states, question.attentions)
    return "\n".join([*remarks, words])
