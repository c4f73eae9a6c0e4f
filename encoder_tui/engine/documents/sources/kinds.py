"""One file, opened by its format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from encoder_tui.engine.documents.sources.files import CsvFile, JsonArray, JsonLines, LineFile, TextFiles, opened
from encoder_tui.engine.documents.sources.parquet import ParquetFile
from encoder_tui.engine.documents.sources.source import Source
from encoder_tui.engine.job import OperationError
from encoder_tui.protocol.documents import SourceSpec

KINDS: Final = {
    ".parquet": "parquet",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "text",
    ".text": "text",
    ".md": "text",
    ".rst": "text",
}
"""The kind of file for each suffix."""


def open_file(name: str, path: Path, spec: SourceSpec) -> Source:
    """Open one file in the requested format, or by its suffix.

    A file with any other suffix is opened as text if it reads like text. Raises `OperationError`.
    """
    if not path.is_file():
        raise OperationError(f"{name} is not a regular file")
    if not path.stat().st_size:
        raise OperationError(f"{name} is empty; name a file with documents")
    kind = spec.format or KINDS.get(path.suffix.lower(), "text")
    if kind == "text":
        with opened(path) as file:
            if b"\0" in file.read(1 << 13):
                raise OperationError(f"{name} is not a text file; name a text, JSON lines, CSV or parquet file")
        return LineFile(name, path) if spec.lines else TextFiles(name, [path])
    return OPENERS[kind](name, path)


def _json(label: str, path: Path) -> Source:
    """Open JSON lines, or one array if the file begins with a bracket."""
    with opened(path) as file:
        is_array = file.read(1 << 12).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")
    return JsonArray(label, path) if is_array else JsonLines(label, path)


OPENERS: Final[dict[str, Callable[[str, Path], Source]]] = {"parquet": ParquetFile, "json": _json, "csv": CsvFile}
"""What opens a file of each kind of records."""
