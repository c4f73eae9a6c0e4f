"""Files that change while they are open: a sentence, and never another file's rows, values or tokens."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from encoder_tui.core.models.files import resolve_here
from encoder_tui.core.models.names import ModelError, parse_name
from encoder_tui.engine.documents.sources import open_source
from encoder_tui.engine.documents.sources.source import Source
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.parameters.stored_values import slices, stored
from encoder_tui.protocol.documents import SourceSpec
from tests.support.hub_case import write_model


@pytest.fixture
def job() -> Job:
    return Job(1, lambda message: None)


def json_lines(texts: list[str]) -> str:
    return "".join(json.dumps({"text": text}) + "\n" for text in texts)


def csv_rows(texts: list[str]) -> str:
    return "text\n" + "".join(f"{text}\n" for text in texts)


def read(source: Source, start: int, job: Job) -> list[str | None]:
    source.reach(1 << 30, job)
    return list(source.iterate(start, source.column))


KINDS = pytest.mark.parametrize(("name", "written"), [("rows.jsonl", json_lines), ("rows.csv", csv_rows)])


@KINDS
@pytest.mark.parametrize("others", [["a much longer one", "two", "three"], ["a", "b"], ["eno", "owt", "eerht"]])
def test_a_file_of_rows_that_is_written_anew_is_told(
    tmp_path: Path, job: Job, name: str, written: Callable[[list[str]], str], others: list[str]
) -> None:
    path = tmp_path / name
    path.write_text(written(["one", "two", "three"]))
    os.utime(path, (1, 1))
    source = open_source(SourceSpec(str(path)), job)
    assert read(source, 1, job) == ["two", "three"]
    new = tmp_path / "new"
    new.write_text(written(others))
    new.replace(path)
    with pytest.raises(OperationError, match=r"rows.* has changed on the disk since it was opened; open it again"):
        read(source, 1, job)
    assert read(open_source(SourceSpec(str(path)), job), 0, job) == others


@KINDS
@pytest.mark.parametrize("others", [["a much longer one"] * 9, ["one", "two", "three and more", "four"]])
def test_a_file_of_rows_that_is_written_anew_in_place_is_told_though_it_has_grown(
    tmp_path: Path, job: Job, name: str, written: Callable[[list[str]], str], others: list[str]
) -> None:
    path = tmp_path / name
    path.write_text(written(["one", "two", "three"]))
    source = open_source(SourceSpec(str(path)), job)
    assert read(source, 1, job) == ["two", "three"]
    path.write_text(written(others))
    with pytest.raises(OperationError, match=r"rows.* has changed on the disk since it was opened; open it again"):
        read(source, 1, job)


def test_a_text_or_a_parquet_file_that_is_written_anew_is_told(tmp_path: Path, job: Job) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    text, table = tmp_path / "a.txt", tmp_path / "a.parquet"
    text.write_text("a lighthouse")
    parquet.write_table(pyarrow.table({"text": ["one", "two"]}), table)
    sources = [open_source(SourceSpec(str(path)), job) for path in (text, table)]
    assert [read(source, 0, job) for source in sources] == [["a lighthouse"], ["one", "two"]]
    text.write_text("a keeper, and more")
    parquet.write_table(pyarrow.table({"text": ["eno", "owt"]}), table)
    for source in sources:
        with pytest.raises(OperationError, match=r"a\.\w+ has changed on the disk since it was opened; open it again"):
            read(source, 0, job)


def test_bytes_in_parquet_that_are_no_text_are_replaced_with_a_remark(tmp_path: Path, job: Job) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "bad.parquet"
    damaged = pyarrow.array([b"a\xffb", b"whole", None]).view(pyarrow.string())
    parquet.write_table(pyarrow.table({"text": damaged}), path)
    source = open_source(SourceSpec(str(path)), job)
    assert read(source, 0, job) == ["a\N{REPLACEMENT CHARACTER}b", "whole", None]
    assert "not valid UTF-8" in source.remarks[0]


@KINDS
def test_rows_that_are_added_at_the_end_do_no_harm(
    tmp_path: Path, job: Job, name: str, written: Callable[[list[str]], str]
) -> None:
    path = tmp_path / name
    path.write_text(written(["one", "two"]))
    source = open_source(SourceSpec(str(path)), job)
    assert read(source, 0, job) == ["one", "two"]
    with path.open("a") as file:
        file.write(written(["three"]).removeprefix("text\n"))
    assert read(source, 0, job)[:2] == ["one", "two"]


def test_a_file_that_is_deleted_is_told(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json_lines(["one"]))
    source = open_source(SourceSpec(str(path)), job)
    path.unlink()
    with pytest.raises(OperationError, match="cannot be read: No such file"):
        read(source, 0, job)


def test_weights_that_are_cut_while_they_are_read_are_told(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "model.safetensors"
    head = json.dumps({"a": {"dtype": "F32", "shape": [100], "data_offsets": [0, 400]}}).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + bytes(400))
    tensor = stored("a model", str(tmp_path))["a"]
    values = slices(tensor, job, 60)
    assert len(next(values)) == 60
    os.truncate(path, path.stat().st_size - 100)
    values = slices(tensor, job, 60)
    next(values)
    with pytest.raises(OperationError, match="ends in the middle of a; fetch it again"):
        next(values)
    path.unlink()
    with pytest.raises(OperationError, match="cannot be read"):
        next(slices(tensor, job))


def test_a_tokenizer_that_changes_is_another_one_and_what_was_cached_for_the_old_is_not_taken(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    before = resolve_here(parse_name(str(folder)))
    vocabulary = folder / "tokenizer.json"
    vocabulary.write_text(vocabulary.read_text().replace("tokens", "tokenz"))
    after = resolve_here(parse_name(str(folder)))
    assert before is not None
    assert after is not None
    assert before.fingerprint != after.fingerprint
    (folder / "config.json").write_text("{ half")
    with pytest.raises(ModelError, match="not valid JSON"):
        resolve_here(parse_name(str(folder)))
    (folder / "config.json").unlink()
    with pytest.raises(ModelError, match=r"no config\.json"):
        resolve_here(parse_name(str(folder)))
