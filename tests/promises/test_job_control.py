"""A window among the jobs of a real shell."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
from collections.abc import Iterator

import pytest

from tests.long_use import children
from tests.support.engine_case import living, needs_proc
from tests.support.terminal import Terminal, encoder_tui

pytestmark = [
    needs_proc,
    pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash"),
]
PROMPT = "READY>"


@contextlib.contextmanager
def job() -> Iterator[tuple[Terminal, int]]:
    """A shell with a window as its first job, in front, whose engine is there; and the window's process."""
    with Terminal(["bash", "--norc", "--noprofile", "-i"], environ={"PS1": PROMPT, "HISTFILE": ""}) as terminal:
        terminal.wait_for(PROMPT)
        command = shlex.join(encoder_tui("-m", "builtin:bert", "--text", "lighthouse", "--fresh", "--offline"))
        terminal.send(command, "enter")
        terminal.wait_for("engine ready", 60)
        (window,) = children(terminal.pid)
        try:
            yield terminal, window
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(window, signal.SIGKILL)


def gone(*pids: int) -> bool:
    return not living(lambda pid, parent, group: pid in pids)


def suspended(terminal: Terminal) -> None:
    """The window stopped by its own key, and the shell in front."""
    terminal.send("escape")
    terminal.wait_for("edit text")
    terminal.send("\x1a")
    terminal.wait_for("Stopped")


def answers(terminal: Terminal) -> None:
    """The shell has its terminal back."""
    terminal.send("echo a${EMPTY}live", "enter")
    terminal.wait_for("alive")


def hears(terminal: Terminal, window: int) -> None:
    """The window is drawn and hears a key, which the terminal does not echo."""
    terminal.wait_for("engine ready")
    terminal.wait_for("edit text")
    terminal.send("e")
    terminal.wait_for(lambda text: "edit text" not in text)
    terminal.send("quokka")
    terminal.wait_for("lighthousequokka")
    terminal.send("ctrl+q")
    terminal.wait_for(lambda text: gone(window))
    answers(terminal)


def test_a_window_sent_to_the_back_waits_there_and_is_whole_in_front() -> None:
    with job() as (terminal, window):
        suspended(terminal)
        terminal.send("bg", "enter")
        terminal.read(1, whole_time=True)
        terminal.screen.reset()
        terminal.send("fg", "enter")
        hears(terminal, window)


def test_a_window_stopped_by_force_has_its_terminal_again_in_front() -> None:
    with job() as (terminal, window):
        terminal.send("escape")
        terminal.wait_for("edit text")
        os.kill(window, signal.SIGSTOP)
        terminal.wait_for("Stopped")
        terminal.screen.reset()
        terminal.send("fg", "enter")
        hears(terminal, window)


@pytest.mark.parametrize("name", ["TERM", "HUP"])
def test_a_suspended_window_that_is_killed_by_its_shell_leaves_no_process(name: str) -> None:
    with job() as (terminal, window):
        engines = children(window)
        assert engines
        suspended(terminal)
        terminal.send(f"kill -{name} %1", "enter")
        terminal.wait_for(lambda text: gone(window, *engines), 4)
        answers(terminal)
