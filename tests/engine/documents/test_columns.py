"""Columns by name: nested ones, lists of texts, several joined, two of one name; and the one that is chosen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from encoder_tui.core.documents.document import unpacked
from encoder_tui.engine.documents.sources import open_source
from encoder_tui.engine.documents.sources.source import Source
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.operations import find, rows, source
from encoder_tui.protocol.documents import Column, FindRequest, RowsRequest, SourceRequest, SourceSpec

NESTED: list[dict[str, Any]] = [
    {
        "query": "what is a bee?",
        "document": {"title": "Bees", "text": "A bee is an insect.", "year": 1990},
        "pos": ["first", "second"],
        "passages": [{"id": 1, "text": "one"}, {"id": 2, "text": None}, {"id": 3, "text": "three"}],
        "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}],
    },
    {"query": "and bread?", "document": None, "pos": [], "passages": None, "messages": []},
    {
        "query": "glass?",
        "document": {"title": "", "text": "Glass is made of sand.", "year": 2000},
        "pos": ["third"],
        "passages": [{"id": 4, "text": "four"}],
        "messages": [{"role": "user", "content": "more"}],
    },
]

EXPECTED = {
    "query": ["what is a bee?", "and bread?", "glass?"],
    "document.text": ["A bee is an insect.", None, "Glass is made of sand."],
    "document.title": ["Bees", None, ""],
    "pos": ["first\nsecond", None, "third"],
    "pos[]": ["first", "second", "third"],
    "passages.text": ["one\nthree", None, "four"],
    "passages[].text": ["one", "three", "four"],
    "messages": ["hi\nhello", None, "more"],
    "query,document.text": ["what is a bee? A bee is an insect.", "and bread?", "glass? Glass is made of sand."],
    "document.title, document.text": ["Bees A bee is an insect.", None, "Glass is made of sand."],
}


@pytest.fixture
def job() -> Job:
    return Job(1, lambda message: None)


def written(folder: Path, kind: str, values: list[dict[str, Any]]) -> Path:
    path = folder / f"rows.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(values), path, row_group_size=2)
    elif kind == "json":
        path.write_text(json.dumps(values), "utf-8")
    else:
        path.write_text("".join(json.dumps(value) + "\n" for value in values), "utf-8")
    return path


def opened(path: Path, job: Job) -> Source:
    found = open_source(SourceSpec(str(path)), job)
    found.reach(1 << 40, job)
    return found


def documents(path: Path, column: str, job: Job, start: int = 0) -> list[str]:
    """The documents of a column from one on, through the operation of the list."""
    source.run(SourceRequest(SourceSpec(str(path)), column), job)
    return [row.beginning for row in rows.run(RowsRequest(SourceSpec(str(path)), column, start, 100), job).rows]


@pytest.mark.parametrize("kind", ["jsonl", "json", "parquet"])
def test_a_nested_column_a_list_and_several_columns_are_reached_by_name(kind: str, tmp_path: Path, job: Job) -> None:
    path = written(tmp_path, kind, NESTED)
    for column, expected in EXPECTED.items():
        for start in range(len(expected)):
            assert documents(path, column, job, start) == [text or "" for text in expected[start:]], column
        answer = rows.run(RowsRequest(SourceSpec(str(path)), column, 0, 100), job)
        assert (answer.total, answer.is_end) == (len(expected), True)
        assert [row.characters is None for row in answer.rows] == [text is None for text in expected]


def test_a_search_in_a_list_of_texts_finds_documents_not_rows(tmp_path: Path, job: Job) -> None:
    path = written(tmp_path, "jsonl", NESTED)
    found = find.run(FindRequest(SourceSpec(str(path)), "pos[]", "ir", 0, 5), job)
    assert list(unpacked(found.found)) == [0, 2]


def test_the_columns_are_listed_with_an_example_of_each(tmp_path: Path, job: Job) -> None:
    path = written(tmp_path, "jsonl", [{"id": 1, "text": None, "pos": ["a", "b"]}, {"id": 2, "text": "t", "pos": None}])
    answer = source.run(SourceRequest(SourceSpec(str(path))), job)
    assert answer.choices == [Column("text", "t"), Column("pos[]", "a"), Column("pos", "a\nb")]
    assert answer.columns == ["text", "pos[]", "pos"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"question": "q" * 50, "document": {"title": "t" * 60, "text": "d"}}, "document.text"),
        ({"query": "q" * 50, "positive_passages": [{"docid": "1", "text": "p"}]}, "positive_passages[].text"),
        ({"query": "q" * 50, "pos": ["p"], "neg": ["n"]}, "pos[]"),
        ({"messages": [{"role": "user", "content": "c"}]}, "messages"),
        ({"text": "t", "document": {"text": "d" * 50}}, "text"),
    ],
)
def test_the_column_of_text_is_chosen_from_the_features(
    row: dict[str, Any], expected: str, tmp_path: Path, job: Job
) -> None:
    for kind in ("jsonl", "parquet"):
        assert opened(written(tmp_path, kind, [row]), job).column == expected


def test_each_text_of_a_list_is_a_document_with_a_remark(tmp_path: Path, job: Job) -> None:
    path = written(tmp_path, "jsonl", [{"query": "q", "pos": ["a", "b"]}])
    answer = source.run(SourceRequest(SourceSpec(str(path))), job)
    assert (answer.column, answer.total) == ("pos[]", 2)
    assert answer.remarks == ["each text of pos[] is a document; pos joins those of a row"]


@pytest.mark.parametrize("rows_before", [25, 40_000])
def test_a_column_that_is_null_or_absent_at_first_is_a_column(rows_before: int, tmp_path: Path, job: Job) -> None:
    path = tmp_path / "late.jsonl"
    lines = [json.dumps({"title": "short", "text": None})] * rows_before
    path.write_text("\n".join([*lines, json.dumps({"title": "s", "text": "long", "more": {"a": "b"}})]), "utf-8")
    found = opened(path, job)
    assert (found.columns, found.column) == (["title", "text", "more.a"], "text")
    assert list(found.iterate(rows_before - 1, "text")) == [None, "long"]
    assert list(found.iterate(rows_before - 1, "more.a")) == [None, "b"]


def test_columns_of_one_name_and_names_with_dots_and_commas_are_all_reached(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.parquet"
    table = pa.Table.from_arrays(
        [
            pa.array([7]),
            pa.array(["second"]),
            pa.array([{"b": "inner", "c": 1}]),
            pa.array(["flat"]),
            pa.array(["comma"]),
            pa.array(["third"]),
        ],
        names=["text", "text", "a", "a.b", "a,b", "text"],
    )
    pq.write_table(table, path)
    found = opened(path, job)
    assert {column: list(found.iterate(0, column)) for column in found.columns} == {
        "text#2": ["second"],
        "a.b#2": ["inner"],
        "a.b": ["flat"],
        "a,b": ["comma"],
        "text#3": ["third"],
    }
    assert list(found.iterate(0, "a,b,a.b")) == ["comma flat"]


def test_a_column_that_is_not_there_is_refused_by_name(tmp_path: Path, job: Job) -> None:
    found = opened(written(tmp_path, "jsonl", [{"title": "a", "pos": ["b"]}]), job)
    for column in ("body", "title,body", "title,pos[]", "title.x", ""):
        with pytest.raises(OperationError, match=r"has no text column .*there are title, pos\[\], pos"):
            found.choose(column)


def test_text_stored_as_bytes_is_text_and_other_bytes_are_not(tmp_path: Path, job: Job) -> None:
    image = b"\x89PNG\r\n\x1a\n\0\xff"
    table = pa.table({"text": ["é".encode(), None], "image": [image] * 2, "late": [b"a", b"b"]})
    for name in ("rows.parquet", "rows.arrow"):
        path = tmp_path / name
        if name == "rows.parquet":
            pq.write_table(table, path)
        else:
            write_stream(path, table)
        found = opened(path, job)
        assert (found.columns, list(found.iterate(0, "text")), found.remarks) == (["text", "late"], ["é", None], [])
    many = pa.table({"text": [b"a"] * 30 + [b"caf\xe9"]})
    pq.write_table(many, tmp_path / "many.parquet")
    found = opened(tmp_path / "many.parquet", job)
    assert list(found.iterate(30, "text")) == ["caf\N{REPLACEMENT CHARACTER}"]
    assert found.remarks == ["many.parquet is not valid UTF-8 everywhere; U+FFFD marks what cannot be read"]


def write_stream(path: Path, table: pa.Table) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)


def test_arrow_files_are_read_from_any_row_whether_they_have_an_index_or_not(tmp_path: Path, job: Job) -> None:
    table = pa.table({"id": list(range(10)), "text": [None if one == 4 else f"row {one}" for one in range(10)]})
    for name in ("stream.arrow", "file.arrow"):
        path = tmp_path / name
        new = pa.ipc.new_stream if name == "stream.arrow" else pa.ipc.new_file
        with pa.OSFile(str(path), "wb") as file, new(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=3)
        found = opened(path, job)
        assert found.total == 10
        for start in range(10):
            assert list(found.iterate(start, "text")) == table["text"].to_pylist()[start:]
        path.write_bytes(path.read_bytes()[:-20] + bytes(8))
        with pytest.raises(OperationError, match="has changed on the disk"):
            list(found.iterate(0, "text"))
        path.write_bytes(b"no Arrow file at all")
        with pytest.raises(OperationError, match=f"{name} is not a complete Arrow file"):
            opened(path, job)
