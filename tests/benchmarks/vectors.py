"""Documents a second of `encode` over 2,000 texts of mixed lengths, against `SentenceTransformer.encode`.

Both processes stay open and take turns: the engine, asked through the pipe, which also counts tokens and cuts and sends
the vectors back; and a bare process. The model is all-MiniLM-L6-v2. The vectors have to be the same to the last bit.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from encoder_tui import builtin
from encoder_tui.client.client import EngineClient
from encoder_tui.core.models.placement import ModelSource, Placement
from encoder_tui.protocol import operations
from encoder_tui.protocol.tasks import EncodeRequest
from tests.benchmarks.measuring import Asked, Figure
from tests.support.model_directories import all_directories

TEXTS = 2_000
SENTENCES = (1, 1, 1, 2, 2, 3, 5, 12)
"""How many sentences a text has; the longest are cut."""


def texts() -> list[str]:
    """Texts of mixed lengths, in an order of their own."""
    source = random.Random(5)
    whole = " ".join(file.read_text("utf-8") for file in sorted(builtin.documents().glob("*.txt")))
    sentences = [sentence.strip() for sentence in whole.replace("\n", " ").split(". ") if len(sentence) > 20]
    return [". ".join(source.choices(sentences, k=source.choice(SENTENCES))) for _ in range(TEXTS)]


def peak_of(process: int | None) -> int:
    """The largest memory of a process so far in bytes."""
    for line in Path(f"/proc/{process}/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the system does not say how much memory the engine took")


async def measured(runs: int, folder: Path) -> tuple[list[float], list[float], int, int]:
    """Documents a second of the engine and of the bare process, and the largest memory of each in bytes."""
    model = all_directories()["all-minilm-l6-v2"](folder)
    given = texts()
    file = folder / "texts.json"
    file.write_text(json.dumps(given), "utf-8")
    source, peaks = ModelSource("all-MiniLM-L6-v2", str(model)), (0, 0)
    engine, peer = EngineClient(folder / "engine.log", None), Asked("sentence_transformer.py", str(model), str(file))
    ours: list[float] = []
    theirs: list[float] = []
    try:
        await engine.run(operations.ENCODE, EncodeRequest(source, Placement(), given[:64]))
        for _ in range(runs):
            seconds, digest, their_peak = json.loads(await asyncio.to_thread(peer.ask, "go"))
            theirs.append(TEXTS / seconds)
            start = time.perf_counter()
            answer = await engine.run(operations.ENCODE, EncodeRequest(source, Placement(), given))
            ours.append(TEXTS / (time.perf_counter() - start))
            peaks = peak_of(engine.pid), their_peak
            if hashlib.sha256(answer.vectors.data).hexdigest() != digest:
                raise AssertionError("the vectors are not the library's")
    finally:
        peer.close()
        await engine.close()
    return ours, theirs, *peaks


def figures(runs: int) -> list[Figure]:
    """Documents a second, and memory; raises AssertionError if the vectors differ."""
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs, peak, their_peak = asyncio.run(measured(runs, Path(folder)))
    ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
    name = f"vectors of {TEXTS:,} texts of mixed lengths, against SentenceTransformer.encode"
    return [
        Figure(name, "documents/s", ours, "0.95 ×", theirs, f"{ratio:.2f} ×, the same to the last bit"),
        Figure(
            "largest memory of the engine meanwhile", "MB", [peak / 1e6], "–", [their_peak / 1e6],
            f"{peak / their_peak:.2f} ×",
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    for figure in figures(int(sys.argv[1]) if len(sys.argv) > 1 else 3):
        print(" | ".join(figure.row()))
