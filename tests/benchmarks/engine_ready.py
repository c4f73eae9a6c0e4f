"""The built-in pair ready to run from a cold engine, beyond what importing torch and transformers takes.

Both are whole programs in a pseudo-terminal, launched in turn: `run` with the built-in pair until the second model has
begun its first layer, which includes the program's own start and a pass of the first model; and a bare script that
imports torch and the classes of both models.
"""

from __future__ import annotations

import statistics
import sys
import time

from tests.benchmarks.measuring import Figure, app, named
from tests.support.terminal import Terminal

IMPORTS = """
import torch
from transformers import AutoConfig, AutoModel, BertModel, ModernBertModel
print("imported")
"""
PAIR = ["builtin:bert", "builtin:modernbert"]


def ready() -> float:
    """Seconds from the launch until the second model runs."""
    with app("run", "Bread.", *named(PAIR)) as terminal:
        terminal.wait_for(lambda text: f"{PAIR[1]}: layer" in text or f"{PAIR[1]}: cpu" in text, 120)
        return time.perf_counter() - terminal.started


def imported() -> float:
    """Seconds from the launch until the script has imported all."""
    with Terminal([sys.executable, "-c", IMPORTS]) as terminal:
        terminal.wait_for("imported", 120)
        return time.perf_counter() - terminal.started


def figures(runs: int) -> list[Figure]:
    """The whole, importing, and what is left of the one without the other."""
    wholes, imports = [], []
    for _ in range(runs):
        imports.append(imported())
        wholes.append(ready())
    beyond = statistics.median(wholes) - statistics.median(imports)
    name = "built-in pair ready to run from a cold engine, against importing torch and transformers alone"
    return [Figure(name, "s", wholes, "1.5 s beyond", imports, f"+{beyond:.2f} s")]


if __name__ == "__main__":
    for figure in figures(int(sys.argv[1]) if len(sys.argv) > 1 else 3):
        print(" | ".join(figure.row()))
