"""Where documents come from: each kind of file, and a sentence for each thing that can be wrong with one."""

from __future__ import annotations

import errno
import json
import os
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from encoder_tui.engine.documents import opened
from encoder_tui.engine.documents.sources import open_source
from encoder_tui.engine.documents.sources.source import Source
from encoder_tui.engine.job import Job, JobCancelled, OperationError
from encoder_tui.engine.operations import rows, source
from encoder_tui.protocol.documents import RowsRequest, SourceAnswer, SourceRequest, SourceSpec

TEXTS = ["first", "", "two\nlines, and a comma", "tab\tand 😀 我们", 'a "quote"', "x" * 5_000]


@pytest.fixture
def job() -> Job:
    return Job(1, lambda message: None)


def read(path: Path | str, job: Job, lines: bool = False) -> list[str | None]:
    """All texts of the column that a source chooses."""
    found = opened_source(path, job, lines)
    return list(found.iterate(0, found.column))


def opened_source(path: Path | str, job: Job, lines: bool = False) -> Source:
    found = open_source(SourceSpec(str(path), lines), job)
    found.reach(1 << 40, job)
    return found


def refused(path: Path | str, job: Job) -> str:
    """The one sentence of a source that cannot be read to its end."""
    with pytest.raises(OperationError) as caught:
        read(path, job)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def as_jsonl(path: Path) -> None:
    path.write_text("".join(json.dumps({"id": i, "text": text}) + "\n" for i, text in enumerate(TEXTS)), "utf-8")


def as_csv(path: Path) -> None:
    import csv

    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        table.writerow(["id", "text"])
        table.writerows(enumerate(TEXTS))


def as_parquet(path: Path, column: str = "text") -> None:
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table({"id": list(range(len(TEXTS))), column: TEXTS})
    pyarrow.parquet.write_table(table, path, row_group_size=2)


def as_json(path: Path) -> None:
    path.write_text(json.dumps([{"id": i, "text": text} for i, text in enumerate(TEXTS)]), "utf-8")


KINDS = {".jsonl": as_jsonl, ".csv": as_csv, ".tsv": as_csv, ".parquet": as_parquet, ".json": as_json}


@pytest.mark.parametrize("suffix", KINDS)
def test_every_kind_of_file_gives_the_texts_as_they_are_in_order(suffix: str, tmp_path: Path, job: Job) -> None:
    path = tmp_path / f"documents{suffix}"
    KINDS[suffix](path)
    found = opened_source(path, job)
    assert found.known == found.total == len(TEXTS)
    # An empty field of a table is a missing value, as pandas and datasets read it.
    texts = [text or None for text in TEXTS] if suffix in {".csv", ".tsv"} else TEXTS
    assert list(found.iterate(0, "text")) == texts
    for start in range(len(TEXTS)):
        assert list(islice(found.iterate(start, "text"), 2)) == texts[start : start + 2]


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_a_directory_of_shards_is_read_in_the_order_of_their_names(suffix: str, tmp_path: Path, job: Job) -> None:
    for name in ("b", "a", "c"):
        KINDS[suffix](tmp_path / f"{name}{suffix}")
    found = opened_source(tmp_path, job)
    assert found.total == 3 * len(TEXTS)
    texts = [text or None for text in TEXTS] if suffix == ".csv" else TEXTS
    for start in range(found.total):
        assert list(found.iterate(start, "text")) == (3 * texts)[start:]


def test_a_text_file_is_one_document_with_its_line_ends(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes("one\r\ntwo\n\nthree 😀".encode())
    assert read(path, job) == ["one\r\ntwo\n\nthree 😀"]


def test_with_lines_every_line_of_a_text_file_is_a_document_and_only_line_feeds_end_lines(
    tmp_path: Path, job: Job
) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes("one\r\ntwo\u2028still two\n\nlast".encode())
    assert read(path, job, lines=True) == ["one", "two\u2028still two", "", "last"]


def test_a_directory_of_texts_is_a_document_a_file_and_says_what_it_leaves_out(tmp_path: Path, job: Job) -> None:
    for name in ("b.txt", "a.txt", "sub/c.md", "d.jsonl", ".hidden/e.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f'"{name}"')
    found = opened_source(tmp_path, job)
    assert list(found.iterate(0, "text")) == ['"a.txt"', '"b.txt"', '"sub/c.md"']
    assert found.remarks == [f"3 text files of {tmp_path} read, 1 other is not (d.jsonl)"]


def test_the_column_is_found_by_its_name_or_by_the_length_of_its_texts(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.jsonl"
    for row, expected in (
        ({"title": "a long title that is longer", "text": "short"}, "text"),
        ({"anchor": "why?", "positive": "b" * 50, "negative": "n" * 60}, "positive"),
        ({"name": "n", "abstract": "a" * 80, "full": "f" * 90}, "abstract"),
        ({"id": 7, "word": "w"}, "word"),
    ):
        path.write_text(json.dumps(row) + "\n")
        assert opened_source(path, job).column == expected


def test_the_built_in_samples_are_triplets(job: Job) -> None:
    found = opened_source("builtin", job)
    assert found.columns == ["anchor", "positive", "negative"]
    assert found.column == "positive"
    assert all(len(text or "") > 10_000 for text in found.iterate(0, "positive"))


def test_a_row_of_null_has_no_text_and_the_others_keep_their_places(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a"}\n{"text": null}\n{"other": "b"}\n{"text": 7}\n\n{"text": "c"}\n')
    assert read(path, job) == ["a", None, None, None, "c"]


def test_invalid_utf_8_is_read_with_a_remark(tmp_path: Path, job: Job) -> None:
    text, lines = tmp_path / "a.txt", tmp_path / "b.jsonl"
    text.write_bytes(b"caf\xe9 au lait")
    lines.write_bytes(b'{"text": "caf\xe9"}\n')
    found = opened_source(text, job)
    assert list(found.iterate(0, "text")) == ["caf\ufffd au lait"]
    assert found.remarks == ["a.txt is not valid UTF-8 at byte 3; U+FFFD marks what cannot be read"]
    found = opened_source(lines, job)
    assert list(found.iterate(0, "text")) == ["caf\ufffd"]
    assert "not valid UTF-8" in found.remarks[0]


def test_a_lone_surrogate_in_json_becomes_a_replacement_character(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a\\ud800b"}\n')
    assert read(path, job) == ["a\ufffdb"]


def test_a_wrong_column_is_answered_with_those_that_there_are(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"title": "a", "body": "b", "id": 1}\n')
    with pytest.raises(OperationError, match="has no text column id; there are title, body"):
        open_source(SourceSpec(str(path)), job).choose("id")


def test_an_empty_file_a_missing_one_and_one_without_texts_each_have_a_sentence(tmp_path: Path, job: Job) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "blank.jsonl").write_text("\n\n")
    (tmp_path / "numbers.jsonl").write_text('{"id": 1}\n')
    (tmp_path / "head.csv").write_text("id,text\n")
    (tmp_path / "binary.dat").write_bytes(b"\x7fELF\0\0")
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "picture.png").write_bytes(b"x")
    assert "is empty" in refused(tmp_path / "empty.txt", job)
    assert "holds no rows" in refused(tmp_path / "blank.jsonl", job)
    assert "no column of text; its columns are id" in refused(tmp_path / "numbers.jsonl", job)
    assert "holds no rows" in refused(tmp_path / "head.csv", job)
    assert "is not a text file" in refused(tmp_path / "binary.dat", job)
    assert "holds no documents" in refused(tmp_path / "none", job)
    assert "no such file or directory" in refused(tmp_path / "missing.jsonl", job)
    assert "no such file or directory" in refused("no such thing!", job)
    assert "~nobody-of-this-name/a.txt cannot be read: there is no such user" in refused(
        "~nobody-of-this-name/a.txt", job
    )


def test_folders_that_cannot_be_read_are_told(tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("open", "closed", ".hidden"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "one.txt").write_text(folder)
    closed = str(tmp_path / "closed")
    scandir = os.scandir

    def refusing(path: str) -> Any:
        if str(path) == closed:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)  # whoever runs the tests may be allowed everything
    assert refused(closed, job) == f"{closed} cannot be read: Permission denied"
    source = open_source(SourceSpec(str(tmp_path)), job)
    assert read(tmp_path, job) == ["open"]
    assert source.remarks == [f"1 folder of {tmp_path} cannot be read (closed: Permission denied)"]


def test_a_folder_that_may_be_listed_and_not_entered_is_told(
    tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("open", "closed"):
        (tmp_path / folder).mkdir()
        for file in ("one.txt", "two.txt"):
            (tmp_path / folder / file).write_text(folder)
    stat = os.stat

    def refusing(path: Any, **options: Any) -> os.stat_result:
        if str(path).startswith(f"{tmp_path}/closed/"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, **options)

    monkeypatch.setattr(os, "stat", refusing)  # whoever runs the tests may be allowed everything
    source = open_source(SourceSpec(str(tmp_path)), job)
    assert read(tmp_path, job) == ["open", "open"]
    assert source.remarks == [f"1 folder of {tmp_path} cannot be read (closed: Permission denied)"]


def test_json_that_is_none_is_told_with_its_place(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a"}\n{"text": \n')
    assert "is not valid JSON at byte 14, in line 2 (Expecting value)" in refused(path, job)
    path.write_text("[1, 2]\n")
    assert "has no column of text; its columns are text" in refused(path, job)
    path.write_text("7\n")
    assert "no JSON object at byte 0, in line 1, so it has no columns" in refused(path, job)


def test_a_truncated_parquet_file_is_told(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.parquet"
    as_parquet(path)
    path.write_bytes(path.read_bytes()[:-100])
    assert "is not a complete parquet file" in refused(path, job)


def test_a_damaged_parquet_file_is_told_when_its_rows_are_read(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.parquet"
    as_parquet(path)
    data = bytearray(path.read_bytes())
    data[4 : len(data) // 2] = bytes(len(data) // 2 - 4)
    path.write_bytes(data)
    assert "is damaged" in refused(path, job) or "is not a complete parquet file" in refused(path, job)


def test_a_parquet_file_without_text_is_told(tmp_path: Path, job: Job) -> None:
    import pyarrow
    import pyarrow.parquet

    path = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"id": [1, 2]}), path)
    assert "no column of text; its columns are id" in refused(path, job)


def test_offline_a_data_set_is_not_asked_for(job: Job) -> None:
    with pytest.raises(OperationError, match="--offline forbids asking it"):
        open_source(SourceSpec("owner/name", offline=True), job)


def test_where_nobody_named_a_source_and_the_hub_is_out_of_reach_the_samples_stand_in(job: Job) -> None:
    for offline in (True, False):
        found = open_source(SourceSpec(None, offline=offline), job)
        assert found.label == "built-in samples"
        assert "sentence-transformers/mldr" in (found.stands_in_for or "")


def test_rows_are_read_in_any_order_and_a_local_file_knows_its_end_at_once(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text("".join(f'{{"text": "document {i}"}}\n' for i in range(3_000)))
    spec = SourceSpec(str(path))
    answer: SourceAnswer = source.run(SourceRequest(spec), job)
    assert (answer.known, answer.total) == (3_000, 3_000)
    for start in (0, 40, 20, 2_990, 5):
        found = rows.run(RowsRequest(spec, "text", start, 20), job)
        assert [row.beginning for row in found.rows] == [f"document {i}" for i in range(start, min(start + 20, 3_000))]
    assert found.total == 3_000


def test_a_cancelled_reading_ends_and_the_next_one_works(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text("".join(f'{{"text": "document {i}"}}\n' for i in range(100)))
    spec = SourceSpec(str(path))
    source.run(SourceRequest(spec), job)
    unwanted = Job(2, lambda message: None)
    unwanted.cancel()
    with pytest.raises(JobCancelled):
        opened.texts_of(spec, "text", unwanted).get(50, unwanted)
    assert opened.texts_of(spec, "text", job).get(51, job) == "document 51"


def test_a_lone_surrogate_in_the_name_of_a_column_is_replaced(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"\\ud800": "one"}\n')
    assert opened_source(path, job).columns == ["\N{REPLACEMENT CHARACTER}"]
    assert read(path, job) == ["one"]
