"""Whether Timing can be believed: its medians, taken in a live window, against `torch.utils.benchmark`.

`python -m tests.benchmarks.timing_agreement [--rounds N] [--seconds S] [--models DIRECTORY…]`.

The window runs in a pseudo-terminal, the whole program with its engine; the bare process does nothing else. Both stay
open, and measure in turns, window, bare, bare, window, so that a drifting machine hurts both alike. What the bare
process says the second time, against the first, is how well any two measurements on this machine can agree. The models
are the built-in pair, of real size with random weights, unless others are named (small ones, to try the benchmark).
"""

from __future__ import annotations

import argparse
import json
import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from encoder_tui import builtin
from tests.benchmarks.measuring import Asked, Figure, named
from tests.support.terminal import Terminal, encoder_tui

LENGTHS = (128, 512)
MODELS = (str(builtin.directory("bert")), str(builtin.directory("modernbert")))
SECONDS = 3.0
"""Samples of each point, at least; the same for all."""
KEYS = 40
PATIENCE = 900.0

Medians = list[list[float]]
"""Seconds by model and length."""


def bare_medians(bare: Asked) -> Medians:
    """What the process with nothing but torch measures."""
    medians: Medians = json.loads(bare.ask(",".join(map(str, LENGTHS))))
    return medians


class Window:
    """The program in a terminal, on the Timing pane."""

    def __init__(self, seconds: float, models: Sequence[str], folder: Path) -> None:
        self.models = models
        self.kept = folder / "data"
        environ = {"XDG_DATA_HOME": str(self.kept), "XDG_STATE_HOME": str(folder / "state")}
        self.terminal = Terminal(encoder_tui(*named(models), "--pane", "timing", "--offline"), environ=environ)
        self.terminal.wait_for("press s to start", 120)
        self.terminal.wait_for("engine ready", 120)
        self._fill(", ".join(map(str, LENGTHS)), f"{seconds:g}")

    def _fill(self, lengths: str, seconds: str) -> None:
        """Write the plan; each field's text is selected when it gets the focus."""
        for key in ("e", lengths, "tab", "tab", seconds):
            self.terminal.send(key)
            self.terminal.read(0.5, whole_time=True)
        self.terminal.send("escape")
        self.terminal.wait_for(lambda text: f"lengths {lengths} " in text and f"seconds {seconds} " in text)

    def runs(self) -> set[Path]:
        return set(self.kept.rglob("*.jsonl"))

    def measure(self) -> Medians:
        """A sweep, and what the window kept of it: the medians of which it shows three digits."""
        before = self.runs()
        self.terminal.send("s")
        self.terminal.wait_for("x stops", 60)
        deadline = time.monotonic() + PATIENCE
        held = bytearray()
        while not (new := self.runs() - before):
            # Taken from the terminal, and emulated only afterwards: who watches over SSH has another machine for that.
            if select.select([self.terminal.fd], [], [], 0.5)[0]:
                held += os.read(self.terminal.fd, 1 << 16)
            assert time.monotonic() < deadline, f"the sweep does not end; the screen is\n{self.terminal.text}"
        self.terminal.stream.feed(bytes(held))
        self.terminal.wait_for("measured in")
        records = [json.loads(line) for line in new.pop().read_text("ascii").splitlines()[1:]]
        return [_medians_of(records, model) for model in self.models]

    def key_echoes(self, keys: int) -> list[float]:
        """Seconds from a key in a field of the plan to its echo, while a sweep is measured; the sweep is stopped."""
        self._fill(", ".join(map(str, LENGTHS)), "60")
        self.terminal.send("s")
        self.terminal.wait_for("Measuring at", 120)
        self.terminal.send("e")
        self.terminal.read(0.5, whole_time=True)
        taken, typed = [], ""
        for number in range(keys):
            typed = f"{typed}{number % 10}"
            begin = time.perf_counter()
            self.terminal.send(typed[-1])
            while f"lengths {typed} " not in self.terminal.text:
                self.terminal.read(0.5)
                assert time.perf_counter() - begin < 30, f"no echo; the screen is\n{self.terminal.text}"
            taken.append(time.perf_counter() - begin)
            self.terminal.read(0.23, whole_time=True)
        assert "x stops" in self.terminal.text, "the sweep ended before the keys did"
        self.terminal.send("escape", "x")
        self.terminal.wait_for("stopped", 60)
        return taken

    def close(self) -> None:
        self.terminal.send("ctrl+q")
        self.terminal.exit_code(30)


def _medians_of(records: list[dict[str, Any]], model: str) -> list[float]:
    by_length = {record["length"]: record["median_s"] for record in records if record["model"] == model}
    return [by_length[length] for length in LENGTHS]


def without_window(seconds: float, models: Sequence[str]) -> Medians:
    """The same engine asked by the command `time`, where no window is drawn."""
    lengths = ",".join(map(str, LENGTHS))
    command = encoder_tui("time", *named(models), "--lengths", lengths, "--min-time", f"{seconds:g}", "--json")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [_medians_of(json.loads(done.stdout)["results"], model) for model in models]


def figures(rounds: int, seconds: float = SECONDS, models: Sequence[str] = MODELS) -> list[Figure]:
    """Agreement for each model and length, what the window costs, and the echo of a key."""
    windowed: list[Medians] = []
    bare_first: list[Medians] = []
    bare_second: list[Medians] = []
    commanded: list[Medians] = []
    with tempfile.TemporaryDirectory() as folder:
        window, bare = Window(seconds, models, Path(folder)), Asked("bare_timer.py", str(seconds), *models)
        try:
            # Loading, and whatever else comes but once.
            _say("window and bare process are open")
            window.measure()
            bare_medians(bare)
            for number in range(rounds):
                windowed.append(window.measure())
                bare_first.append(bare_medians(bare))
                bare_second.append(bare_medians(bare))
                windowed.append(window.measure())
                commanded.append(without_window(seconds, models))
                _say(f"round {number + 1} of {rounds}")
            echoes = [1000 * taken for taken in window.key_echoes(KEYS)]
        finally:
            bare.close()
            window.close()
    rows = []
    for place, directory in enumerate(models):
        model = Path(directory).name
        for index, length in enumerate(LENGTHS):

            def at(medians: list[Medians], place: int = place, index: int = index) -> list[float]:
                return [1000 * one[place][index] for one in medians]

            ours, first, second = at(windowed), at(bare_first), at(bare_second)
            # Each of the window's with the one of the bare process beside it in time.
            beside = [one for both in zip(first, second, strict=True) for one in both]
            pairs = [a / b for a, b in zip(ours, beside, strict=True)]
            against = [b / a for a, b in zip(first, second, strict=True)]
            told = f"{_percent(pairs)}; bare against itself {_percent(against)}"
            name = f"median of {model} at {length} in the window, against torch.utils.benchmark"
            rows.append(Figure(name, "ms", ours, "within 3 %", first + second, told))
            command = at(commanded)
            cost = [statistics.fmean(ours[2 * turn : 2 * turn + 2]) / command[turn] for turn in range(rounds)]
            name = f"what the window costs the measurement of {model} at {length}, against the command time"
            rows.append(Figure(name, "ms", ours, "–", command, _percent(cost)))
    worst = statistics.quantiles(echoes, n=20)[-1]
    rows.append(Figure("key echo while measuring", "ms", echoes, "p95 ≤ 50 ms", [], f"p95 {worst:.0f} ms"))
    return rows


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def _percent(ratios: list[float]) -> str:
    """How far ratios are from one: the median and the range, in per cent."""
    middle, low, high = (100 * (one - 1) for one in (statistics.median(ratios), min(ratios), max(ratios)))
    return f"{middle:+.1f} % ({low:+.1f} to {high:+.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="rounds of window, bare, bare, window (default 7)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="samples of each point at least (default 3)")
    parser.add_argument(
        "--models", nargs="+", default=MODELS, metavar="DIRECTORY", help="others than the built-in pair"
    )
    options = parser.parse_args()
    for figure in figures(options.rounds, options.seconds, options.models):
        print(" | ".join(figure.row()))


if __name__ == "__main__":
    main()
