"""Whatever kills the window, the terminal is as before, one sentence says what happened, and no process is left."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from encoder_tui.core.settings import log_path, state_path
from encoder_tui.window.terminal.sequences import RESTORE
from tests.promises.test_faults_terminal import PATIENCE, assert_given_back, until
from tests.support.engine_case import is_stopped, living, needs_proc
from tests.support.terminal import Terminal, encoder_tui

WINDOW = encoder_tui("-m", "builtin:bert", "--text", "lighthouse", "--fresh", "--offline")
SENTENCE = re.compile(r"encoder-tui: the window .* the terminal is restored; [^\r]*")
PROMPT = "READY>"

# What a library does that gets no memory, or fails an assertion; and what a C library does with a stray pointer.
FAULTY = """
import ctypes, sys
from encoder_tui.window import app
def action(self):
    {"abort": ctypes.CDLL(None).abort, "stray": lambda: ctypes.string_at(0)}[how]()
how = sys.argv.pop(1)
app.EncoderApp.action_models = action
from encoder_tui.__main__ import main
main()
"""


def said(terminal: Terminal) -> str:
    """The sentence on the terminal, and that nothing comes after it."""
    until(lambda: terminal.read(0.05) is not None and b"the terminal is restored" in terminal.output)
    terminal.read(0.2, whole_time=True)
    assert RESTORE.encode() in terminal.output
    after = bytes(terminal.output).rpartition(RESTORE.encode())[2].decode()
    found = SENTENCE.search(after)
    assert found is not None
    assert "\x1b" not in found[0]
    return found[0]


def restorers() -> list[int]:
    """The processes of this user's that run the window of these tests but are not the window."""
    found = []
    for pid in living(lambda pid, parent, group: parent != os.getpid()):
        try:
            words = (Path("/proc") / str(pid) / "cmdline").read_bytes()
            environ = (Path("/proc") / str(pid) / "environ").read_bytes()
        except OSError:
            continue
        if b"lighthouse" in words and f"HOME={Path.home()}".encode() in environ.split(b"\0"):
            found.append(pid)
    return found


@needs_proc
def test_a_window_that_is_killed_gives_its_terminal_back_and_leaves_no_process() -> None:
    with Terminal(WINDOW) as terminal:
        terminal.wait_for("[CLS]")
        assert len(restorers()) == 1
        os.kill(terminal.pid, signal.SIGKILL)
        assert terminal.exit_code(PATIENCE) == -signal.SIGKILL
        sentence = said(terminal)
        assert_given_back(terminal)
        assert "was killed (SIGKILL; perhaps the machine ran out of memory)" in sentence
        assert sentence.endswith(f"the logs are in {log_path()}")
        deadline = time.monotonic() + 2
        while restorers():
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.mark.parametrize(("how", "name"), [("abort", "SIGABRT"), ("stray", "SIGSEGV")])
def test_a_library_that_crashes_the_window_leaves_the_terminal_and_a_traceback(how: str, name: str) -> None:
    with Terminal([sys.executable, "-c", FAULTY, how, *WINDOW[3:]]) as terminal:
        terminal.wait_for("[CLS]")
        terminal.send("escape", "m")
        assert terminal.exit_code(PATIENCE) == -signal.Signals[name]
        sentence = said(terminal)
        assert_given_back(terminal)
    assert f"the window crashed ({name} in a library)" in sentence
    report = Path(sentence.partition("restored; ")[2].removesuffix(" has the traceback"))
    assert report.parent == log_path()
    assert report.stat().st_mode & 0o777 == 0o600
    assert "in action" in report.read_text()
    # It quotes no values: neither the text nor what was asked for.
    assert "lighthouse" not in report.read_text()


@needs_proc
@pytest.mark.parametrize("key", ["ctrl+q", "TERM"])
def test_a_window_that_ends_by_itself_ends_its_restorer_without_a_word(key: str) -> None:
    with Terminal(WINDOW) as terminal:
        terminal.wait_for("[CLS]")
        if key == "TERM":
            os.kill(terminal.pid, signal.SIGTERM)
        else:
            terminal.send(key)
        assert terminal.exit_code(PATIENCE) == (143 if key == "TERM" else 0)
        until(lambda: not restorers())
        terminal.read(0.2, whole_time=True)
        assert b"restored" not in terminal.output
        assert_given_back(terminal)


@needs_proc
def test_a_terminal_that_is_closed_ends_the_restorer_of_a_window_that_is_stopped() -> None:
    with Terminal(WINDOW) as terminal:
        terminal.wait_for("[CLS]")
        os.kill(terminal.pid, signal.SIGSTOP)
        until(lambda: is_stopped(terminal.pid))
        (restorer,) = restorers()
        os.close(terminal.fd)
        until(lambda: not living(lambda pid, parent, group: pid == restorer))
        os.kill(terminal.pid, signal.SIGKILL)


@needs_proc
def test_the_restorer_is_neither_a_child_of_the_window_nor_in_its_group() -> None:
    """So that nobody counts it among the engines, and `kill -9` of the whole job does not hit it."""
    with Terminal(WINDOW) as terminal:
        terminal.wait_for("[CLS]")
        (restorer,) = restorers()
        assert os.getpgid(restorer) == restorer != os.getpgid(terminal.pid)
        parent = (Path("/proc") / str(restorer) / "stat").read_text().rpartition(")")[2].split()[1]
        assert int(parent) != terminal.pid
        os.killpg(os.getpgid(terminal.pid), signal.SIGKILL)
        said(terminal)


def test_a_command_on_a_terminal_has_no_restorer() -> None:
    with Terminal(encoder_tui("-m", "builtin:bert", "tokens", "lighthouse")) as terminal:
        assert terminal.exit_code(PATIENCE) == 0
        until(lambda: not restorers())
    asked = "from encoder_tui.commands.cli import cli\nfrom encoder_tui.window.terminal import restorer\n"
    script = f"{asked}restorer.start()\ntry: cli(['config'])\nfinally: assert restorer._pipe == -1\n"
    with Terminal([sys.executable, "-c", script]) as terminal:
        assert terminal.exit_code(PATIENCE) == 0


@needs_proc
def test_the_restorer_takes_little_memory_and_no_time() -> None:
    script = (
        "import time, sys\nimport encoder_tui.__main__\nbegun = time.perf_counter()\n"
        "from encoder_tui.window.terminal import restorer\nrestorer.start()\n"
        "print(f'took {(time.perf_counter() - begun) * 1000:.2f} ms', flush=True)\n"
        "import encoder_tui.window.app\nprint('imported lighthouse', flush=True)\ntime.sleep(60)\n"
    )
    with Terminal([sys.executable, "-c", script, "lighthouse"]) as terminal:
        terminal.wait_for("imported")
        (restorer,) = [pid for pid in restorers() if pid != terminal.pid]
        rollup = (Path("/proc") / str(restorer) / "smaps_rollup").read_text()
        proportional = int(re.findall(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)[0])
        assert proportional < 8 << 10
        took = re.search(r"took ([\d.]+) ms", terminal.text)
        assert took is not None
        # Beside other tests on few cores; alone it is below 2.
        assert float(took[1]) < 50


@contextmanager
def shell() -> Iterator[tuple[Terminal, int]]:
    """A window in front of a real shell, and its process."""
    with Terminal(["bash", "--norc", "--noprofile", "-i"], environ={"PS1": PROMPT, "HISTFILE": ""}) as terminal:
        terminal.wait_for(PROMPT)
        terminal.send(shlex.join(WINDOW), "enter")
        terminal.wait_for("[CLS]")
        (window,) = living(lambda pid, parent, group: parent == terminal.pid)
        terminal.output.clear()
        yield terminal, window


needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")


@needs_proc
@needs_bash
def test_a_shell_shows_its_prompt_after_the_sentence_and_hears_commands() -> None:
    with shell() as (terminal, window):
        os.kill(window, signal.SIGKILL)
        said(terminal)
        until(lambda: terminal.read(0.05) is not None and terminal.output.endswith(PROMPT.encode()))
        terminal.output.clear()
        terminal.send("echo a${EMPTY}live", "enter")
        terminal.wait_for("alive")
        # Echoed once: by the shell, not by the terminal too.
        assert terminal.output.count(b"echo a") == 1


@needs_proc
@needs_bash
def test_a_shell_that_was_faster_draws_its_prompt_again() -> None:
    with shell() as (terminal, window):
        (restorer,) = [pid for pid in restorers() if pid != window]
        os.kill(restorer, signal.SIGSTOP)
        os.kill(window, signal.SIGKILL)
        until(lambda: terminal.read(0.05) is not None and terminal.output.endswith(PROMPT.encode()))
        os.kill(restorer, signal.SIGCONT)
        said(terminal)
        until(lambda: terminal.read(0.05) is not None and terminal.output.endswith(PROMPT.encode()))
        assert termios.tcgetwinsize(terminal.fd) == (40, 120)


@needs_proc
@needs_bash
def test_a_suspended_window_that_is_killed_touches_the_terminal_no_more() -> None:
    with shell() as (terminal, window):
        terminal.send("escape")
        terminal.wait_for("edit text")
        terminal.send("\x1a")
        terminal.wait_for("Stopped")
        terminal.read(0.2, whole_time=True)
        terminal.output.clear()
        os.kill(window, signal.SIGKILL)
        until(lambda: not restorers())
        terminal.send("echo a${EMPTY}live", "enter")
        terminal.wait_for("alive")
        assert b"restored" not in terminal.output
        assert b"\x1b[?1049l" not in terminal.output


def test_a_log_folder_that_cannot_be_had_costs_the_report_and_not_the_terminal() -> None:
    log_path().parent.mkdir(parents=True)
    log_path().write_text("a file in the place of the folder")
    with Terminal([sys.executable, "-c", FAULTY, "abort", *WINDOW[3:]]) as terminal:
        terminal.wait_for("[CLS]")
        terminal.send("escape", "m")
        terminal.exit_code(PATIENCE)
        until(lambda: terminal.read(0.05) is not None and b"the terminal is restored\r" in terminal.output)
        assert_given_back(terminal)


@pytest.mark.parametrize("how", ["killed", "crashed", "quit"])
def test_the_next_start_opens_without_what_the_last_one_died_with(how: str) -> None:
    state_path().parent.mkdir(parents=True, mode=0o700)
    state_path().write_text(json.dumps({"version": 1, "model": ["builtin:bert"], "text": "lighthouse"}))
    with Terminal([sys.executable, "-c", FAULTY, "abort", "--offline"]) as terminal:
        terminal.wait_for("lighthouse 1160")
        if how == "killed":
            os.kill(terminal.pid, signal.SIGKILL)
        else:
            terminal.send("escape", "m" if how == "crashed" else "ctrl+q")
        terminal.exit_code(PATIENCE)
    with Terminal(encoder_tui("--offline")) as terminal:
        if how == "quit":
            terminal.wait_for("lighthouse 1160")
            return
        terminal.wait_for("the last start ended within its first minute")
        terminal.wait_for("MIDS 266")
        assert "lighthouse" not in terminal.text
        terminal.send("ctrl+q")
        assert terminal.exit_code(PATIENCE) == 0
    remembered = json.loads(state_path().read_text())
    assert remembered["earlier_texts"] == ["lighthouse"]
    assert remembered["recent_models"][0] == "builtin:bert"
