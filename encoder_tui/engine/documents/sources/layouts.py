"""Folders that another program has written in a layout of its own: `save_to_disk` of datasets, Delta tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from encoder_tui.core.files.private import open_regular
from encoder_tui.core.text.numbers import count
from encoder_tui.engine.documents.sources.tree import Tree
from encoder_tui.engine.job import OperationError

LOG: Final = "_delta_log"
"""The folder of a Delta table that holds its log."""

LARGEST: Final = 1 << 26
"""Bytes of the largest file of a layout that is read."""


def saved_splits(tree: Tree, name: str) -> dict[str, list[str]] | None:
    """Return the files by split of a folder that `save_to_disk` wrote; None if it is no such folder.

    The one split of a single data set is called train. Raises `OperationError`.
    """
    if tree.has("dataset_dict.json"):
        splits = _json(tree.path("dataset_dict.json"), name).get("splits", [])
        return {str(split): _shards(tree, f"{split}/", name) for split in splits}
    if tree.has("state.json") and tree.has("dataset_info.json"):
        return {"train": _shards(tree, "", name)}
    return None


def _shards(tree: Tree, folder: str, name: str) -> list[str]:
    state = _json(tree.path(f"{folder}state.json"), name)
    if state.get("_indices_data_files"):
        raise OperationError(f"{name} was saved with a selection of rows by an old version of datasets; save it again")
    return [f"{folder}{one['filename']}" for one in state.get("_data_files") or ()]


class DeltaTable:
    """What the log of a Delta table says: the `files` of its last version, and what a reader should know."""

    def __init__(self, tree: Tree, name: str) -> None:
        self.files: list[str] = []
        self.remarks: list[str] = []
        self._added: dict[str, dict[str, Any]] = {}
        logs = {file.removeprefix(f"{LOG}/"): file for file in tree.below(LOG)}
        commits = {int(log[:20]): file for log, file in logs.items() if log[20:] == ".json" and log[:20].isdigit()}
        checkpoints = {int(log[:20]) for log in logs if ".checkpoint" in log and log[:20].isdigit()}
        first = max(checkpoints, default=-1)
        for log, file in logs.items():
            if log.startswith(f"{first:020}.checkpoint") and log.endswith(".parquet"):
                self._read_checkpoint(tree.path(file), name)
        for version in sorted(version for version in commits if version > first):
            for line in _read(tree.path(commits[version]), name).splitlines():
                if line.strip():
                    self._apply(_decoded(line, commits[version], name))
        self.files = list(self._added)
        are = "is" if len(self.files) == 1 else "are"
        self.remarks.append(
            f"{name} is a Delta table: {count(len(self.files), 'file')} of its last version {are} read;"
            " load_dataset would read its log"
        )
        if any(one.get("partitionValues") for one in self._added.values()):
            self.remarks.append(f"the columns by which {name} is partitioned are not shown")
        if any(one.get("deletionVector") for one in self._added.values()):
            self.remarks.append(f"{name} marks rows as deleted; they are shown all the same")

    def _apply(self, action: dict[str, Any]) -> None:
        added, removed = action.get("add"), action.get("remove")
        if isinstance(added, dict) and added.get("path"):
            self._added[unquote(str(added["path"]))] = added
        if isinstance(removed, dict) and removed.get("path"):
            self._added.pop(unquote(str(removed["path"])), None)

    def _read_checkpoint(self, path: Path, name: str) -> None:
        import pyarrow  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415

        try:
            for action in parquet.read_table(path).to_pylist():
                self._apply(action)
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise OperationError(f"{name}: {path.name} of its log cannot be read") from error


def is_delta_table(tree: Tree) -> bool:
    """Return whether a folder is a Delta table."""
    return any(file.startswith(f"{LOG}/") for file in tree.files)


def _read(path: Path, name: str) -> bytes:
    try:
        with open_regular(path) as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise OperationError(f"{name}: {path.name} cannot be read: {error.strerror}") from error
    if len(data) > LARGEST:
        raise OperationError(f"{name}: {path.name} is larger than the {LARGEST >> 20} MB allowed")
    return data


def _json(path: Path, name: str) -> dict[str, Any]:
    return _decoded(_read(path, name), path.name, name)


def _decoded(data: bytes, file: str, name: str) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise OperationError(f"{name}: {file} is not valid JSON ({error})") from error
    if not isinstance(found, dict):
        raise OperationError(f"{name}: {file} is not a JSON object")
    return found
