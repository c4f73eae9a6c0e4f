"""What terminals do to programs, done to this one: signals, hang-ups, storms of sizes, no colours, no reader."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pyte.screens import Char

from encoder_tui.window.terminal.driver import BACKLOG, RESTORE
from tests.support.engine_case import is_stopped, living, needs_proc
from tests.support.saved_models import saved
from tests.support.terminal import Terminal, encoder_tui

PAIR = ("-m", "builtin:bert", "-m", "builtin:modernbert")
PATIENCE = 60.0
MODES = re.compile(rb"\x1b\[\?(\d+)([hl])")
SPOKE = re.compile(r"engine (ready|busy|importing)")
COLOURS = re.compile(r"\x1b\[([\d;]*)m")


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come about within a minute"
        time.sleep(0.02)


def started_by(parent: int) -> list[int]:
    return living(lambda pid, its_parent, group: its_parent == parent)


def assert_given_back(terminal: Terminal) -> None:
    """The alternate screen is left, mouse, paste and focus reports are off, the cursor is on, and keys are echoed."""
    last = {int(mode): setting for mode, setting in MODES.findall(bytes(terminal.output))}
    assert last[1049] == b"l"
    assert last[25] == b"h"
    assert last[7] == b"h"
    assert [mode for mode in (1000, 1003, 1004, 1006, 1015, 2004) if last[mode] == b"h"] == []
    assert terminal.output.count(b"\x1b[<u") == terminal.output.count(b"\x1b[>")
    assert termios.tcgetattr(terminal.fd)[3] & termios.ECHO


def ready(terminal: Terminal) -> list[int]:
    """Wait until tokens are there and the engine has been started; the processes of the engine."""
    terminal.wait_for("blocks agree")
    until(lambda: bool(terminal.read(0.01) or started_by(terminal.pid)))
    until(lambda: terminal.read(0.01) is not None and bool(started_by(terminal.pid)))
    return started_by(terminal.pid)


def ended(pid: int) -> bool:
    return not living(lambda it, parent, group: it == pid)


@needs_proc
@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129), ("SIGINT", 130)])
def test_a_signal_ends_the_window_in_order_and_its_engine_with_it(name: str, code: int) -> None:
    """While the engine is still importing torch."""
    with Terminal(encoder_tui(*PAIR)) as terminal:
        engines = ready(terminal)
        os.kill(terminal.pid, signal.Signals[name])
        assert terminal.exit_code(PATIENCE) == code
        assert_given_back(terminal)
    until(lambda: all(map(ended, engines)))


HANGING = """
import signal, sys
from encoder_tui.core import settings
from encoder_tui.window import app
def hang(self):
    self.call_later(lambda: print("hanging", file=open(sys.argv[1], "w")))
    def forever():
        while True: pass
    self.call_later(forever)
app.EncoderApp.action_models = hang
app.run(settings.Settings(model=("builtin:bert",), text="x"))
"""


@needs_proc
def test_a_window_that_hangs_is_ended_by_force_and_the_screen_given_back(tmp_path: Path) -> None:
    with Terminal([sys.executable, "-c", HANGING, str(tmp_path / "hangs")]) as terminal:
        terminal.wait_for("[CLS]")
        terminal.wait_for(lambda text: bool(started_by(terminal.pid)))
        engines = started_by(terminal.pid)
        terminal.send("escape")
        terminal.wait_for("edit text")
        terminal.send("m")
        until((tmp_path / "hangs").exists)
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.exit_code(PATIENCE) == 143
        terminal.read(0.1)
        assert bytes(terminal.output).rstrip().endswith(RESTORE.encode())
        assert_given_back(terminal)
    until(lambda: all(map(ended, engines)))


# As under `nohup`, or where the terminal is not the controlling one: nobody sends a SIGHUP.
UNTOLD = "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"


@needs_proc
@pytest.mark.parametrize("told", [True, False], ids=["with SIGHUP", "without SIGHUP"])
def test_a_closed_terminal_leaves_no_process(told: bool) -> None:
    command = encoder_tui(*PAIR)
    with Terminal(command if told else [sys.executable, "-c", UNTOLD, *command]) as terminal:
        engines = ready(terminal)
        os.close(terminal.fd)
        until(lambda: ended(terminal.pid))
        until(lambda: all(map(ended, engines)))
        status = os.waitpid(terminal.pid, 0)[1]
        assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGHUP


@needs_proc
@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
def test_kill_9_of_the_window_leaves_no_engine(stopped: bool) -> None:
    """Neither that of the models nor that of the documents."""
    with Terminal(encoder_tui(*PAIR, "--pane", "documents")) as terminal:
        terminal.wait_for(lambda text: "documents counted" in text and SPOKE.search(text) is not None, PATIENCE)
        engines = started_by(terminal.pid)
        assert len(engines) == 2
        try:
            for engine in engines if stopped else ():
                os.kill(engine, signal.SIGSTOP)
                until(lambda engine=engine: is_stopped(engine))  # type: ignore[misc]
            os.kill(terminal.pid, signal.SIGKILL)
            until(lambda: all(map(ended, engines)))
        finally:
            for engine in engines:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(engine, signal.SIGKILL)


@needs_proc
def test_ctrl_z_gives_the_screen_back_and_going_on_draws_it_again() -> None:
    with Terminal(encoder_tui(*PAIR, "--text", "lighthouse")) as terminal:
        terminal.wait_for("lighthouse 1160")
        terminal.send("escape")
        terminal.wait_for("edit text")
        terminal.send("\x1a")
        terminal.wait_for(lambda text: is_stopped(terminal.pid))
        terminal.read(0.2, whole_time=True)
        assert_given_back(terminal)
        terminal.screen.reset()
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.wait_for("lighthouse 1160")
        # A stop that nobody could see coming: what the terminal shows may be anybody's.
        os.kill(terminal.pid, signal.SIGSTOP)
        terminal.wait_for(lambda text: is_stopped(terminal.pid))
        terminal.screen.reset()
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.wait_for("lighthouse 1160")
        terminal.send("e")
        terminal.wait_for(lambda text: "edit text" not in text)
        typed = "abcdefghijklmnopqrstuvwxyz"
        terminal.send(*typed)
        terminal.wait_for(f"lighthouse{typed}")
        terminal.send("ctrl+q")
        assert terminal.exit_code(PATIENCE) == 0
        assert_given_back(terminal)


def test_a_storm_of_200_sizes_down_to_one_cell_ends_with_the_last_of_them() -> None:
    with Terminal(encoder_tui(*PAIR), environ={"COLUMNS": "77", "LINES": "7"}) as terminal:
        terminal.wait_for("blocks agree")
        for pane in ("f4", "f2"):
            terminal.send(pane)
            for step in range(100):
                columns, lines = (1, 1) if step % 10 == 9 else (1 + step * 37 % 200, 1 + step * 13 % 60)
                fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
                terminal.read(0.01)
        terminal.screen.reset()
        terminal.resize(100, 30)
        terminal.wait_for(lambda text: "blocks agree" in text and "^q quit" in text.split("\n")[29])
        assert terminal.text.count("^q quit") == 1
        terminal.send("ctrl+q")
        assert terminal.exit_code(PATIENCE) == 0


def test_smaller_and_back_again_at_once_draws_what_the_terminal_has_lost_and_keeps_the_focus() -> None:
    sizes = random.Random(7)
    with Terminal(encoder_tui(*PAIR, "--text", "A lighthouse keeper.")) as terminal:
        terminal.wait_for("engine ready")
        terminal.send("escape")
        whole = terminal.wait_for(lambda text: "blocks agree" in text and "y copy block" in text)
        for _ in range(25):
            for _ in range(sizes.randint(1, 4)):
                terminal.resize(*sizes.choice([(1, 1), (60, 16), (119, 40), (120, 39), (200, 60)]))
                terminal.read(sizes.choice([0.0, 0.001, 0.008, 0.03]), whole_time=True)
            terminal.resize(120, 40)
            terminal.wait_for(lambda text: text == whole)


@pytest.mark.parametrize("name", ["dumb", "unknown"])
def test_a_terminal_that_cannot_move_its_cursor_is_a_sentence_and_code_2(name: str) -> None:
    with Terminal(encoder_tui(*PAIR), environ={"TERM": name}) as terminal:
        assert terminal.exit_code(PATIENCE) == 2
        said = terminal.output.decode().replace("\r\n", "")
    assert said.startswith(f"encoder-tui: TERM={name} says that the terminal")
    assert "\x1b" not in said


def test_with_stderr_in_a_file_the_window_is_on_the_terminal_and_nothing_in_the_file(tmp_path: Path) -> None:
    shell = 'file="$1"; shift; exec "$@" 2>"$file"'
    with Terminal(["sh", "-c", shell, "sh", str(tmp_path / "errors"), *encoder_tui(*PAIR)]) as terminal:
        terminal.wait_for("blocks agree")
        terminal.send("ctrl+q")
        assert terminal.exit_code(PATIENCE) == 0
    assert (tmp_path / "errors").read_bytes() == b""


def test_a_command_without_any_open_stream_still_ends_with_its_exit_code() -> None:
    closed = subprocess.run(["sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh", *encoder_tui()], check=False)
    assert closed.returncode == 2


def test_a_command_whose_stderr_is_closed_still_prints_its_answer() -> None:
    command = encoder_tui("-m", "builtin:bert", "tokens", "a lighthouse", "--json")
    closed = subprocess.run(["sh", "-c", 'exec "$@" 2>&-', "sh", *command], check=True, stdout=subprocess.PIPE)
    assert b'"input_ids"' in closed.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_a_remark_that_cannot_be_written_costs_no_measurement(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    model = str(saved("bert-cased", tmp_path))
    command = encoder_tui("-m", model, "time", "--lengths", "8", "--min-time", "0.05", "--json")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=full)
    assert b'"median_s"' in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_an_option_whose_words_cannot_be_written_says_so_in_a_line(option: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(encoder_tui(option), check=False, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def colours(terminal: Terminal) -> set[tuple[int, ...]]:
    """The colours that were asked of the terminal: (r, g, b), or (n,) of its palette."""
    found: set[tuple[int, ...]] = set()
    for codes in COLOURS.findall(terminal.output.decode("utf-8", "replace")):
        numbers = [int(code or 0) for code in codes.split(";")]
        while numbers:
            code = numbers.pop(0)
            if code in {38, 48}:
                size = {2: 3, 5: 1}[numbers.pop(0)]
                found.add(tuple(numbers[:size]))
                del numbers[:size]
            elif 30 <= code <= 37 or 40 <= code <= 47 or 90 <= code <= 97 or 100 <= code <= 107:
                found.add((code % 10 + (8 if code >= 90 else 0),))
    return found


def test_no_color_leaves_only_greys_and_what_differs_is_still_told_in_words() -> None:
    with Terminal(encoder_tui(*PAIR), environ={"NO_COLOR": "1"}) as terminal:
        terminal.wait_for("they differ at")
        terminal.send("f3")
        terminal.wait_for("Parameters")
        asked = colours(terminal)
    assert len(asked) > 1
    assert {colour for colour in asked if len(set(colour)) > 1 or len(colour) == 1} == set()


def test_with_16_colours_every_character_differs_from_its_background() -> None:
    with Terminal(encoder_tui(*PAIR), environ={"TERM": "xterm", "COLORTERM": ""}) as terminal:
        terminal.wait_for("blocks agree")
        for pane, seen in (("f4", "documents counted"), ("f7", "lengths"), ("f2", "blocks agree")):
            terminal.send(pane)
            terminal.wait_for(seen)
            unseen = [
                (row, column, cell.data)
                for row, line in terminal.screen.buffer.items()
                for column, cell in line.items()
                if cell.data.strip() and cell.fg == cell.bg != "default"
            ]
            assert unseen == []
        assert all(len(colour) == 1 for colour in colours(terminal))
        # The terminal's own colours: blue and magenta for the letters, and a selection that is no black on black.
        letters = {cell.data: cell.fg for row in (4, 5) for cell in (terminal.screen.buffer[row][1],)}
        assert letters == {"A": "blue", "B": "magenta"}
        terminal.send("\x1b[1;2D", "\x1b[1;2D", "\x1b[1;2D")
        line = terminal.screen.buffer[2]
        until(lambda: terminal.read(0.05) is not None and bool(selected(line)))
        assert {(cell.fg, cell.bg) for cell in selected(line)} == {("black", "white")}


def selected(line: Mapping[int, Char]) -> list[Char]:
    """The cells of a line that have a background, the cursor's left out."""
    return [cell for cell in line.values() if cell.bg != "default" and not cell.reverse]


def test_a_reader_that_sleeps_gets_the_last_state_and_keys_are_heard_meanwhile() -> None:
    with Terminal(encoder_tui(*PAIR, "--text", "start"), columns=200, lines=60) as terminal:
        terminal.wait_for("engine ready")
        # Nobody reads: what the pane draws for so many keys is megabytes.
        typed = "a lighthouse keeper " * 3
        for key in typed:
            os.write(terminal.fd, key.encode())
            time.sleep(0.005)
        settled(terminal)
        terminal.output.clear()
        terminal.wait_for(lambda text: "".join(text.split()).count("keeper") >= 3)
        # What the kernel holds, what may wait, and whole frames.
        assert len(terminal.output) < (1 << 17) + BACKLOG + (1 << 17)


def test_ctrl_q_ends_the_window_though_nobody_reads_what_it_writes() -> None:
    with Terminal(encoder_tui(*PAIR), columns=200, lines=60) as terminal:
        terminal.wait_for("blocks agree")
        for key in "ab" * 100:
            os.write(terminal.fd, key.encode())
        os.write(terminal.fd, b"\x11")
        until(lambda: os.waitid(os.P_PID, terminal.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None)
        assert os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1]) == 0


def settled(terminal: Terminal) -> None:
    """Return once the program has used no processor time for a while, without reading from its terminal."""
    stat = Path("/proc") / str(terminal.pid) / "stat"
    before, quiet = "", 0
    while quiet < 5:
        now = " ".join(stat.read_text().rpartition(")")[2].split()[11:13])
        quiet = quiet + 1 if now == before else 0
        before = now
        time.sleep(0.1)
        assert select.select([terminal.fd], [], [], 0) is not None
