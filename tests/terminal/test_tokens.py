"""The Tokens pane in a real pseudo-terminal with the real engine."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.support.terminal import Terminal, encoder_tui

PAIR = ("-m", "builtin:bert", "-m", "builtin:modernbert")


def leave_the_text(terminal: Terminal) -> None:
    """From the text field to the ribbon, where letters are commands."""
    terminal.wait_for(lambda text: "[CLS]" in text)
    terminal.send("escape")
    terminal.wait_for("edit text")


def test_typing_tokenizes_at_every_key() -> None:
    with Terminal(encoder_tui(*PAIR, "--text", "lighthouse")) as terminal:
        terminal.wait_for("lighthouse 1160")
        for key, count in (("s", 4), ("!", 5)):
            terminal.send(key)
            terminal.wait_for(f" A  {count} tokens")


def test_the_reference_models_show_17_and_15_tokens_aligned(reference_models: tuple[Path, Path]) -> None:
    names = [word for path in reference_models for word in ("-m", str(path))]
    text = "This is MIDS 266. Let's learn some NLP!"
    with Terminal(encoder_tui(*names, "--text", text)) as terminal:
        screen = terminal.wait_for(lambda text: "7 of 11 blocks agree" in text and "ĠM IDS" in text, 60)
        assert " A  17 tokens" in screen
        assert " B  15 tokens" in screen
        lines = screen.splitlines()
        (row,) = [index for index, line in enumerate(lines) if line.startswith(" A [CLS]")]
        column = lines[row].index("MI ##DS")
        assert lines[row + 1].index("ĠM IDS") == column
        assert lines[row - 1].index("MIDS") == column


def test_ctrl_q_quits_with_code_0_and_gives_the_screen_back() -> None:
    with Terminal(encoder_tui(*PAIR)) as terminal:
        terminal.wait_for("blocks agree")
        terminal.send("ctrl+q")
        assert terminal.exit_code() == 0
        assert terminal.output.rstrip().endswith(b"\x1b[?25h") or b"\x1b[?1049l" in terminal.output


def test_sigterm_gives_the_screen_back() -> None:
    with Terminal(encoder_tui(*PAIR)) as terminal:
        terminal.wait_for("blocks agree")
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.exit_code() == 143
        assert b"\x1b[?1049l" in terminal.output


def test_a_window_of_20_by_5_says_that_it_is_too_small_and_comes_back() -> None:
    with Terminal(encoder_tui(*PAIR), columns=20, lines=5) as terminal:
        terminal.wait_for("20×5")
        terminal.resize(80, 24)
        terminal.wait_for("blocks agree")


def test_nothing_of_a_hostile_text_is_obeyed() -> None:
    hostile = "\x1b]0;owned\x07 \x1b[2J \x9b31m [bold]x[/bold] \u202e \ud83d"
    with Terminal(encoder_tui(*PAIR, "--text", hostile.encode("utf-8", "replace").decode())) as terminal:
        screen = terminal.wait_for("[bold]")
        leave_the_text(terminal)
        terminal.send("v", "v")
        terminal.wait_for("input_ids")
        assert b"owned\x07" not in terminal.output
        assert "\u202e".encode() not in terminal.output
        assert b"\xc2\x9b" not in terminal.output
        assert "␛" in screen


def test_without_a_terminal_it_says_so_and_ends_with_code_2() -> None:
    import subprocess

    done = subprocess.run(encoder_tui(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "terminal" in done.stderr


CRASHING = """
from encoder_tui.core import settings
from encoder_tui.window import app
def fail(self):
    secret = "a secret text"
    raise RuntimeError(secret)
app.EncoderApp.action_models = fail
raise SystemExit(app.run(settings.Settings(model=("builtin:bert",), text="a secret text")))
"""


def test_a_crash_gives_the_screen_back_and_writes_a_report_without_the_text(home: Path) -> None:
    with Terminal([sys.executable, "-c", CRASHING]) as terminal:
        leave_the_text(terminal)
        terminal.send("m")
        assert terminal.exit_code() == 1
        ending = terminal.output.rpartition(b"\x1b[?1049l")[2].decode()
    assert "something went wrong" in ending
    assert "Traceback" not in ending
    (report,) = home.rglob("crash-*.txt")
    assert str(report) in ending.replace("\r\n", "")
    assert "RuntimeError" in report.read_text("utf-8")
    assert "secret text" not in report.read_text("utf-8")
    assert report.stat().st_mode & 0o077 == 0


def test_what_a_library_writes_to_descriptor_2_does_not_tear_the_screen() -> None:
    noisy = """
import os
from encoder_tui.core import settings
from encoder_tui.window import app
app.EncoderApp.action_models = lambda self: (os.write(2, b"TORN"), self.notify("written"))
app.run(settings.Settings(model=("builtin:bert",), text="x"))
"""
    with Terminal([sys.executable, "-c", noisy]) as terminal:
        leave_the_text(terminal)
        terminal.send("m")
        terminal.wait_for("written")
        assert b"TORN" not in terminal.output


def test_a_model_whose_plain_file_is_not_exact_is_shown_provisionally_and_then_corrected(tmp_path: Path) -> None:
    from tests.support.model_directories import all_directories

    folder = all_directories()["bert-lowercase-contradicts"](tmp_path / "model")
    with Terminal(encoder_tui("-m", str(folder), "--text", "A Lighthouse Keeper")) as terminal:
        terminal.wait_for("provisional")
        terminal.wait_for(lambda text: "the exact tokenizer" in text and "changes" in text, 60)
        terminal.wait_for(lambda text: "provisional" not in text)


def test_the_default_pair_has_stand_ins_where_the_hub_does_not_answer() -> None:
    with Terminal(encoder_tui("--text", "lighthouse")) as terminal:
        screen = terminal.wait_for("because the Hub cannot be reached and nothing is cached")
        assert "builtin:bert" in screen
        assert " B  " in screen
