"""The window's way to a report, in this process and in a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, OptionList

from encoder_tui.core.settings import Settings
from encoder_tui.window.app import EncoderApp
from encoder_tui.window.dialogs.report import ReportDialog
from tests.support.still import until
from tests.support.terminal import Terminal, encoder_tui


async def written_by_the_window(path: Path, text: str) -> str:
    """A report of a text and of counted documents, without the architectures, written through the dialog."""
    with pytest.MonkeyPatch.context() as patch:

        async def stay_silent(*_: object) -> None:
            return None

        patch.setattr("encoder_tui.window.session.loading.greet", stay_silent)
        rows = path.with_name("rows.jsonl")
        rows.write_text("".join(json.dumps({"text": word * 50}) + "\n" for word in ("lamp ", "sea ")))
        models = ("builtin:bert", "builtin:modernbert")
        app = EncoderApp(Settings(model=models, text=text, docs=str(rows), pane="documents"))
        async with app.run_test(size=(120, 40)) as pilot:
            pane: Any = app.query_one("#documents")
            await until(pilot, lambda: pane.counting is not None and pane.counting.state == "done")
            titles = [command.title for command in app.get_system_commands(app.screen)]
            assert "Report" in titles
            app.action_report()
            await until(pilot, lambda: isinstance(app.screen, ReportDialog) and bool(app.screen.query(OptionList)))
            app.screen.toggle(3)
            assert "architectures" not in app.screen.chosen
            app.screen.query_one(Input).value = str(path)
            await pilot.press("enter")
            await until(pilot, path.exists)
        return path.read_text()


def in_a_terminal(folder: Path) -> str:
    """A report asked for with keys alone."""
    path = folder / "r.md"
    command = encoder_tui("-m", "builtin:bert", "--text", "lens")
    root = str(Path(__file__).parents[2])
    with Terminal(["env", "-C", str(folder), *command], environ={"PYTHONPATH": root}) as terminal:
        terminal.wait_for("characters per token")
        terminal.send("ctrl+p")
        terminal.wait_for("Search for commands")
        terminal.send("report")
        terminal.wait_for("as a Markdown file")
        terminal.send("enter")
        terminal.wait_for("│ encoder-tui-report.md")
        for _ in range(60):
            # The field is drawn before it has the focus, and a key that comes in between is nobody's.
            terminal.send("\x15")  # deletes the line
            terminal.read(0.5, whole_time=True)
            if "│ a path" in terminal.text:
                break
        terminal.send("r.md")
        terminal.wait_for("│ r.md")
        terminal.send("tab", *["down"] * 3, " ")
        terminal.wait_for("│   architectures")
        terminal.send("\x1b[Z", "enter")
        terminal.wait_for("saved the report to")
    return path.read_text()
