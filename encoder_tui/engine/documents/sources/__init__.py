"""Sources of documents: files, folders, data sets on the Hub, the built-in samples."""

from __future__ import annotations

from pathlib import Path

import msgspec

from encoder_tui.core.files.typed_paths import typed_path
from encoder_tui.core.models.names import ModelError
from encoder_tui.engine.documents.sources.content import is_descriptor
from encoder_tui.engine.documents.sources.folder import open_folder
from encoder_tui.engine.documents.sources.hub import DEFAULT, NAME, HubRows
from encoder_tui.engine.documents.sources.joined import Joined
from encoder_tui.engine.documents.sources.kinds import KINDS, open_file
from encoder_tui.engine.documents.sources.paths import Local, common_folder, local, path_of_url
from encoder_tui.engine.documents.sources.samples import Samples
from encoder_tui.engine.documents.sources.source import NoRows, Source
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.protocol.documents import SourceSpec


def open_source(spec: SourceSpec, job: Job) -> Source:
    """Open the source that the user named. Without a name, open MLDR, or the samples if the Hub cannot be reached.

    Raises `OperationError` with one sentence.
    """
    source = _opened(spec, job)
    source.refuse_without_text()
    return source


def _opened(spec: SourceSpec, job: Job) -> Source:
    name = spec.source
    if name is None:
        try:
            return HubRows(DEFAULT, job, offline=spec.offline)
        except (OperationError, ModelError) as error:
            return Samples(f"the built-in samples replace {DEFAULT}: {error}")
    if name == "builtin" and not spec.more:
        return Samples()
    found = [one for each in (name, *spec.more) for one in _local(each, is_alone=not spec.more)]
    if len(found) == 1:
        return _open(found[0], spec, job)
    if found:
        return _several(found, spec, job)
    try:
        return HubRows(_with_choice(name, spec), job, offline=spec.offline)
    except ModelError as error:
        raise OperationError(f"there is no file {name} here, and opening it as a data set failed: {error}") from error


def _local(name: str, *, is_alone: bool) -> list[Local]:
    """Return the files and folders of a name; none if it may be a data set of the Hub. Raises `OperationError`."""
    try:
        path = typed_path(path_of_url(name))
        found = [Local(name, path)] if is_descriptor(path) else local(name)
    except OSError as error:
        raise OperationError(f"{name} cannot be read: {error.strerror}") from error
    is_path = name.startswith(("/", "./", "../", "~")) or path.suffix.lower() in KINDS
    if not found and (is_path or not is_alone or not NAME.fullmatch(name)):
        raise OperationError(f"{name}: no such file or directory")
    return found


def _with_choice(name: str, spec: SourceSpec) -> str:
    """Return the name of a data set with the configuration and the split that the request adds to it."""
    found = NAME.fullmatch(name)
    assert found is not None
    return ":".join([found[1], spec.config or found[2] or "", spec.split or found[3] or ""]).rstrip(":")


def _open(one: Local, spec: SourceSpec, job: Job) -> Source:
    """Open a file or a folder. Raises `OperationError`."""
    name = spec.label or one.name
    spec = msgspec.structs.replace(spec, config=spec.config or one.config, split=spec.split or one.split)
    try:
        if one.path.is_dir():
            return open_folder(name, one.path, spec, job)
        for choice in (spec.config, spec.split):
            if choice not in (None, "default", "train"):
                raise OperationError(f"{name} is one file, so it has no {choice} to choose")
        return open_file(name, one.path, spec)
    except OSError as error:
        raise OperationError(f"{name} cannot be read: {error.strerror}") from error


def _several(found: list[Local], spec: SourceSpec, job: Job) -> Source:
    """Open several files and folders as one source. Raises `OperationError`."""
    by_path: dict[Path, Local] = {one.path: one for one in found}
    folder = common_folder(list(by_path))
    names = [path.absolute().relative_to(folder).as_posix() for path in by_path]
    label = spec.label or f"{found[0].name} and {len(by_path) - 1:,} more"

    def open_one(path: Path) -> Source:
        if path.is_file() and not path.stat().st_size:
            raise NoRows(f"{path.name} is empty")
        return _open(by_path[path], spec, job)

    return Joined(label, list(by_path), open_one, names)
