"""Rows of 100 MB and files that unpack to gigabytes: what is too large is told, and everything else is read."""

from __future__ import annotations

import contextlib
import csv
import json
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from encoder_tui.core.tokens.tokenizer import ModelTokenizer
from encoder_tui.engine.documents import opened, piecewise
from encoder_tui.engine.documents.sources import arrow_values, csv_rows, files, json_rows, open_source, parquet
from encoder_tui.engine.documents.sources.parquet_pages import largest_page
from encoder_tui.engine.documents.sources.source import ROW_AT_MOST, Source
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.operations import rows, scan, source
from encoder_tui.protocol.documents import Counted, RowsRequest, ScanRequest, SourceRequest, SourceSpec
from tests.engine.documents.test_long_documents import long_text, tokenizer

HUGE = 100_000_000


@pytest.fixture
def job() -> Job:
    return Job(1, lambda message: None)


@pytest.fixture
def bert() -> ModelTokenizer:
    of = tokenizer("builtin:bert")
    opened.tokenizers["bert"] = of
    return of


def in_json(path: Path, texts: list[str]) -> None:
    path.write_text("".join(f'{{"text": "{text}"}}\n' for text in texts))


def in_csv(path: Path, texts: list[str]) -> None:
    path.write_text("id,text\n" + "".join(f'{index},"{text}"\n' for index, text in enumerate(texts)))


def in_lines(path: Path, texts: list[str]) -> None:
    path.write_text("".join(f"{text}\n" for text in texts))


WRITERS: dict[str, Callable[[Path, list[str]], None]] = {"jsonl": in_json, "csv": in_csv, "txt": in_lines}


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_row_of_100_mb_is_left_out_and_the_others_are_there_at_once(
    tmp_path: Path, job: Job, bert: ModelTokenizer, suffix: str
) -> None:
    path = tmp_path / f"rows.{suffix}"
    WRITERS[suffix](path, ["the first", "x" * HUGE, "the third"])
    spec = SourceSpec(str(path), lines=suffix == "txt")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    answer = source.run(SourceRequest(spec), job)
    found = rows.run(RowsRequest(spec, answer.column, 0, 3, [Counted("bert", 512)], cuts=True), job)
    counted = scan.run(ScanRequest(spec, answer.column, 0, 60, [Counted("bert", 512)]), job)
    assert time.process_time() - began < 4, "two questions in two seconds each"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 << 10  # in KiB
    assert [(row.beginning, row.tokens) for row in found.rows] == [
        ("the first", [4]),
        ("", [None]),
        ("the third", [4]),
    ]
    size = "100 MB"
    assert found.remarks == [
        f"row 1 of {path.name} has {size}, more than the 64 MB allowed for a row; rows that long are left without text"
    ]
    assert (counted.next, counted.empty, counted.is_end) == (3, 1, True)


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_file_of_nothing_but_a_row_of_100_mb_is_refused_with_its_row(tmp_path: Path, job: Job, suffix: str) -> None:
    path = tmp_path / f"rows.{suffix}"
    WRITERS[suffix](path, ["x" * HUGE])
    with pytest.raises(
        OperationError, match=rf"row 0 of rows\.{suffix} has 100 MB, more than the 64 MB allowed for a row"
    ):
        open_source(SourceSpec(str(path), lines=suffix == "txt"), job)


def test_a_text_of_100_mb_is_refused_alone_and_left_out_among_others(tmp_path: Path, job: Job) -> None:
    for name, length in (("a.txt", 10), ("b.txt", HUGE), ("c.txt", 10)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(length)
    (tmp_path / "a.txt").write_text("first")
    found = open_source(SourceSpec(str(tmp_path)), job)
    assert [None if text is None else len(text) for text in found.iterate(0, "text")] == [5, None, 10]
    why = "b.txt has 100 MB, more than the 64 MB allowed; try --lines"
    assert found.remarks == [why]
    (tmp_path / "b.txt").write_bytes(b"x" * HUGE)
    alone = open_source(SourceSpec(str(tmp_path / "b.txt")), job)
    with pytest.raises(OperationError, match=why):
        next(alone.iterate(0, "text"))


SMALL = 100
ROWS = [
    ["0", "first"],
    ["1", "x" * 300],
    ["2", 'quoted "" here'],
    ["3", "many\nlines\n" * 30],
    ["4", "a\nb"],
    ["5", '"' * 200],
    ["6", "y" * 90],
    ["7", "last"],
]


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_reading_goes_on_after_every_row_that_is_too_long_from_wherever_it_begins(
    tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(csv_rows, "ROW_AT_MOST", SMALL)
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator=end or "\n")
        writer.writerows([["id", "text"], *ROWS])
    if not end:
        path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    texts = [None if len(text) > SMALL else text for _, text in ROWS]
    assert_read(open_source(SourceSpec(str(path)), job), texts, job)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_lines_that_are_just_short_enough_are_read(
    tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(files, "ROW_AT_MOST", SMALL)
    monkeypatch.setattr(json_rows, "ROW_AT_MOST", SMALL)
    lengths = [1, SMALL - 3, SMALL - 2, SMALL - 1, SMALL, SMALL + 1, 5 * SMALL, 2]
    path = tmp_path / "rows.txt"
    path.write_bytes("".join("x" * length + ending for length in lengths).encode())
    texts = [None if length + len(ending) > SMALL else "x" * length for length in lengths]
    assert_read(open_source(SourceSpec(str(path), lines=True), job), texts, job)
    path = tmp_path / "rows.jsonl"
    written = [json.dumps({"text": "x" * length}) + ending for length in lengths]
    path.write_bytes("".join(written).encode())
    texts = [None if len(row) > SMALL else "x" * length for row, length in zip(written, lengths, strict=True)]
    assert_read(open_source(SourceSpec(str(path)), job), texts, job)


def assert_read(found: Source, texts: list[str | None], job: Job) -> None:
    """The rows from any row on, and the number of the first one left out."""
    found.reach(100, job)
    assert found.total == len(texts)
    for start in range(len(texts)):
        assert list(found.iterate(start, "text")) == texts[start:]
    first = texts.index(None)
    assert len(found.remarks) == 1
    assert found.remarks[0].startswith(f"row {first} of rows.")


def test_a_page_that_unfolds_beyond_its_bound_is_never_decompressed(
    tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes on the disk are a few thousand; the page's header says what they become."""
    monkeypatch.setattr(parquet, "UNFOLDED", 16 << 20)
    path = tmp_path / "rows.parquet"
    with pq.ParquetWriter(path, pa.schema([("text", pa.string())]), compression="zstd", use_dictionary=False) as writer:
        writer.write_table(pa.table({"text": ["first", "second"]}))
        writer.write_table(pa.table({"text": ["a" * (1 << 20)] * 30}))
    assert path.stat().st_size < 1 << 20
    read: list[int] = []
    decoded = parquet.decoded

    def watched(file: pq.ParquetFile, group: int, leaves: Sequence[int], rows: int) -> Iterator[Any]:
        read.append(group)
        return decoded(file, group, leaves, rows)

    monkeypatch.setattr(parquet, "decoded", watched)
    found = open_source(SourceSpec(str(path)), job)
    assert list(islice(found.iterate(0, "text"), 2)) == ["first", "second"]
    with pytest.raises(
        OperationError, match=r"rows 2 to 31 of rows\.parquet unpack to 31 MB at once, more than the 17 MB allowed"
    ):
        next(found.iterate(2, "text"))
    assert set(read) == {0}


@pytest.mark.parametrize("kind", ["dictionary", "delta"])
def test_rows_that_repeat_one_another_are_unfolded_one_at_a_time(tmp_path: Path, job: Job, kind: str) -> None:
    path = tmp_path / "rows.parquet"
    texts = ["a" * (40 << 20) + ("" if kind == "dictionary" else str(index)) for index in range(8)]
    how = (
        {"use_dictionary": True}
        if kind == "dictionary"
        else {
            "use_dictionary": False,
            "column_encoding": "DELTA_BYTE_ARRAY",
        }
    )
    pq.write_table(pa.table({"text": texts}), path, compression="zstd", **how)
    assert path.stat().st_size < 1 << 20
    found = open_source(SourceSpec(str(path)), job)
    before = pa.total_allocated_bytes()
    reading = found.iterate(0, "text")
    for text in texts[:3]:
        assert next(reading) == text
        # The dictionary or the page, and a row of each of two batches: not sixty-four.
        assert pa.total_allocated_bytes() - before < 200 << 20


def test_a_value_that_is_too_long_is_left_out(tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow_values, "ROW_AT_MOST", SMALL)
    texts = ["first", "x" * 300, None, "y" * SMALL, "last"]
    for number, column in enumerate(
        (pa.array(texts), pa.array(texts, pa.large_string()), pa.array(texts).dictionary_encode())
    ):
        path = tmp_path / f"rows.{number}.parquet"
        pq.write_table(pa.table({"text": column}), path)
        found = open_source(SourceSpec(str(path)), job)
        for start in range(5):
            assert list(found.iterate(start, "text")) == ["first", None, None, "y" * SMALL, "last"][start:]
        assert found.remarks == [
            f"row 1 of rows.{number}.parquet has 300 B, more than the 64 MB allowed for a row;"
            " rows that long are left without text"
        ]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
@pytest.mark.parametrize("encoding", [None, "PLAIN", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_pages_are_followed_however_they_were_written(
    tmp_path: Path, version: str, compression: str, encoding: str | None
) -> None:
    path = tmp_path / "rows.parquet"
    texts = [f"text {number} {'x' * (number % 700)}" for number in range(5_000)]
    pq.write_table(
        pa.table({"id": range(5_000), "text": texts}),
        path,
        compression=compression,
        data_page_version=version,
        use_dictionary=encoding is None,
        column_encoding=None if encoding is None else {"text": encoding, "id": "PLAIN"},
        data_page_size=20_000,
        dictionary_pagesize_limit=50_000,
        write_statistics=True,
        row_group_size=2_000,
    )
    metadata = pq.ParquetFile(path).metadata
    with path.open("rb") as file:
        for group in range(metadata.num_row_groups):
            for column in range(2):
                chunk = metadata.row_group(group).column(column)
                found = largest_page(file, chunk)
                assert 0 < found.page <= chunk.total_uncompressed_size
                assert bool(found.dictionary) == chunk.has_dictionary_page


def test_a_damaged_file_ends_with_a_sentence_whatever_its_bytes_are(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"text": [f"text {number}" for number in range(500)]}), path)
    whole = path.read_bytes()
    chance = random.Random(1)
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(3):
            damaged[chance.randrange(4, len(whole) - 8)] = chance.randrange(256)
        path.write_bytes(damaged)
        with contextlib.suppress(OperationError):  # and nothing else is raised
            list(open_source(SourceSpec(str(path)), job).iterate(0, "text"))


def test_rows_before_a_long_one_do_not_wait_for_it(tmp_path: Path, job: Job, bert: ModelTokenizer) -> None:
    path = tmp_path / "rows.jsonl"
    in_json(path, ["the first", "the second", "word " * 220_000, "the last"])
    spec = SourceSpec(str(path))
    pages: list[list[int]] = []
    start, is_end = 0, False
    while not is_end:
        answer = rows.run(RowsRequest(spec, "text", start, 64, [Counted("bert", 512)], cuts=True), job)
        pages.append([row.index for row in answer.rows])
        assert all(row.tokens != [None] for row in answer.rows)
        start, is_end = start + len(answer.rows), answer.is_end
    assert pages == [[0, 1], [2], [3]]


def test_a_page_of_long_rows_is_cut_before_it_fills_the_memory(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.jsonl"
    in_json(path, ["word " * 1_000_000] * 8)
    answer = rows.run(RowsRequest(SourceSpec(str(path)), "text", 0, 64), job)
    assert [row.index for row in answer.rows] == [0, 1, 2, 3]
    assert not answer.is_end


def test_a_word_as_long_as_a_document_of_megabytes_is_refused_with_row_and_file(
    tmp_path: Path, job: Job, bert: ModelTokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(piecewise, "MOST_AT_ONCE", 1 << 18)
    path = tmp_path / "rows.jsonl"
    in_json(path, ["the first", "x" * 1_100_000])
    spec = SourceSpec(str(path))
    with pytest.raises(
        OperationError, match=r"row 1 of .*rows\.jsonl: a document of 1,100,000 characters cannot be token"
    ):
        scan.run(ScanRequest(spec, "text", 0, 60, [Counted("bert", 512)]), job)


def test_ctrl_c_ends_a_command_that_counts_a_long_document(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    in_json(path, ["the first", long_text(8_000_000).replace("\\", "").replace('"', "").replace("\n", " ")])
    assert path.stat().st_size < ROW_AT_MOST
    command = [sys.executable, "-m", "encoder_tui", "docs", "-m", "builtin:bert", str(path), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["characters"] == 9
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    assert process.wait(60) == 130
    assert time.monotonic() - began < 2
