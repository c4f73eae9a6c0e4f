"""How near a pass comes to the arithmetic of its model: ModernBERT-base on the notebook's 2,671 tokens, by settings.

Each setting is the whole program, `encoder-tui time --json`, beside a bare process that multiplies matrices of the
model's shapes. The limit is the operations of a pass over the rate that these reach: the products of the weights, the
eight global layers' attention in full, and of the fourteen local layers what their windows see. On a shared machine the
fastest sample of a run says more than its median, so that is what counts on both sides.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from typing import Final

from tests.benchmarks.measuring import Asked, Figure
from tests.support.terminal import encoder_tui

LENGTH: Final = 2671
HIDDEN, INNER, LAYERS, EVERY, WINDOW = 768, 1152, 22, 3, 129
"""Of ModernBERT-base: every third layer is global, and a token of a local one sees 64 others on each side."""
MODEL: Final = ("-m", "builtin:modernbert")
SETTINGS: Final = {
    "as it is": (),
    "sdpa_local attention": ("--attention", "sdpa_local"),
    "eager attention": ("--attention", "eager"),
    "flex_attention": ("--attention", "flex_attention"),
    "compiled": ("--compile",),
    "compiled, sdpa_local attention": ("--compile", "--attention", "sdpa_local"),
    "one thread": ("--threads", "1"),
    "one thread, sdpa_local attention": ("--threads", "1", "--attention", "sdpa_local"),
}


def operations(length: int, is_local_in_full: bool = False) -> int:
    """Multiplications and additions of a pass; with local layers as the window needs them, or as sdpa computes them."""
    weights = LAYERS * (4 * HIDDEN * HIDDEN + 3 * HIDDEN * INNER)
    whole = (LAYERS + EVERY - 1) // EVERY
    seen = length if is_local_in_full else min(WINDOW, length)
    pairs = length * (whole * length + (LAYERS - whole) * seen)
    return 2 * length * weights + 4 * HIDDEN * pairs


def fastest(options: tuple[str, ...]) -> float:
    """Seconds of the fastest of the samples that the command takes with these options."""
    command = encoder_tui("time", *MODEL, "--offline", "--lengths", str(LENGTH), "--min-time", "0", "--json", *options)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (result,) = json.loads(done.stdout)["results"]
    return min(result["samples_s"])


def figures(runs: int) -> list[Figure]:
    """A row for each setting, with the limit in the same run beside it."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    taken: dict[str, list[float]] = {name: [] for name in SETTINGS}
    limits: dict[str, list[float]] = {name: [] for name in SETTINGS}
    products = Asked("matrix_products.py", str(LENGTH))
    try:
        for _ in range(runs):
            for name, options in SETTINGS.items():
                threads = 1 if name.startswith("one thread") else cores
                before = float(products.ask(str(threads)))
                taken[name].append(fastest(options))
                limits[name].append(operations(LENGTH) / max(before, float(products.ask(str(threads)))))
                print(f"{name}: {taken[name][-1]:.2f} s, limit {limits[name][-1]:.2f} s", file=sys.stderr, flush=True)
    finally:
        products.close()
    rows = []
    for name in SETTINGS:
        times = statistics.median(one / limit for one, limit in zip(taken[name], limits[name], strict=True))
        what = f"a pass of ModernBERT at {LENGTH:,} tokens, {name}, against its arithmetic at the rate of torch.mm"
        rows.append(Figure(what, "s", taken[name], "–", limits[name], f"{times:.2f} ×"))
    return rows


if __name__ == "__main__":
    for figure in figures(int(sys.argv[1]) if len(sys.argv) > 1 else 3):
        print(" | ".join(figure.row()))
