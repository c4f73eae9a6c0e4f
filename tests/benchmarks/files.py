"""First rows, the last row, memory and counting of local files in the engine for documents, a process a case.

```sh
python -m tests.benchmarks.files                     # this version
PYTHONPATH=OTHER python tests/benchmarks/files.py    # another version, in the folder OTHER
```
"""

from __future__ import annotations

import csv
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

FORMATS: Final = ("jsonl", "csv", "parquet")
ROWS: Final = (10, 10_000, 1_000_000)
RUNS: Final = 7
SHOWN: Final = 40
"""Rows that a list shows."""
COUNTED: Final = 4_000
"""Documents that are counted, of 2,000 characters."""


def texts(rows: int, words: int) -> list[str]:
    """Return texts of words that are the same at every run."""
    chance = random.Random(1)
    vocabulary = [f"word{number}" for number in range(2_000)]
    return [" ".join(chance.choices(vocabulary, k=words)) for _ in range(rows)]


def write(path: Path, documents: list[str]) -> None:
    """Write a file with a number and a text in every row."""
    if path.suffix == ".jsonl":
        with path.open("w") as file:
            file.writelines(json.dumps({"id": place, "text": text}) + "\n" for place, text in enumerate(documents))
    elif path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "text"])
            writer.writerows(enumerate(documents))
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"id": list(range(len(documents))), "text": documents}), path)


def measure(path: str) -> dict[str, float]:
    """Open a file and read its first rows, then its last one: seconds of the processor, and megabytes in the end."""
    from encoder_tui.engine.documents import opened
    from encoder_tui.engine.job import Job
    from encoder_tui.engine.operations import rows, source
    from encoder_tui.protocol.documents import RowsRequest, SourceRequest, SourceSpec

    job = Job(1, lambda message: None)
    spec = SourceSpec(path)
    began = time.process_time()
    source.run(SourceRequest(spec), job)
    rows.run(RowsRequest(spec, "text", 0, SHOWN), job)
    first = time.process_time() - began
    began = time.process_time()
    found = opened.source_of(spec, job)
    found.reach(1 << 62, job)
    last = rows.run(RowsRequest(spec, "text", found.known - 1, 1), job)
    assert len(last.rows) == 1
    return {
        "first": first,
        "last": time.process_time() - began,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    }


def count(path: str) -> dict[str, float]:
    """Count the tokens of a file: documents in a second of the processor."""
    from encoder_tui.client.collection import form_key
    from encoder_tui.client.loader import builtin_form
    from encoder_tui.core.models.files import resolve_here
    from encoder_tui.core.models.names import parse_name
    from encoder_tui.core.tokens.tokenizer import ModelTokenizer
    from encoder_tui.engine.documents import opened
    from encoder_tui.engine.job import Job
    from encoder_tui.engine.operations import scan, source
    from encoder_tui.protocol.documents import Counted, ScanRequest, SourceRequest, SourceSpec

    job = Job(1, lambda message: None)
    files = resolve_here(parse_name("builtin:bert"))
    assert files is not None
    form = builtin_form(files)
    key = form_key(form)
    opened.tokenizers[key] = ModelTokenizer(form)
    spec = SourceSpec(path)
    source.run(SourceRequest(spec), job)
    began = time.process_time()
    answer = scan.run(ScanRequest(spec, "text", 0, 600, [Counted(key, 512)], fast=False), job)
    assert answer.is_end
    return {"rate": answer.next / (time.process_time() - began)}


def in_process(what: str, path: Path) -> dict[str, float]:
    """Measure once in a process of its own."""
    done = subprocess.run([sys.executable, __file__, what, str(path)], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def medians(what: str, path: Path, runs: int) -> dict[str, Any]:
    samples = [in_process(what, path) for _ in range(runs)]
    return {name: statistics.median(sample[name] for sample in samples) for name in samples[0]}


def main() -> None:
    """Measure every format and size, and print a line for each."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with tempfile.TemporaryDirectory() as folder:
        for suffix in FORMATS:
            for rows in ROWS:
                path = Path(folder, f"rows.{suffix}")
                write(path, texts(rows, 8))
                found = medians("measure", path, runs)
                print(
                    f"{suffix:8}{rows:>10,} rows: first {1000 * found['first']:7.1f} ms,"
                    f" last {1000 * found['last']:8.1f} ms, memory {found['memory']:5.0f} MB",
                    flush=True,
                )
            write(path, texts(COUNTED, 250))
            print(f"{suffix:8}counting {medians('count', path, min(runs, 5))['rate']:8.0f} documents/s", flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps({"measure": measure, "count": count}[sys.argv[1]](sys.argv[2])))
    else:
        main()
