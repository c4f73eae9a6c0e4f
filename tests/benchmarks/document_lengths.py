"""Token lengths of a whole data set under both tokenizers, against `datasets.map` with `AutoTokenizer`.

All are whole programs, launched in turn: `docs --summary` with its engine, with `tokenizers` alone and, where the
extra `fast` is installed, with its counters; and a bare script. The data are documents of some 12,000 characters, made
from the built-in samples. Needs the reference models, since `AutoTokenizer` cannot load the built-in pair.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from encoder_tui import builtin
from tests.benchmarks.measuring import PEERS, Figure, models, named

DOCUMENTS = 1_000
PARAGRAPHS = 20
COUNTERS = ("nanotoken", "kitoken")
"""What the extra `fast` installs."""


def data_set(path: Path) -> None:
    """Write documents of paragraphs in an order of their own, so that no two are alike."""
    source = random.Random(4)
    texts = [file.read_text("utf-8") for file in sorted(builtin.documents().glob("*.txt"))]
    paragraphs = [line for text in texts for line in text.splitlines() if len(line) > 200]
    with path.open("w", encoding="utf-8") as file:
        for _ in range(DOCUMENTS):
            file.write(json.dumps({"text": "\n".join(source.choices(paragraphs, k=PARAGRAPHS))}) + "\n")


def high_water(pid: int) -> float:
    """Megabytes of a process and of those that it started, each at its largest, as Linux tells; 0 once it is gone."""
    total = 0.0
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except OSError:
        return 0.0
    total += sum(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))
    return total + sum(high_water(int(child)) for child in children)


def run(command: list[str], before_path: str = "") -> tuple[float, float, str]:
    """Seconds that a command takes, megabytes of its processes, and what it printed."""
    start = time.perf_counter()
    path = os.pathsep.join(part for part in (before_path, os.environ.get("PYTHONPATH", "")) if part)
    environ = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true", "PYTHONPATH": path}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ) as process:
        peak = [0.0]

        def watch() -> None:
            while process.poll() is None:
                peak[0] = max(peak[0], high_water(process.pid))
                time.sleep(0.1)

        watching = threading.Thread(target=watch)
        watching.start()
        out, told = process.communicate()
        seconds = time.perf_counter() - start
        watching.join()
    if process.returncode:
        raise AssertionError(f"{command[:4]} failed: {told[-500:]}")
    return seconds, peak[0], out


def figures(runs: int) -> list[Figure]:
    """Wall time and memory; raises AssertionError where the two do not count the same tokens."""
    label, pair = models()
    if label != "reference models":
        raise AssertionError("the reference models are not there, and AutoTokenizer cannot load the built-in pair")
    ours: dict[str, list[tuple[float, float]]] = {"tokenizers alone": []}
    if all(importlib.util.find_spec(name) for name in COUNTERS):
        ours["the optional counters"] = []
    theirs: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        path, without = Path(folder) / "documents.jsonl", Path(folder) / "without"
        data_set(path)
        without.mkdir()
        for name in COUNTERS:
            (without / f"{name}.py").write_text("raise ImportError('left out of this run')\n")
        program = [sys.executable, "-m", "encoder_tui", "docs", str(path), "--summary", "--json", *named(pair)]
        for index in range(runs):
            cache = str(Path(folder) / f"cache{index}")  # datasets.map would answer from its cache
            seconds, megabytes, out = run([sys.executable, str(PEERS / "map_lengths.py"), str(path), cache, *pair])
            theirs.append((seconds, megabytes))
            totals = json.loads(out.splitlines()[-1])["tokens"]
            for way, taken in ours.items():
                seconds, megabytes, out = run(program, str(without) if way == "tokenizers alone" else "")
                taken.append((seconds, megabytes))
                counted = [model["tokens"] for model in json.loads(out)["models"]]
                if totals != counted:
                    raise AssertionError(f"{counted} tokens with {way}, {totals} by datasets.map")
    rows = []
    for way, taken in ours.items():
        name = f"token lengths of {DOCUMENTS:,} documents under both tokenizers, {way}, against datasets.map"
        bound = "1.4 × as fast" if way == "tokenizers alone" else "4 × as fast"
        ratio = statistics.median(one for one, _ in theirs) / statistics.median(one for one, _ in taken)
        compared = f"{ratio:.1f} × as fast, totals equal"
        rows.append(Figure(name, "s", [one for one, _ in taken], bound, [one for one, _ in theirs], compared))
        name = f"largest memory of all processes meanwhile, {way}"
        rows.append(Figure(name, "MB", [one for _, one in taken], "bounded", [one for _, one in theirs]))
    return rows


if __name__ == "__main__":
    for figure in figures(int(sys.argv[1]) if len(sys.argv) > 1 else 3):
        print(" | ".join(figure.row()))
