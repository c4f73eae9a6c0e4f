"""`python -m tests.benchmarks [--runs N] [--json FILE]`."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path

from tests.benchmarks import (
    document_lengths,
    engine_ready,
    faults,
    forward_pass,
    parameter_trees,
    predictions,
    timing_agreement,
    tiny_model,
    tokens,
    traffic,
    vectors,
)
from tests.benchmarks.measuring import Figure, models, write_json


def machine() -> str:
    """The machine, in a line."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines() if Path("/proc/cpuinfo").is_file() else []:
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{os.cpu_count()} × {model}, {platform.system()}, Python {platform.python_version()}, {models()[0]}"


def table(figures: list[Figure]) -> str:
    """The figures as a Markdown table."""
    rows = [["what", "here", "peer", "comes to", "bound"], ["---"] * 5, *(figure.row() for figure in figures)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


SECTIONS = {
    "tokens": tokens,
    "parameter_trees": parameter_trees,
    "document_lengths": document_lengths,
    "engine_ready": engine_ready,
    "forward_pass": forward_pass,
    "traffic": traffic,
    "predictions": predictions,
    "vectors": vectors,
    "timing_agreement": timing_agreement,
    "tiny_model": tiny_model,
    "faults": faults,
}
LONG = {"parameter_trees", "document_lengths", "engine_ready", "forward_pass", "predictions", "vectors", "faults"}
"""These load models or whole data sets; they are taken half as often."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", choices=[[], *SECTIONS], help="all of them by default")
    parser.add_argument("--runs", type=int, default=7, help="how often each figure is taken (default 7)")
    parser.add_argument("--json", type=Path, help="write every sample to this file")
    options = parser.parse_args()
    figures: list[Figure] = []
    for name in options.sections or SECTIONS:
        print(f"{name} …", file=sys.stderr, flush=True)
        figures += SECTIONS[name].figures(max(options.runs // 2, 1) if name in LONG else options.runs)
        print(table(figures), file=sys.stderr, flush=True)
    print(f"Median (quartiles). {machine()}.\n")
    print(table(figures))
    if options.json is not None:
        write_json(options.json, machine(), figures)


if __name__ == "__main__":
    main()
