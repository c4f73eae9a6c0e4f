"""A real pseudo-terminal with a program in it, and the screen as a person sees it."""

from __future__ import annotations

import compileall
import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import pyte

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "backspace": "\x7f",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "ctrl+q": "\x11",
    "ctrl+p": "\x10",
    "f1": "\x1bOP",
    "f2": "\x1bOQ",
    "f3": "\x1bOR",
    "f4": "\x1bOS",
    "f5": "\x1b[15~",
    "f6": "\x1b[17~",
    "f7": "\x1b[18~",
}


class Terminal:
    """Runs a command in a pseudo-terminal of a given size and reads its screen with pyte."""

    def __init__(
        self,
        command: Sequence[str],
        columns: int = 120,
        lines: int = 40,
        environ: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.output = bytearray()
        self.started = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # What is ignored stays so through exec: under `nohup` no program would hear that its terminal hung up,
            # and as a job behind no shell a ctrl+c.
            for number in (signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            _set_size(0, columns, lines)
            if folder is not None:
                os.chdir(folder)
            given = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(environ or {})}
            # With an environment of its own: readline, which pytest imports, sets COLUMNS behind Python's back,
            # and a program asks that before it asks the terminal.
            os.execvpe(command[0], list(command), given)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the program, politely first."""
        with contextlib.suppress(OSError):
            os.close(self.fd)
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGTERM)
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline:
                if os.waitpid(self.pid, os.WNOHANG)[0]:
                    return
                time.sleep(0.02)
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size, as a window manager would."""
        _set_size(self.fd, columns, lines)
        self.screen.resize(lines, columns)

    def read(self, seconds: float = 0.05, whole_time: bool = False) -> bytes:
        """Take in what the program writes: what comes first within a time, or all that comes in it."""
        taken = bytearray()
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            ready, _, _ = select.select([self.fd], [], [], left)
            if not ready:
                continue
            try:
                data = os.read(self.fd, 1 << 16)
            except OSError:  # Linux says so when the program has ended
                break
            if not data:
                break
            taken += data
            self.output += data
            self.stream.feed(data)
            if not whole_time:
                break
        return bytes(taken)

    @property
    def text(self) -> str:
        """The screen, line by line."""
        # Not by `display`, which fails where a smaller window has cut a wide character in two.
        buffer, columns = self.screen.buffer, range(self.screen.columns)
        lines = ("".join(buffer[line][column].data for column in columns) for line in range(self.screen.lines))
        return "\n".join(line.rstrip() for line in lines)

    def wait_for(self, seen: str | Callable[[str], bool], seconds: float = 30) -> str:
        """Read until a text (or a condition on the whole screen) is there; returns the screen."""
        found = seen if callable(seen) else (lambda text: seen in text)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.read(0.05)
            if found(self.text):
                return self.text
        raise AssertionError(f"{seen!r} did not come within {seconds} s; the screen is\n{self.text}")

    def send(self, *keys: str) -> None:
        """Press keys by name, or type a text."""
        for key in keys:
            os.write(self.fd, KEYS.get(key, key).encode())
            if key == "escape":
                # A terminal's escape key and the first byte of a function key differ only in what follows at once,
                # and a busy program reads late.
                self.read(0.5, whole_time=True)

    def exit_code(self, seconds: float = 10) -> int:
        """Wait for the program's end."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(f"the program did not end within {seconds} s; the screen is\n{self.text}")


def _set_size(fd: int, columns: int, lines: int) -> None:
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


def compile_package() -> None:
    """Compile the package, as installing does: where Python may write no bytecode, every start compiles it anew."""
    compileall.compile_dir(Path(__file__).resolve().parents[2] / "encoder_tui", quiet=2)


def encoder_tui(*arguments: str) -> list[str]:
    """The command that runs the program of this checkout."""
    return [sys.executable, "-m", "encoder_tui", *arguments]
