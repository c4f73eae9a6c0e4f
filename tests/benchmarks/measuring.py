"""How the figures are taken."""

from __future__ import annotations

import json
import os
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.terminal import Terminal, compile_package, encoder_tui

PEERS = Path(__file__).parent / "peers"
# So long nothing arrives before what has arrived is looked at.
QUIET = 0.3
REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "models"

# What is measured is the program, not the compiler.
compile_package()


class Asked:
    """A peer that stays open: a bare process that says it is ready, and then answers each line with one."""

    def __init__(self, script: str, *arguments: str) -> None:
        command = [sys.executable, str(PEERS / script), *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._read()

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the bare process ended"
        return line

    def ask(self, line: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


@dataclass
class Figure:
    """One row of the table: what was measured, its samples, its peer's, and the bound of the design."""

    name: str
    unit: str
    samples: list[float]
    bound: str = "–"
    peer: list[float] = field(default_factory=list)
    compared: str = ""

    def row(self) -> list[str]:
        """The cells of the row: figure, this program, the peer, what they come to, the bound."""
        return [self.name, self._spread(self.samples), self._spread(self.peer), self.compared, self.bound]

    def _spread(self, samples: list[float]) -> str:
        if not samples:
            return "–"
        middle = statistics.median(samples)
        quartiles = statistics.quantiles(samples, n=4) if len(samples) > 1 else [middle] * 3
        return f"{middle:,.4g} {self.unit} ({quartiles[0]:,.4g}–{quartiles[2]:,.4g})"


def models() -> tuple[str, list[str]]:
    """The pair that is measured: the reference models where they are, the built-in pair otherwise."""
    pair = [REFERENCE / "bert-base-cased", REFERENCE / "answerdotai" / "ModernBERT-base"]
    if all((folder / "tokenizer.json").is_file() for folder in pair):
        return "reference models", [str(folder) for folder in pair]
    return "built-in pair", ["builtin:bert", "builtin:modernbert"]


def named(pair: Sequence[str]) -> list[str]:
    """The options that name the models."""
    return [word for name in pair for word in ("-m", name)]


def app(*arguments: str, columns: int = 120, lines: int = 40) -> Terminal:
    """The program in a terminal."""
    return Terminal(encoder_tui("--fresh", *arguments), columns, lines)


def peer(name: str, *arguments: str) -> Terminal:
    """A peer in a terminal of the same size."""
    return Terminal([sys.executable, str(PEERS / f"{name}.py"), *arguments])


def press(terminal: Terminal, key: str, condition: Callable[[str], bool], seconds: float = 60) -> float:
    """Seconds from a key pressed to a screen that fulfils a condition; see `until_shown`."""
    return until_shown(terminal, lambda: terminal.send(key), condition, seconds, key)


def until_shown(
    terminal: Terminal, act: Callable[[], None], condition: Callable[[str], bool], seconds: float = 60, what: str = "it"
) -> float:
    """Seconds from an act to the arrival of the bytes with which the screen fulfils a condition.

    What arrives is stamped and put aside; the terminal's emulation, which takes longer than many a program
    takes to draw, is run only when nothing more comes.
    """
    start = time.perf_counter()
    act()
    while time.perf_counter() - start < seconds:
        arrived: list[tuple[float, bytes]] = []
        while select.select([terminal.fd], [], [], QUIET)[0]:
            data = os.read(terminal.fd, 1 << 16)
            arrived.append((time.perf_counter(), data))
        met = None
        for at, data in arrived:
            terminal.output += data
            terminal.stream.feed(data)
            if met is None and condition(terminal.text):
                met = at - start
        if met is not None:
            return met
    raise AssertionError(f"what {what} should bring did not come; the screen is\n{terminal.text}")


def echo(terminal: Terminal, key: str, seconds: float = 30) -> float:
    """Seconds from a key pressed to a screen that shows it one time more often."""
    before = terminal.text.count(key)
    return press(terminal, key, lambda screen: screen.count(key) > before, seconds)


def memory(pid: int) -> int:
    """The proportional share of a process's memory (PSS), in bytes, as Linux tells."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no Pss line")


def write_json(path: Path, machine: str, figures: list[Figure]) -> None:
    """Every sample, for later."""
    records = [vars(figure) for figure in figures]
    path.write_text(json.dumps({"machine": machine, "figures": records}, indent=2) + "\n", "utf-8")
