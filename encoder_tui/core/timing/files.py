"""Runs in files: JSON lines (one line for the run, one for each point) and CSV."""

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
from encoder_tui.core.text.safe import visible
from encoder_tui.core.text.spreadsheet import text_cell
from encoder_tui.core.timing.plan import Plan, RunColumn, RunRow
from encoder_tui.core.timing.run import Run, RunKind, trusting
from encoder_tui.core.timing.samples import Environment, Point, Samples

FORMAT: Final = 1
LONGEST: Final = 64 << 20
"""The largest file that is read, in bytes; a run of a thousand points needs a tenth of that."""


NONSENSE: Final = (
    *(msgspec.MsgspecError, ValueError, LookupError, TypeError, AttributeError, RecursionError),
    ArithmeticError,  # for numbers too large for Python's floats
)
"""Exceptions raised by a file that does not hold a run."""


class FileProblem(Exception):
    """A file cannot be read or written; the message says which one and why."""


class FirstLine(msgspec.Struct, frozen=True):
    """The first line of a file: the plan, and the settings that were used."""

    encoder_tui_timing: int
    kind: RunKind = msgspec.field(name="title")
    plan: Plan
    columns: list[RunColumn]
    rows: list[RunRow]
    groups: list[list[Point]]
    environment: Environment | None = None
    failures: dict[int, str] = {}

    def __post_init__(self) -> None:
        """Refuse points and failures that do not fit the table; msgspec turns a ValueError into a `ValidationError`."""
        if not self.rows or not self.columns or len(self.groups) != len(self.rows):
            raise ValueError("its points do not fit its table")
        variants = [point.variant for group in self.groups for point in group]
        if not all(0 <= column < len(self.columns) for column in [*variants, *self.failures]):
            raise ValueError("a point or a failure of it belongs to no column")


def lines_of(run: Run) -> list[str]:
    """Return a run as JSON lines in ASCII; each point is as `time --json` prints it, plus everything else that was
    measured.
    """
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
    """Replace the ids of a text with zeros. Ids reveal the text, and time does not depend on them, so the run can still
    be repeated.
    """
    if point.given is None:
        return point
    zeros = [[0] * len(row) for row in point.given.input_ids]
    return msgspec.structs.replace(point, given=msgspec.structs.replace(point.given, input_ids=zeros))


def run_of(lines: list[str]) -> Run:
    """Return the run in these lines. Raises `FileProblem` if they hold none."""
    try:
        head = msgspec.convert(_of_today(json.loads(lines[0])), FirstLine, str_keys=True)
        if head.encoder_tui_timing != FORMAT:
            raise FileProblem(f"it has format {head.encoder_tui_timing}, but this version reads format {FORMAT}")
        # The current settings decide whether a model's own code may run; the file does not.
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
        raise FileProblem("it does not hold a run saved by encoder-tui") from error
    return run


def _of_today(head: Any) -> Any:
    """Convert a first line of the older format, which had one number of threads for the whole run."""
    threads = head["plan"]["threads"]
    if not isinstance(threads, list):
        head["plan"]["threads"] = [threads]
        for column in head["columns"]:
            column["variant"]["placement"].setdefault("threads", threads)
    return head


def save(run: Run, folder: Path) -> Path:
    """Write a run into a folder, named after the time it began. Raises `FileProblem`."""
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
    """Read a run. Raises `FileProblem`."""
    try:
        if path.stat().st_size > LONGEST:
            raise FileProblem(f"{path.name}: it is too large to be a run")
        return run_of(read_file(path).decode().splitlines())
    except FileProblem as error:
        raise FileProblem(f"{path.name}: {error}") from error
    except UnicodeDecodeError as error:
        raise FileProblem(f"{path.name}: it does not hold a run saved by encoder-tui") from error
    except OSError as error:
        raise FileProblem(f"{path.name} cannot be read: {error.strerror}") from error


def delete(path: Path) -> bytes:
    """Delete a saved run and return its content for `bring_back`. Raises `FileProblem`."""
    try:
        content = read_file(path)
        path.unlink()
    except OSError as error:
        raise FileProblem(f"{path.name} cannot be deleted: {error.strerror}") from error
    return content


def bring_back(path: Path, content: bytes) -> None:
    """Write a deleted run to where it was. Raises `FileProblem`."""
    try:
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        write_private(path, content)
    except OSError as error:
        raise FileProblem(f"{path.name} cannot be written: {error.strerror}") from error


def saved(folder: Path) -> list[Path]:
    """Return the runs in a folder, newest first."""
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
    """Return a run as CSV, one line per point, each with the settings it ran with.

    Names of models and messages come from outside, so no cell of text is a formula for a spreadsheet.
    """
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
        table.writerow({name: _as_text(value) for name, value in {**record, **more}.items()})
    return text.getvalue()


def _as_text(value: Any) -> Any:
    """Return a cell whose text is one line and not a formula."""
    if not isinstance(value, str):
        return value
    return text_cell(visible(value))
