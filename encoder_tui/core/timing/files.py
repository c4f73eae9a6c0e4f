"""Runs in files: JSON lines, one for the run and one for each point, and CSV."""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import json
import os
import re
from pathlib import Path
from typing import Any, Final

import msgspec

from encoder_tui.core.files.atomic import write_private
from encoder_tui.core.files.private import private_folder, read_file
from encoder_tui.core.timing.plan import Plan, RunColumn, RunRow
from encoder_tui.core.timing.run import Run, RunKind, trusting
from encoder_tui.core.timing.samples import Environment, Point, Samples

FORMAT: Final = 1
LONGEST: Final = 64 << 20
"""Bytes of a file that is read; a run of a thousand points has a tenth of that."""


NONSENSE: Final = (
    *(msgspec.MsgspecError, ValueError, LookupError, TypeError, AttributeError, RecursionError),
    ArithmeticError,  # of numbers that Python's own floats cannot hold
)
"""What is raised over a file that holds something else."""


class FileProblem(Exception):
    """A file that cannot be read or written; the message says which and why."""


class FirstLine(msgspec.Struct, frozen=True):
    """The first line of a file: what was asked, and the settings in force."""

    encoder_tui_timing: int
    kind: RunKind = msgspec.field(name="title")
    plan: Plan
    columns: list[RunColumn]
    rows: list[RunRow]
    groups: list[list[Point]]
    environment: Environment | None = None
    failures: dict[int, str] = {}

    def __post_init__(self) -> None:
        """Refuse points and failures that do not fit the table; msgspec makes a `ValidationError` of a ValueError."""
        if not self.rows or not self.columns or len(self.groups) != len(self.rows):
            raise ValueError("its points do not fit its table")
        variants = [point.variant for group in self.groups for point in group]
        if not all(0 <= column < len(self.columns) for column in [*variants, *self.failures]):
            raise ValueError("a point or a failure of it belongs to no column")


def lines_of(run: Run) -> list[str]:
    """A run as JSON lines in ASCII; a point is as `time --json` prints it, with the rest of what was measured."""
    groups = [[_without_text(point) for point in group] for group in run.groups]
    head = FirstLine(FORMAT, run.kind, run.plan, run.columns, run.rows, groups, run.environment, run.failures)
    lines = [json.dumps(msgspec.to_builtins(head))]
    for (row, column), record in run.records():
        samples = run.samples[row, column]
        samples = msgspec.structs.replace(samples, point=_without_text(samples.point))
        everything = {"row": row, "column": column, "everything": msgspec.to_builtins(samples)}
        lines.append(json.dumps({**record, **everything}))
    return lines


def _without_text(point: Point) -> Point:
    """A point that was given a text's ids, with zeros in their place: ids are the text, and time does not depend on
    them, so the run can be repeated all the same."""
    if point.given is None:
        return point
    zeros = [[0] * len(row) for row in point.given.input_ids]
    return msgspec.structs.replace(point, given=msgspec.structs.replace(point.given, input_ids=zeros))


def run_of(lines: list[str]) -> Run:
    """The run that a file holds; raises `FileProblem` where it holds none."""
    try:
        head = msgspec.convert(_of_today(json.loads(lines[0])), FirstLine, str_keys=True)
        if head.encoder_tui_timing != FORMAT:
            raise FileProblem(f"it is of format {head.encoder_tui_timing}, and this version reads {FORMAT}")
        # Whether a model's own code may run is for the settings of today to say, not for a file.
        run = Run(head.plan, [trusting(column, {}) for column in head.columns], head.rows, head.groups, head.kind)
        run.environment = head.environment
        run.failures = head.failures
        for line in lines[1:]:
            found: dict[str, Any] = json.loads(line)
            row, samples = msgspec.convert(found["row"], int), msgspec.convert(found["everything"], Samples)
            if not 0 <= row < len(run.rows) or samples.point.variant >= len(run.columns):
                raise FileProblem("a point of it belongs to no row or column")
            run.skip(row, samples)
    except NONSENSE as error:
        raise FileProblem("it holds no run of encoder-tui") from error
    return run


def _of_today(head: Any) -> Any:
    """A first line of the form in which threads were one number for a whole run, in that of today."""
    threads = head["plan"]["threads"]
    if not isinstance(threads, list):
        head["plan"]["threads"] = [threads]
        for column in head["columns"]:
            column["variant"]["placement"].setdefault("threads", threads)
    return head


def save(run: Run, folder: Path) -> Path:
    """Write a run into a folder under the time at which it began; raises `FileProblem`."""
    started = run.environment.started if run.environment is not None else "unknown"
    stem = re.sub(r"[^0-9T]", "", started.partition("+")[0]) or "run"
    try:
        private_folder(folder)
        number = 1
        while (path := folder / f"{stem}-{run.kind}{f'-{number}' if number > 1 else ''}.jsonl").exists():
            number += 1
        write_private(path, "\n".join(lines_of(run)) + "\n")
    except OSError as error:
        raise FileProblem(f"the run cannot be saved in {folder}: {error.strerror}") from error
    return path


def load(path: Path) -> Run:
    """Read a run; raises `FileProblem`."""
    try:
        if path.stat().st_size > LONGEST:
            raise FileProblem(f"{path.name}: it is too long for a run")
        return run_of(read_file(path).decode().splitlines())
    except FileProblem as error:
        raise FileProblem(f"{path.name}: {error}") from error
    except UnicodeDecodeError as error:
        raise FileProblem(f"{path.name}: it holds no run of encoder-tui") from error
    except OSError as error:
        raise FileProblem(f"{path.name} cannot be read: {error.strerror}") from error


def delete(path: Path) -> bytes:
    """Take a kept run away, and return what brings it back; raises `FileProblem`."""
    try:
        content = read_file(path)
        path.unlink()
    except OSError as error:
        raise FileProblem(f"{path.name} cannot be deleted: {error.strerror}") from error
    return content


def bring_back(path: Path, content: bytes) -> None:
    """Write a run that was deleted where it was; raises `FileProblem`."""
    try:
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        write_private(path, content)
    except OSError as error:
        raise FileProblem(f"{path.name} cannot be written: {error.strerror}") from error


def saved(folder: Path) -> list[Path]:
    """The files of a folder, newest first."""
    with contextlib.suppress(OSError):
        return sorted(folder.glob("*.jsonl"), reverse=True)
    return []


FIELDS: Final = (
    *("model", "device", "dtype", "attention", "weights", "batch", "length", "real_tokens"),
    *("cold_s", "median_s", "iqr_s", "p90_s", "cpu_s", "device_s", "tokens_per_s", "peak_memory_bytes"),
    *("compiled", "tf32", "unpadded", "other_load"),
    *("samples", "passes_a_sample", "threads", "torch", "transformers", "skipped"),
)


def csv_of(run: Run) -> str:
    """A run as CSV, a line a point, with the settings in force in every line."""
    text = io.StringIO()
    table = csv.DictWriter(text, FIELDS, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    about = run.environment
    for place, record in run.records():
        samples = run.samples[place]
        found = samples.latency
        more = {
            "real_tokens": samples.point.real_tokens,
            "p90_s": None if found is None else found.p90,
            "samples": len(samples.samples_s),
            "other_load": samples.other_load,
            "passes_a_sample": samples.calls,
            "threads": record.get("threads", None if about is None else about.threads),
            "torch": None if about is None else about.versions.get("torch"),
            "transformers": None if about is None else about.versions.get("transformers"),
        }
        table.writerow({**record, **more})
    return text.getvalue()
