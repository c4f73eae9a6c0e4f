"""Sources of documents: files, directories, data sets on the Hub, the built-in samples."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from encoder_tui.core.files.typed_paths import typed_path
from encoder_tui.core.models.names import ModelError
from encoder_tui.core.text.numbers import count
from encoder_tui.engine.documents.sources.content import Content, is_descriptor
from encoder_tui.engine.documents.sources.hub import DEFAULT, NAME, HubRows
from encoder_tui.engine.documents.sources.joined import Joined
from encoder_tui.engine.documents.sources.kinds import KINDS, kind_of, open_contents, open_file, open_path
from encoder_tui.engine.documents.sources.samples import Samples
from encoder_tui.engine.documents.sources.source import Source
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.protocol.documents import SourceSpec


def open_source(spec: SourceSpec, job: Job) -> Source:
    """Open the source that the user named. Without a name, open MLDR, or the samples if the Hub cannot be reached.

    Raises `OperationError` with one sentence.
    """
    name = spec.source
    if name is None:
        try:
            return HubRows(DEFAULT, job, offline=spec.offline)
        except (OperationError, ModelError) as error:
            return Samples(f"the built-in samples replace {DEFAULT}: {error}")
    if name == "builtin":
        return Samples()
    try:
        path = typed_path(name)
        if path.is_dir():
            return _directory(name, path, spec, job)
        if path.exists() or is_descriptor(path):
            return open_file(spec.label or name, path, spec)
    except OSError as error:
        raise OperationError(f"{name} cannot be read: {error.strerror}") from error
    is_path = name.startswith(("/", "./", "../", "~")) or path.suffix.lower() in KINDS
    if is_path or not NAME.fullmatch(name):
        raise OperationError(f"{name}: no such file or directory")
    try:
        return HubRows(name, job, offline=spec.offline)
    except ModelError as error:
        raise OperationError(f"there is no file {name} here, and opening it as a data set failed: {error}") from error


def _directory(name: str, path: Path, spec: SourceSpec, job: Job) -> Source:
    """Open all files of the most frequent kind in a directory, ordered by name."""
    everything, closed = _below(path)
    files: list[Path] = []
    empty: list[Path] = []
    for file in everything:
        try:
            if kind_of(file) and file.is_file():
                (files if file.stat().st_size else empty).append(file)
        except OSError as error:  # its folder can be listed but not entered
            closed.append(OSError(error.errno, error.strerror, str(file.parent)))
    if closed and not files:
        raise closed[0]
    if not files:
        suffixes = ", ".join(KINDS)
        raise OperationError(f"{name} holds no documents; looked for files with the suffixes {suffixes}")
    kinds = Counter(kind_of(file) or "" for file in files)
    kind = kinds.most_common(1)[0][0]
    chosen = [file for file in files if kind_of(file) == kind]
    if kind == "text" and not spec.lines:
        source: Source = open_contents(kind, name, [Content(file) for file in chosen], spec)
    else:
        source = Joined(name, chosen, lambda file: open_path(kind, name, file, spec))
        if kind == "parquet":
            # The footers state the number of rows.
            source.reach(1 << 62, job)
    if len(chosen) < len(files):
        source.remark(f"{len(chosen):,} {kind} files of {name} are read, {len(files) - len(chosen):,} others are not")
    if empty:
        more = ", …" if len(empty) > 1 else ""
        source.remark(f"{count(len(empty), 'empty file')} of {name} left out: {empty[0].name}{more}")
    if closed:
        first = Path(closed[0].filename).name
        folders = count(len({error.filename for error in closed}), "folder")
        source.remark(f"{folders} of {name} cannot be read ({first}: {closed[0].strerror})")
    return source


def _below(path: Path) -> tuple[list[Path], list[OSError]]:
    """Return the files in a directory and its subfolders by name, without hidden ones, and the errors of unlisted
    folders.
    """
    closed: list[OSError] = []
    files = []
    for folder, folders, names in os.walk(path, onerror=closed.append):
        folders[:] = [one for one in folders if not one.startswith(".")]
        files += [Path(folder, one) for one in names if not one.startswith(".")]
    return sorted(files), closed
