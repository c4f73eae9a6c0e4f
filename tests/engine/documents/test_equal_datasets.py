"""Folders are read as `datasets` loads them: the same files of the same splits, the same columns, the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from encoder_tui.core.documents.document import unpacked
from encoder_tui.engine.documents import opened
from encoder_tui.engine.job import Job
from encoder_tui.engine.operations import document, find, rows, scan, source
from encoder_tui.protocol.documents import (
    Counted,
    DocumentRequest,
    FindRequest,
    RowsRequest,
    ScanRequest,
    SourceRequest,
    SourceSpec,
)
from tests.engine.documents.test_long_documents import tokenizer
from tests.support.dataset_folders import FOLDERS

MODEL = [Counted("model of equal rows", 512)]


@pytest.fixture(scope="module", autouse=True)
def models() -> Iterator[None]:
    opened.tokenizers[MODEL[0].key] = tokenizer("builtin:bert")
    yield
    del opened.tokenizers[MODEL[0].key]


@pytest.fixture
def job() -> Job:
    return Job(1, lambda message: None)


def loaded(folder: Path, config: str | None, cache: Path, *, streaming: bool) -> dict[str, list[dict[str, Any]]]:
    """The rows of every split as `datasets` loads them."""
    import datasets

    datasets.disable_progress_bars()
    found = datasets.load_dataset(str(folder), config, cache_dir=str(cache), streaming=streaming)
    return {str(split): list(each) for split, each in found.items()}


def texts_of(row: Mapping[str, Any], path: list[str]) -> list[str]:
    """The texts in a row of `datasets` at a path of names."""
    value: Any = row
    for place, name in enumerate(path):
        if isinstance(value, list):
            return [text for one in value for text in texts_of(one, path[place:])]
        value = (value or {}).get(name)
    if isinstance(value, list):
        return [one for one in value if isinstance(one, str)]
    return [value] if isinstance(value, str) else []


def expected(column: str, found: list[dict[str, Any]]) -> list[str | None]:
    """The documents of a column, made of the rows that `datasets` loads."""
    if column in found[0] and not isinstance(found[0][column], list):
        return [row.get(column) if isinstance(row.get(column), str) else None for row in found]
    path = column.replace("[]", "").split(".")
    if column == "messages":
        path.append("content")
    texts = [texts_of(row, path) for row in found]
    if "[]" in column:
        return [text for each in texts for text in each]
    return ["\n".join(each) if each else None for each in texts]


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_is_read_as_datasets_loads_it(name: str, tmp_path: Path, job: Job) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    FOLDERS[name](folder)
    is_text = any(path.name.startswith("rows.txt") for path in folder.iterdir())
    spec = SourceSpec(str(folder), lines=is_text)
    answer = source.run(SourceRequest(spec), job)
    for config in answer.configs or [None]:
        theirs = loaded(folder, config, tmp_path / "cache", streaming=True)
        for split, found in theirs.items():
            assert_equal(SourceSpec(str(folder), lines=is_text, config=config, split=split), found, list(theirs), job)
    if len(answer.splits) > 1:
        assert any(f"only the split {answer.split} of" in one for one in answer.remarks)


def assert_equal(spec: SourceSpec, found: list[dict[str, Any]], splits: list[str], job: Job) -> None:
    """Compare the list, random access, a search and the counts of every column with the rows of `datasets`."""
    answer = source.run(SourceRequest(spec), job)
    assert (answer.splits or splits) == splits
    assert {
        column.split(".")[0].removesuffix("[]") for column in answer.columns if "." in column or "[]" in column
    } <= {name.split(".")[0] for name in found[0]}
    plain = {name for row in found for name, value in row.items() if isinstance(value, str)}
    assert plain <= set(answer.columns)
    for column in answer.columns:
        documents = expected(column, found)
        listed = rows.run(RowsRequest(spec, column, 0, len(documents) + 5), job)
        assert [row.characters for row in listed.rows] == [None if text is None else len(text) for text in documents]
        assert [row.beginning for row in listed.rows] == [(text or "")[:400] for text in documents]
        assert (listed.total, listed.is_end) == (len(documents), True)
        for index in reversed(range(len(documents))):
            assert document.run(DocumentRequest(spec, column, index), job).text == documents[index]
    column = answer.column
    documents = expected(column, found)
    hits = find.run(FindRequest(spec, column, "2", 0, 5), job)
    assert list(unpacked(hits.found)) == [index for index, text in enumerate(documents) if text and "2" in text]
    counted = scan.run(ScanRequest(spec, column, 0, 5, MODEL, fast=False), job)
    assert list(unpacked(counted.characters)) == [len(text or "") for text in documents]
    assert (counted.total, counted.empty, counted.is_end) == (len(documents), documents.count(None), True)


@pytest.mark.parametrize("name", ["csv, shards", "parquet, nested", "jsonl, nulls", "arrow, clean"])
def test_without_streaming_the_rows_are_the_same(name: str, tmp_path: Path, job: Job) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    FOLDERS[name](folder)
    for split, found in loaded(folder, None, tmp_path / "cache", streaming=False).items():
        assert_equal(SourceSpec(str(folder), split=split), found, [split], job)


def test_every_row_is_reached_from_any_other(tmp_path: Path, job: Job) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    FOLDERS["jsonl, shards"](folder)
    found = loaded(folder, None, tmp_path / "cache", streaming=True)["train"]
    each = opened.source_of(SourceSpec(str(folder)), job)
    each.reach(1 << 40, job)
    for start in range(len(found)):
        assert list(islice(each.iterate(start, "text"), 3)) == [row["text"] for row in found[start : start + 3]]
