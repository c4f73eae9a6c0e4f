"""`python -m tests.benchmarks.growth`: how times grow with texts, documents, parameters and streams, as plots of text.

Every time is of the whole program in a pseudo-terminal: from a key pressed to the aligned tokens on the screen, or
from the launch to the first row of a collection, or to a tree of parameters.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from encoder_tui.window.widgets.plots import Axes, Curve, curves
from tests.benchmarks.measuring import app, models, named, press
from tests.benchmarks.tokens import block_ends_with, paste, text_of

Points = list[tuple[float, float]]


def key_to_tokens(characters: int, streams: int, keys: int) -> float:
    """Seconds from a key to the aligned tokens, in the median."""
    _, pair = models()
    text = text_of(characters)
    with app(*named((pair * 2)[:streams]), "--text", "") as terminal:
        terminal.wait_for("engine ready", 120)
        paste(terminal, text)
        samples = [
            press(terminal, key, lambda screen, key=key: block_ends_with(screen, key)) for key in ("§¶¤¢" * keys)[:keys]
        ]
    return statistics.median(samples)


def by_text(keys: int) -> Points:
    """Texts of a thousand to a million characters."""
    return [(size, key_to_tokens(size, 2, keys)) for size in (1_000, 10_000, 100_000, 1_000_000)]


def by_streams(keys: int) -> Points:
    """One to four models over 12,000 characters."""
    return [(streams, key_to_tokens(12_000, streams, keys)) for streams in (1, 2, 3, 4)]


def launched(seen: str, *arguments: str, view: str = "") -> float:
    """Seconds from the launch until a text is on the screen; if `view` is seen before, the next one is opened."""

    with app(*arguments) as terminal:
        if view:
            terminal.wait_for(view, 300)
            terminal.send("v")
        terminal.wait_for(seen, 300)
        return time.perf_counter() - terminal.started


def by_documents(rounds: int) -> Points:
    """A file of ten, ten thousand, a million rows: launch to its first row."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for rows in (10, 10_000, 1_000_000):
            path = Path(folder) / f"{rows}.jsonl"
            with path.open("w") as file:
                file.writelines(f'{{"text": "lighthouse number {row}"}}\n' for row in range(rows))
            command = ("--docs", str(path), "--pane", "documents", "-m", "builtin:bert")
            found.append((rows, statistics.median(launched("lighthouse number 0", *command) for _ in range(rounds))))
    return found


def by_parameters(rounds: int) -> Points:
    """BERT of 6, 40 and 400 layers, nothing cached: launch to its tree."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for layers in (6, 40, 400):
            samples = []
            for round_ in range(rounds):
                path = Path(folder) / f"{layers}-{round_}"
                path.mkdir()
                # Another number each time, so that no description is found in the cache.
                configuration = {"model_type": "bert", "num_hidden_layers": layers, "vocab_size": 30_000 + round_}
                (path / "config.json").write_text(json.dumps(configuration))
                parameters = 5 + 16 * layers + 2
                samples.append(
                    launched(f"{parameters:,} parameters", "-m", str(path), "--pane", "parameters", view="─ card")
                )
            found.append((parameters, statistics.median(samples)))
    return found


def plot(title: str, points: Points) -> str:
    """A curve on logarithmic axes, as lines of text, and its numbers under it."""
    axes = Axes([x for x, _ in points], lambda y: f"{1000 * y:,.0f} ms", log_x=True, log_y=True)
    drawn = curves([Curve("·", 0, points)], axes, 72, 12)
    lines = ["".join(text for text, _ in line).rstrip() for line in drawn]
    told = "; ".join(f"{x:,.0f}: {1000 * y:,.0f} ms" for x, y in points)
    return "\n".join([title, *lines, told, ""])


CURVES: Sequence[tuple[str, Callable[[int], Points]]] = (
    ("key to aligned tokens, by characters of the text", by_text),
    ("key to aligned tokens in 12,000 characters, by streams", by_streams),
    ("launch to the first row, by rows of the file", by_documents),
    ("launch to the tree, nothing cached, by parameters", by_parameters),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="how often each point is taken (default 5)")
    for title, measure in CURVES:
        print(plot(title, measure(parser.parse_args().runs)), flush=True)


if __name__ == "__main__":
    main()
