"""Files that break off, files with names that are no text, empty ones, and shards."""

from __future__ import annotations

import errno
import json
import os
import resource
import socket
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from encoder_tui.engine.documents.sources import open_source
from encoder_tui.engine.documents.sources.json_rows import JsonLines
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.operations import rows, source
from encoder_tui.protocol import frames
from encoder_tui.protocol.documents import RowsRequest, SourceRequest, SourceSpec


@pytest.fixture
def job() -> Job:
    return Job(1, lambda message: None)


def test_a_row_that_is_no_csv_is_no_end_of_its_file_however_often_it_is_reached(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.csv"
    good = "".join(f"{index},text {index}\n" for index in range(100))
    path.write_text(f'id,text\n{good}x,"bad\nfield"s\n{good}')
    source = open_source(SourceSpec(str(path)), job)
    for _ in range(2):
        with pytest.raises(OperationError, match=r"the quote that opens in line 102 of rows\.csv closes"):
            source.reach(150, job)
        assert (source.known, source.total) == (100, None)
    assert list(islice(source.iterate(98, "text"), 2)) == ["text 98", "text 99"]


def test_a_file_that_cannot_be_read_on_has_not_ended(tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a"}\n' * 9)
    source = open_source(SourceSpec(str(path)), job)
    starts = JsonLines.starts

    def failing(self: JsonLines, file: IO[bytes], offset: int) -> Iterator[int]:
        yield from islice(starts(self, file, offset), 5)
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(JsonLines, "starts", failing)
        with pytest.raises(OperationError, match=r"rows\.jsonl cannot be read: Input/output error"):
            source.reach(9, job)
    assert (source.known, source.total) == (5, None)
    source.reach(10, job)
    assert (source.known, source.total) == (9, 9)


@pytest.mark.parametrize(("name", "content"), [(b"a\xff.jsonl", b'"one"\n'), (b"a\xff.txt", b"on\xe9")])
def test_a_name_that_is_no_utf_8_keeps_no_document_of_a_folder_from_being_read(
    tmp_path: Path, name: bytes, content: bytes
) -> None:
    for folder in (b"", b"sub/"):
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + folder + name))
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    spec = SourceSpec(str(tmp_path))
    sent: list[bytes] = []
    job = Job(1, lambda message: sent.append(frames.pack(message)))
    sent.append(msgspec.msgpack.encode(source.run(SourceRequest(spec), job)))
    sent += [msgspec.msgpack.encode(rows.run(RowsRequest(spec, "text", 0, 5), job)) for _ in range(2)]
    assert "\N{REPLACEMENT CHARACTER}".encode() in b"".join(sent)


def test_empty_files_of_a_directory_are_told(tmp_path: Path, job: Job) -> None:
    (tmp_path / "a.txt").touch()
    (tmp_path / "b.txt").write_text("b")
    assert open_source(SourceSpec(str(tmp_path)), job).remarks == [f"1 empty file of {tmp_path} left out: a.txt"]
    (tmp_path / "c.jsonl").touch()
    found = open_source(SourceSpec(str(tmp_path)), job)
    assert found.remarks == [f"2 empty files of {tmp_path} left out: a.txt, …"]
    assert list(found.iterate(0, "text")) == ["b"]


def test_a_lone_surrogate_in_a_name_of_an_array_of_objects_is_replaced(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"\ud800": "one"}]))
    found = open_source(SourceSpec(str(path)), job)
    assert found.columns == ["\N{REPLACEMENT CHARACTER}"]
    assert list(found.iterate(0, found.column)) == ["one"]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv"])
def test_shards_that_nobody_has_reached_are_read_like_the_others(tmp_path: Path, job: Job, name: str) -> None:
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text('"text"\n"one"\n"two"\n')
    texts = ["text", "one", "two"] if name == "rows.jsonl" else ["one", "two"]
    found = open_source(SourceSpec(str(tmp_path)), job)
    found.reach(1, job)
    assert list(found.iterate(0, "text")) == 2 * texts


def as_parquet(path: Path, text: str) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"text": [text]}), path)


def as_jsonl(path: Path, text: str) -> None:
    path.write_text(json.dumps({"text": text}) + "\n")


@pytest.mark.parametrize(("suffix", "write"), [(".parquet", as_parquet), (".jsonl", as_jsonl)])
def test_a_directory_may_hold_more_shards_than_a_process_may_have_open(
    tmp_path: Path, job: Job, suffix: str, write: Callable[[Path, str], None]
) -> None:
    texts = [f"text {number}" for number in range(100)]
    for number, text in enumerate(texts):
        write(tmp_path / f"{number:03}{suffix}", text)
    first_free = os.dup(0)
    os.close(first_free)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (first_free + 20, hard))
    try:
        found = open_source(SourceSpec(str(tmp_path)), job)
        assert list(found.iterate(0, "text")) == texts
        found.reach(1 << 40, job)
        assert found.total == 100
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


ODD: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "socket": lambda path: socket.socket(socket.AF_UNIX).bind(str(path)),
}


@pytest.mark.parametrize("suffix", ["txt", "jsonl", "json", "csv", "parquet", "unknown"])
@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, job: Job, kind: str, suffix: str) -> None:
    path = tmp_path / f"rows.{suffix}"
    ODD[kind](path)
    with pytest.raises(OperationError, match="is not a regular file"):
        open_source(SourceSpec(str(path)), job)
    with pytest.raises(OperationError, match="holds no documents"):
        open_source(SourceSpec(str(tmp_path)), job)


@pytest.mark.parametrize("suffix", ["txt", "jsonl", "csv", "parquet"])
@pytest.mark.parametrize("kind", ODD)
def test_what_takes_a_files_place_while_it_is_read_is_refused_at_once(
    tmp_path: Path, job: Job, kind: str, suffix: str
) -> None:
    path = tmp_path / f"rows.{suffix}"
    if suffix == "parquet":
        pq.write_table(pa.table({"text": ["first", "second"]}), path)
    else:
        path.write_text({"txt": "first", "jsonl": '{"text": "first"}\n', "csv": "text\nfirst\n"}[suffix])
    source = open_source(SourceSpec(str(path)), job)
    source.reach(1, job)
    path.unlink()
    ODD[kind](path)
    with pytest.raises(OperationError, match="cannot be read: it is not a regular file"):
        next(source.iterate(0, "text"))
