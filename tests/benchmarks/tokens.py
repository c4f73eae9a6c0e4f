"""The rows of the design's table that the Tokens pane is answerable for."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.measuring import PEERS, Figure, app, echo, memory, models, named, peer, press
from tests.support.terminal import Terminal

WORDS = "The lamp of a lighthouse is seen for many miles because its lens sends nearly all of the light one way. "


def text_of(characters: int) -> str:
    """One paragraph of so many characters."""
    return (WORDS * (characters // len(WORDS) + 1))[: characters - 1] + "."


def first_frame(runs: int) -> Figure:
    """Launch to a first frame; it counts once a key pressed after it is echoed."""
    _, pair = models()
    ours, theirs = [], []
    for _ in range(runs):
        for samples, make in (
            (ours, lambda: app(*named(pair), "--text", "lighthouse")),
            (theirs, lambda: peer("bare_app", "lighthouse")),
        ):
            with make() as terminal:
                terminal.wait_for("lighthouse")
                at = time.perf_counter() - terminal.started
                echo(terminal, "§")
                samples.append(at)
    ratio = statistics.median(ours) / statistics.median(theirs)
    return Figure("first frame, against a bare Textual app", "s", ours, "≤ 1.3 ×", theirs, f"{ratio:.2f} ×")


def launch_to_tokens(runs: int) -> Figure:
    """Launch to both models' aligned tokens, against a script with AutoTokenizer."""
    _, pair = models()
    text = "This is MIDS 266. Let's learn some NLP!"
    with app(*named(pair), "--text", text) as terminal:  # so that the exact forms are cached, as at any later launch
        terminal.wait_for("blocks agree", 120)
        terminal.wait_for("engine ready", 120)
    ours, theirs = [], []
    for _ in range(runs):
        with app(*named(pair), "--text", text) as terminal:
            terminal.wait_for(lambda screen: "blocks agree" in screen and " B [CLS]" in screen)
            ours.append(time.perf_counter() - terminal.started)
        start = time.perf_counter()
        script = [sys.executable, str(PEERS / "auto_tokenizer.py"), text, *pair]
        subprocess.run(script, check=True, capture_output=True)
        theirs.append(time.perf_counter() - start)
    ratio = statistics.median(ours) / statistics.median(theirs)
    return Figure("launch to aligned tokens, against AutoTokenizer", "s", ours, "≤ 0.25 ×", theirs, f"{ratio:.2f} ×")


def key_to_tokens(characters: int, beyond: int, in_all: int, keys: int) -> Figure:
    """A key pressed to the aligned tokens redrawn, against the echo of a bare TextArea with the same text."""
    _, pair = models()
    text = text_of(characters)
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "text.txt"
        file.write_text(text, "utf-8")
        with app(*named(pair), "--text", "") as terminal, peer("text_area", str(file)) as bare:
            terminal.wait_for("engine ready", 120)
            paste(terminal, text)
            bare.wait_for(lambda screen: "lighthouse" in screen)
            for index in range(keys):
                key = "§¶¤¢"[index % 4]
                # The line under the ribbon names the block of the last key: it is drawn after ribbon and editor.
                ours.append(press(terminal, key, lambda screen, key=key: block_ends_with(screen, key)))
                theirs.append(echo(bare, key))
    extra = 1000 * (statistics.median(ours) - statistics.median(theirs))
    return Figure(
        f"key to aligned tokens, {characters:,} characters, against a bare TextArea's echo",
        "ms",
        [1000 * sample for sample in ours],
        f"≤ {beyond} ms beyond, {in_all} ms in all",
        [1000 * sample for sample in theirs],
        f"{extra:+.0f} ms",
    )


def block_ends_with(screen: str, key: str) -> bool:
    return any(line.startswith(" ▸ ") and line.split()[1].endswith(key) for line in screen.splitlines())


def paste(terminal: Terminal, text: str) -> None:
    """Paste a text, as a terminal does (bracketed paste), and wait until it is aligned."""
    pasted = f"\x1b[200~{text}\x1b[201~".encode()
    for start in range(0, len(pasted), 2048):
        os.write(terminal.fd, pasted[start : start + 2048])
        terminal.read(0.02)
    count = f"–{len(text):,} "
    terminal.wait_for(lambda screen: count in screen, 60)
    terminal.read(1.0, whole_time=True)


def echo_while_importing(runs: int) -> Figure:
    """A key's echo while the engine imports torch and transformers, against one in a bare app."""
    _, pair = models()
    ours, theirs = [], []
    for _ in range(runs):
        with app(*named(pair), "--text", "lighthouse") as terminal, peer("bare_app", "lighthouse") as bare:
            terminal.wait_for("engine importing")
            bare.wait_for("lighthouse")
            while "engine importing" in terminal.text:
                ours.append(1000 * echo(terminal, "§"))
                terminal.read(0.1, whole_time=True)
            theirs += [1000 * echo(bare, "§") for _ in range(20)]
    worst = statistics.quantiles(ours, n=20)[-1]
    return Figure("key echo while the engine imports torch", "ms", ours, "p95 ≤ 50 ms", theirs, f"p95 {worst:.0f} ms")


def idle_bytes() -> Figure:
    """Bytes written to the terminal in ten idle seconds."""
    _, pair = models()
    with app(*named(pair)) as terminal:
        terminal.wait_for("engine ready", 120)
        terminal.read(2, whole_time=True)
        written = len(terminal.read(10, whole_time=True))
    return Figure("bytes written in ten idle seconds", "bytes", [float(written)], "0", compared=f"{written} bytes")


def app_memory() -> Figure:
    """Memory of the app's process with both tokenizers loaded."""
    _, pair = models()
    with app(*named(pair)) as terminal, peer("bare_app", "x") as bare:
        terminal.wait_for("engine ready", 120)
        bare.wait_for("x")
        megabytes = [memory(terminal.pid) / 1e6]
        return Figure(
            "memory of the app with both tokenizers (PSS)",
            "MB",
            megabytes,
            "≤ 120 MB",
            [memory(bare.pid) / 1e6],
            f"{megabytes[0]:.0f} MB",
        )


def figures(runs: int) -> list[Figure]:
    """All rows, in the order of the design's table."""
    return [
        first_frame(runs),
        launch_to_tokens(runs),
        key_to_tokens(200, 8, 30, 4 * runs),
        key_to_tokens(12_000, 25, 60, 4 * runs),
        key_to_tokens(100_000, 130, 250, 2 * runs),
        echo_while_importing(runs),
        idle_bytes(),
        app_memory(),
    ]
