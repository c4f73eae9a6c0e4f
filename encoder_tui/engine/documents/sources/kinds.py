"""One file, opened by its format: the requested one, that of its suffix, or that of its first bytes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from encoder_tui.core.text.numbers import count
from encoder_tui.engine.documents.sources.arrow import ArrowFile
from encoder_tui.engine.documents.sources.content import Content, contents, is_descriptor
from encoder_tui.engine.documents.sources.csv_dialect import dialect_of
from encoder_tui.engine.documents.sources.csv_rows import CsvFile
from encoder_tui.engine.documents.sources.files import LineFile, TextFiles
from encoder_tui.engine.documents.sources.joined import Joined
from encoder_tui.engine.documents.sources.json_rows import open_json
from encoder_tui.engine.documents.sources.parquet import ParquetFile
from encoder_tui.engine.documents.sources.source import Source
from encoder_tui.engine.job import OperationError
from encoder_tui.protocol.documents import SourceSpec

KINDS: Final = {
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".jsonl": "json",
    ".jsonlines": "json",
    ".ndjson": "json",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "text",
    ".text": "text",
    ".md": "text",
    ".rst": "text",
}
"""The kind of file for each suffix."""

PACKED: Final = frozenset({".gz", ".bz2", ".zst", ".zstd", ".xz"})
"""Suffixes that follow that of the kind."""

BEGINNING: Final = 1 << 14
"""Bytes by which a file without a known suffix is recognized."""

MAPPED: Final[Mapping[str | None, Callable[[str, Content], Source]]] = {"parquet": ParquetFile, "arrow": ArrowFile}
"""What opens the files of which only the wanted part is read; of one that is packed, all is unpacked first."""

_OTHERS: Final = {
    b"PAR1": "parquet",
    b"%PDF": "PDF",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff": "arrow",  # a stream of batches
    b"SQLite format 3": "SQLite",
    b"\xd0\xcf\x11\xe0": "Office",
    b"\x89HDF": "HDF5",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
}
"""How files of other formats begin."""

TAR: Final = b"ustar"
TAR_AT: Final = 257
"""The byte at which a tar archive names itself."""

_STRING: Final = re.compile(r'\s*"(?:[^"\\]|\\.)*"\s*')
"""A line that is a JSON string."""


def kind_of(path: Path) -> str | None:
    """Return the kind of a file by its suffix, also if it is packed; None if that says nothing."""
    suffix = path.suffix.lower()
    return KINDS.get((Path(path.stem).suffix if suffix in PACKED else path.suffix).lower())


def open_file(name: str, path: Path, spec: SourceSpec) -> Source:
    """Open one file in the requested format, or the files of one archive. Raises `OperationError`."""
    if not is_descriptor(path):
        if not path.is_file():
            raise OperationError(f"{name} is not a regular file")
        if not path.stat().st_size:
            raise OperationError(f"{name} is empty; name a file with documents")
    return open_path(None, name, path, spec)


def open_path(kind: str | None, name: str, path: Path, spec: SourceSpec) -> Source:
    """Open a file of a kind, None if its content decides, or all files of that kind in an archive.

    Raises `OperationError`.
    """
    found = contents(path, name)
    if len(found) == 1:
        return open_content(spec.format or kind or kind_of(Path(found[0].member or path)), name, found[0], spec)
    kinds = {one.name: spec.format or kind_of(Path(one.member or "")) or "text" for one in found}
    chosen = Counter(kinds.values()).most_common(1)[0][0]
    members = [one for one in found if kinds[one.name] == chosen]
    source = open_contents(chosen, name, members, spec)
    if len(members) < len(found):
        others = "1 other is not" if len(found) - len(members) == 1 else f"{len(found) - len(members):,} others are not"
        source.remark(f"{count(len(members), f'{chosen} file')} of {path.name} read, {others}")
    return source


def open_contents(kind: str, name: str, files: list[Content], spec: SourceSpec) -> Source:
    """Open several files of one kind as one source. Raises `OperationError`."""
    if kind == "text" and not spec.lines:
        return TextFiles(name, files)
    by_path = {Path(f"{one.path}/{one.member}"): one for one in files}
    return Joined(name, list(by_path), lambda path: open_content(kind, name, by_path[path], spec))


def open_content(kind: str | None, name: str, content: Content, spec: SourceSpec) -> Source:
    """Open one file of a kind, None if its content decides. Raises `OperationError`."""
    if kind in MAPPED:
        return MAPPED[kind](name, content)
    with content.open() as file:
        beginning = file.read(BEGINNING)
    if not beginning:
        raise OperationError(f"{name} is empty; name a file with documents")
    other = next((of for magic, of in _OTHERS.items() if beginning.startswith(magic)), None)
    if beginning[TAR_AT:].startswith(TAR):
        raise OperationError(f"{name} is a tar archive, which is not read; unpack it and name the folder")
    if kind is None:
        kind = other if other in MAPPED else recognized(beginning, spec)
    if kind in MAPPED:
        return MAPPED[kind](name, content)
    if other is not None or b"\0" in beginning:
        what = "not a text file" if other is None else f"a file of {other}"
        raise OperationError(f"{name} is {what}; name a text, JSON lines, CSV or parquet file")
    if kind == "text":
        return LineFile(name, content) if spec.lines else TextFiles(name, [content])
    return open_json(name, content, spec.field) if kind == "json" else CsvFile(name, content, spec)


def recognized(beginning: bytes, spec: SourceSpec) -> str:
    """Return the kind of a file from its first bytes: JSON, delimited fields, or text."""
    if spec.field is not None:
        return "json"
    if spec.delimiter is not None or spec.header is not None or spec.quotes is not None:
        return "csv"
    text = beginning.decode("utf-8", "replace").lstrip()
    if re.match(r'\{\s*("|\}|$)|\[\s*[\[{"\d\]tfn-]|\[\s*$', text):
        return "json"
    lines = [line for line in text.splitlines()[:20] if line.strip()]
    if len(beginning) == BEGINNING:
        lines = lines[:-1] or lines
    if len(lines) > 1 and all(_STRING.fullmatch(line) for line in lines):
        return "json"
    if len(lines) > 1 and not spec.lines:
        dialect = dialect_of("\n".join(lines), "", spec, is_whole=True)
        widths = {line.count(dialect.delimiter) for line in lines}
        if dialect.delimiter in "\t;|," and len(widths) == 1 and (dialect.delimiter == "\t" or _is_header(lines[0])):
            return "csv"
    return "text"


def _is_header(line: str) -> bool:
    """Return whether a line looks like names of columns."""
    return re.fullmatch(r'"?[\w.-]+( [\w.-]+)?"?([,;|\t]"?[\w.-]+( [\w.-]+)?"?)+', line) is not None
