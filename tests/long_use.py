"""A person who presses keys without end: `python -m tests.long_use --minutes 120 --seed 7`.

What is pressed follows from the seed alone. Between presses the processes are looked at from outside: memory, file
descriptors, threads, tasks, logs. What goes wrong is told with the seed and the keys that led to it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.terminal import Terminal

WORDS = (
    "the", "lighthouse", "keeper's", "[MASK]", "[bold]red[/bold]", "naïve", "Zürich", "日本語", "👩‍👩‍👧", "שלום",
    "0x1F", "...", "x" * 60, "\u200b", "e\u0301", "import", "don't", "¿qué?", "3.14159", "##ing", "Ġthe",
)  # fmt: skip
PANES = {
    "f2": "epviyt nN",
    "f3": "v/nosxzytp",
    "f4": "vVtcCs []wbi",
    "f5": "rxvVsa[],.+-dyp",
    "f6": "rxvVdy",
    "f7": "sxvVayn",
}
PAGES = ("\x1b[6~", "\x1b[5~", "\x04", "\x15")
MOVES = ("up", "down", "left", "right", "home", "end", "tab", "enter", "\x1b[Z", *PAGES)
SIZES = ((120, 40), (80, 24), (200, 60), (60, 16), (40, 10), (100, 30), (20, 5), (1, 1))
FILLING = "\x1b[19~"  # F8
ALL = "\x1b[18~"  # F7, which selects the whole text
STARTED = "python -m tests.long_use"


class Found(AssertionError):
    """Something that must not be."""


@dataclass
class Sample:
    """What the processes use at one moment; memory in kB."""

    memory: dict[str, int]
    files: int
    threads: int
    tasks: int


@dataclass
class Person:
    """Presses keys and remembers them."""

    seed: int
    terminal: Terminal
    report: Path
    logs: Path
    pressed: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def act(self) -> None:
        """Do one thing that a person does: a few keys that belong together."""
        chance = self.random.random()
        if chance < 0.25:
            self._press("escape", "f2", "e", *self._typing())
        elif chance < 0.80:
            pane = self.random.choice(list(PANES))
            self._press("escape", pane, "escape")
            for _ in range(self.random.randint(1, 6)):
                keys = PANES[pane]
                self._press(self.random.choice(keys) if self.random.random() < 0.6 else self.random.choice(MOVES))
            if self.random.random() < 0.5:
                self._press("x")
        elif chance < 0.86:
            self._press("ctrl+p", *self.random.choice(("theme", "models", "help", "zzz", "view")))
            self._press("down", *self.random.choices(MOVES, k=2), "escape", "escape")
        elif chance < 0.89:
            self._press(
                "escape", self.random.choice("mmm\x13"), *self.random.choices((*MOVES, "s", "f3"), k=3), "escape"
            )
        elif chance < 0.92:
            self._press(self.random.choice(("f1", FILLING)))
        elif chance < 0.94:
            # A click, a drag or a turn of the wheel: button, column and row as xterm writes them.
            button, place, end = self.random.choice((0, 0, 64, 65)), self._place(), self._place()
            drag = [f"\x1b[<32;{end}M"] if button == 0 and self.random.random() < 0.5 else []
            self._press(f"\x1b[<{button};{place}M", *drag, f"\x1b[<{button};{end if drag else place}m")
        elif chance < 0.96:
            self._press(f"\x1b[200~{' '.join(self.random.choices(WORDS, k=self.random.randint(1, 40)))}\x1b[201~")
        else:
            self.pressed.append("resize")
            self.terminal.resize(*self.random.choice(SIZES))

    def _place(self) -> str:
        """Anywhere but on the key line, which has a word that quits."""
        return f"{self.random.randint(1, 120)};{self.random.randint(1, max(self.terminal.screen.lines - 1, 1))}"

    def _typing(self) -> Iterator[str]:
        chance = self.random.random()
        if chance < 0.15:
            yield from (ALL, "backspace")  # texts stay short: what a longer one takes is no leak
        elif chance < 0.3:
            yield from ("\x01", "\x0b")  # the line's beginning, and away with the rest
        for word in self.random.choices(WORDS, k=self.random.randint(1, 4)):
            yield from (word, self.random.choice((" ", " ", "backspace", "enter", "left")))

    def _press(self, *keys: str) -> None:
        for key in keys:
            self.pressed.append(key)
            try:
                os.write(self.terminal.fd, _bytes(key))
            except OSError as error:
                raise Found(f"the terminal is closed ({error}); the screen was\n{self.terminal.text}") from error
            # An escape must not be taken for the beginning of what follows.
            self.terminal.read(0.15 if key == "escape" else self.random.choice((0.0, 0.01, 0.05)), whole_time=True)

    def look(self) -> None:
        """Let the window come to itself, then see whether it is whole, and what it uses."""
        self._alive()
        self.terminal.output.clear()
        self.terminal.resize(120, 40)
        self._press("escape", "escape", "escape")
        # A window that has much to catch up with takes an escape and what follows for one key.
        for _ in range(30):
            self.terminal.read(0.5, whole_time=True)
            self._alive()
            self._press("f2")
            with contextlib.suppress(AssertionError):
                self.terminal.wait_for("aligned ── table", 2)
                break
        else:
            stacks = self._stacks()
            raise Found(f"F2 does not lead to the tokens; the screen is\n{self.terminal.text}\nit is in\n{stacks}")
        if complaints := self.complaints():
            raise Found(complaints)
        before = self._reports()
        os.kill(self.terminal.pid, signal.SIGUSR1)
        deadline = time.monotonic() + 60
        while len(self._reports()) == len(before):
            if time.monotonic() > deadline:
                raise Found(f"the window does not come to the counting of its tasks; it is in\n{self._stacks()}")
            self.terminal.read(0.05)
            self._alive()
        counted = self._reports()[-1]
        folder = Path("/proc") / str(self.terminal.pid)
        memory = {"app": resident(self.terminal.pid)}
        for child in children(self.terminal.pid):
            memory[f"engine {len(memory)}"] = resident(child)
        files = len(list((folder / "fd").iterdir()))
        self.samples.append(Sample(memory, files, int(counted["threads"]), int(counted["tasks"])))

    def _alive(self) -> None:
        """Told at once: a shell's echo looks like a window that hears nothing."""
        pid, status = os.waitpid(self.terminal.pid, os.WNOHANG)
        if pid:
            code = os.waitstatus_to_exitcode(status)
            raise Found(f"the window ended with exit code {code}; the screen was\n{self.terminal.text}")

    def _stacks(self) -> str:
        """Where every thread of the window is; written by C, so that Python's being stuck is no matter."""
        os.kill(self.terminal.pid, signal.SIGUSR2)
        self.terminal.read(1, whole_time=True)
        return self.report.with_suffix(".stacks").read_text()

    def complaints(self) -> str:
        """What stands in the logs and in the reports of crashes."""
        logs = [log for log in self.logs.rglob("*.*") if log.name.startswith("crash-") or log.suffix == ".log"]
        words = {log.name: log.read_text("utf-8", "replace") for log in logs}
        return "\n".join(
            f"{name}:\n{text[-3000:]}" for name, text in words.items() if name[0] == "c" or "Traceback" in text
        )

    def _reports(self) -> list[dict[str, str]]:
        text = self.report.read_text() if self.report.exists() else ""
        # What is being written just now has no end of line yet.
        reports = [json.loads(line) for line in text.split("\n")[:-1]]
        errors = [report["error"] for report in reports if "error" in report]
        if errors:
            raise Found("\n".join(errors))
        return reports

    def judge(self) -> None:
        """Compare the end with the middle: what grows with every key is still growing then."""
        if len(self.samples) < 6:
            return
        third = len(self.samples) // 3
        middle, end = self.samples[third : 2 * third], self.samples[-third:]
        for name, room in (("files", 6), ("threads", 6), ("tasks", 150)):
            first, last = (statistics.median(getattr(s, name) for s in part) for part in (middle, end))
            if last > first + room:
                raise Found(f"{name} grow: from {first} to {last}")
        first, last = (statistics.median(s.memory["app"] for s in part) for part in (middle, end))
        if last > 1.15 * first + 30_000:
            raise Found(f"the window's memory grows: from {first:,} kB to {last:,} kB")
        # Models come and go, and a pass takes what it takes and gives it back: what three of four moments at the end
        # have, and not one of four had before.
        totals = [sum(s.memory.values()) for s in self.samples]
        first, last = statistics.quantiles(totals[:-third], n=4)[2], statistics.quantiles(totals[-third:], n=4)[0]
        if last > 1.15 * first + 100_000:
            raise Found(f"the memory of all processes grows: from {first:,} kB to {last:,} kB")


def _bytes(key: str) -> bytes:
    from tests.support.terminal import KEYS

    return KEYS.get(key, key).encode()


def resident(pid: int) -> int:
    """Anonymous memory of a process in kB; 0 where it has just ended."""
    try:
        lines = (Path("/proc") / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("RssAnon")), 0)


def children(parent: int) -> list[int]:
    """The processes that a process started, the dead left out."""
    from tests.support.engine_case import living

    return sorted(living(lambda pid, its_parent, group: its_parent == parent))


def use(seconds: float, seed: int, folder: Path, keep_going: bool = False) -> Person:
    """Use the window for a while, and raise `Found` with the seed and the keys where something is wrong."""
    environ = {"HOME": str(folder), "HF_HOME": str(folder / "huggingface"), "HF_ENDPOINT": "http://127.0.0.1:9"}
    environ |= {f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("CACHE", "CONFIG", "STATE", "DATA")}
    report = folder / "report.jsonl"
    pair = ("-m", "builtin:bert", "-m", "builtin:modernbert", "--docs", "builtin", "--offline")
    command = [sys.executable, "-m", "tests.support.watched_app", str(report), *pair]
    environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(Path(__file__).parent.parent), os.getenv("PYTHONPATH"))))
    with Terminal(command, environ=environ, folder=folder) as terminal:
        person = Person(seed, terminal, report, folder)
        try:
            terminal.wait_for("blocks agree", 60)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                for _ in range(12):
                    person.act()
                person.look()
                if keep_going:
                    print(f"{time.strftime('%H:%M:%S')} {len(person.pressed)} keys, {person.samples[-1]}", flush=True)
                    if "LONG_USE_COUNTS" in os.environ:
                        counted = person._reports()[-1]
                        print(counted["blocks"], "blocks;", counted["objects"], flush=True)
            person.judge()
            engines = children(terminal.pid)
            terminal.send("escape", "ctrl+q")
            code = terminal.exit_code(30)
            if code:
                raise Found(f"the window ended with exit code {code}")
            left = [pid for pid in engines if (Path("/proc") / str(pid)).exists()]
            if left:
                raise Found(f"processes are left: {left}")
            person._reports()
        except (AssertionError, OSError) as error:
            keys = " ".join(repr(key) for key in person.pressed[-150:])
            raise Found(
                f"{error}\n{person.complaints()}\nseed {seed}, {len(person.pressed)} keys, the last of them:\n{keys}"
            ) from error
    return person


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog=STARTED, description=__doc__)
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        try:
            use(60 * asked.minutes, asked.seed, Path(folder), keep_going=True)
        except Found as found:
            print(found)
            raise SystemExit(1) from None


if __name__ == "__main__":
    main()
