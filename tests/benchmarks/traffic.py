"""What the program writes to the terminal, and what typing is like over a line of one megabit and 200 ms."""

from __future__ import annotations

import os
import select
import statistics
import time

from tests.benchmarks.measuring import Figure, app, models, named
from tests.benchmarks.tokens import WORDS, paste, text_of
from tests.support.terminal import Terminal

BYTES_A_SECOND = 125_000
ROUND_TRIP = 0.2
TYPED = "The keeper lit the lamp, and the ships saw it."


def written(terminal: Terminal, *keys: str, quiet: float = 0.4) -> int:
    """Bytes that come for some keys, until nothing more comes for a while."""
    terminal.send(*keys)
    size = 0
    while data := terminal.read(quiet):
        size += len(data)
    return size


def bytes_a_key(characters: int, keys: int) -> Figure:
    """Bytes written for a letter typed at the end of a text."""
    _, pair = models()
    text = text_of(characters)
    with app(*named(pair), "--text", "") as terminal:
        terminal.wait_for("engine ready", 120)
        paste(terminal, text)
        samples = [float(written(terminal, letter)) for letter in (TYPED * 9)[:keys]]
    return Figure(f"bytes written for a key, text of {characters:,} characters", "bytes", samples)


def bytes_a_scroll(keys: int) -> list[Figure]:
    """Bytes written where the aligned blocks, and a document, scroll by a line."""
    _, pair = models()
    with app(*named(pair), "--text", WORDS * 60, "--docs", "builtin") as terminal:
        terminal.wait_for("engine ready", 120)
        terminal.wait_for("blocks agree")
        terminal.send("escape", "g")
        terminal.read(1, whole_time=True)
        blocks = [float(written(terminal, "down")) for _ in range(keys)]
        terminal.send("f4")
        terminal.wait_for("documents counted", 60)
        terminal.wait_for("A sees")
        terminal.send("\x1b[<0;20;25M\x1b[<0;20;25m")  # a click into the text
        terminal.read(1, whole_time=True)
        lines = [float(written(terminal, "down")) for _ in range(keys)]
    return [
        Figure("bytes written for a step down in the aligned blocks", "bytes", blocks),
        Figure("bytes written for a step down in a document", "bytes", lines),
    ]


def bytes_a_frame() -> Figure:
    """Bytes written in each second of a sweep that is drawn live."""
    with app("-m", "builtin:bert", "--pane", "timing") as terminal:
        terminal.wait_for("engine ready", 120)
        terminal.send("escape", "s")
        terminal.wait_for("measur", 60)
        seconds = [float(len(terminal.read(1, whole_time=True))) for _ in range(15)]
        terminal.send("x")
    return Figure("bytes written in a second of a live sweep", "bytes", seconds)


class SlowLine:
    """A terminal at the end of a line: what it reads comes late, and no faster than the line carries it."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.free_at = time.perf_counter()

    def type(self, text: str, every: float) -> list[float]:
        """Type at a steady pace; seconds from each key to the whole text up to it on the screen at the far end."""
        pressed: list[float] = []
        shown: list[float] = []
        start = time.perf_counter()
        seen_before = self.terminal.text
        assert text not in seen_before
        while len(shown) < len(text) and time.perf_counter() - start < 60:
            now = time.perf_counter()
            if len(pressed) < len(text) and now >= start + every * len(pressed):
                # A key takes half of the round trip to arrive; the other half is added to what comes back.
                os.write(self.terminal.fd, text[len(pressed)].encode())
                pressed.append(now)
            if now < self.free_at or not select.select([self.terminal.fd], [], [], 0.002)[0]:
                time.sleep(0.001)
                continue
            data = os.read(self.terminal.fd, 1250)
            self.free_at = max(self.free_at, now) + len(data) / BYTES_A_SECOND
            self.terminal.stream.feed(data)
            screen = self.terminal.text
            while len(shown) < len(pressed) and text[: len(shown) + 1] in screen:
                shown.append(self.free_at + ROUND_TRIP)
        return [at - key for key, at in zip(pressed, shown, strict=False)]


def typing_over_a_slow_line() -> Figure:
    """Seconds from a key to its echo at the end of the line, at eight keys a second."""
    _, pair = models()
    with app(*named(pair), "--text", "") as terminal:
        terminal.wait_for("engine ready", 120)
        delays = SlowLine(terminal).type(TYPED, 0.125)
    assert len(delays) == len(TYPED), "not every key was echoed within a minute"
    worst = statistics.quantiles(delays, n=20)[-1]
    return Figure(
        "key to echo over 1 Mbit/s and 200 ms, eight keys a second",
        "ms",
        [1000 * delay for delay in delays],
        "usable: the line's own 200 ms and little more",
        compared=f"p95 {1000 * worst:.0f} ms",
    )


def figures(runs: int) -> list[Figure]:
    """All rows."""
    return [
        bytes_a_key(200, 4 * runs),
        bytes_a_key(12_000, 2 * runs),
        *bytes_a_scroll(3 * runs),
        bytes_a_frame(),
        typing_over_a_slow_line(),
    ]
