"""How soon the window tells of its engine's death, and how soon nothing is left of a window that ends.

Signals come from outside, as they would from the kernel or from another terminal; the sentence counts when its bytes
arrive, and an end when neither the window nor one of its two engines is there any more.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.measuring import Figure, app, until_shown
from tests.support.engine_case import living
from tests.support.terminal import Terminal

MEASURED = re.compile(r"\b1 of \d+ points")
TOLD = {signal.SIGKILL: "the engine was killed", signal.SIGSEGV: "the engine crashed"}
WAYS: dict[str, Callable[[Terminal], None]] = {
    "SIGHUP": lambda terminal: os.kill(terminal.pid, signal.SIGHUP),
    "SIGTERM": lambda terminal: os.kill(terminal.pid, signal.SIGTERM),
    "a closed pseudo-terminal": lambda terminal: os.close(terminal.fd),
    "kill -9": lambda terminal: os.kill(terminal.pid, signal.SIGKILL),
}


def engines_of(terminal: Terminal) -> list[int]:
    """The processes that the window started."""
    return living(lambda pid, parent, group: parent == terminal.pid)


def measure(terminal: Terminal) -> None:
    """Start a sweep, and return while a point is being measured."""
    terminal.send("f7")
    terminal.wait_for("points for 1 model", 60)
    terminal.send("s")
    terminal.wait_for(lambda text: MEASURED.search(text) is not None and (" ms " in text or " µs " in text), 120)


def death(terminal: Terminal, number: signal.Signals) -> float:
    """Seconds from a signal to the engine to the sentence that tells of it; returns when the next one is ready."""
    (engine,) = engines_of(terminal)
    seconds = until_shown(terminal, lambda: os.kill(engine, number), lambda screen: TOLD[number] in screen)
    terminal.wait_for("engine ready", 120)
    return seconds


def deaths(runs: int) -> list[Figure]:
    """An engine's death while it has nothing to do, and while it measures; two deaths are no reason to give up."""
    idle, measuring = [], []
    for run in range(runs):
        first, second = (list(TOLD), list(reversed(TOLD)))[run % 2]
        with app("-m", "builtin:bert", "--pane", "timing") as terminal:
            terminal.wait_for("engine ready", 120)
            idle.append(death(terminal, first))
            measure(terminal)
            measuring.append(death(terminal, second))
    return [
        _figure("SIGKILL or SIGSEGV of an idle engine to the sentence on the screen", idle, "≤ 1 s"),
        _figure("SIGKILL or SIGSEGV of a measuring engine to the sentence on the screen", measuring, "≤ 1 s"),
    ]


def end(way: str) -> float:
    """Seconds from the end of a window, one engine measuring and one done with documents, to no process left."""
    with app("-m", "builtin:bert", "--docs", "builtin", "--pane", "documents") as terminal:
        terminal.wait_for("documents counted", 120)
        terminal.wait_for("engine ready", 120)
        measure(terminal)
        engines = engines_of(terminal)
        assert len(engines) == 2, engines
        begun = time.perf_counter()
        WAYS[way](terminal)
        while any(is_there(pid) for pid in (terminal.pid, *engines)):
            if time.perf_counter() - begun > 60:
                raise AssertionError(f"a minute after {way} there are still processes")
            # Somebody reads what the window says last, where there is somebody.
            time.sleep(0.005) if "closed" in way else terminal.read(0.005)
        return time.perf_counter() - begun


def is_there(pid: int) -> bool:
    """Whether a process still does anything; what nobody buried yet is gone."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _figure(name: str, samples: list[float], bound: str) -> Figure:
    return Figure(name, "s", samples, bound, compared=f"longest {max(samples):.2f} s")


def figures(runs: int) -> list[Figure]:
    """All rows; needs Linux's /proc."""
    ends = [_figure(f"{way} to no process left", [end(way) for _ in range(runs)], "≤ 2 s") for way in WAYS]
    return [*deaths(runs), *ends]


if __name__ == "__main__":
    for figure in figures(int(sys.argv[1]) if len(sys.argv) > 1 else 3):
        print(" | ".join(figure.row()))
