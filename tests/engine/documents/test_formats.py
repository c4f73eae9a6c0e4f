"""Every format of file gives the rows that `datasets.load_dataset` gives, or a sentence says what is read otherwise."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from encoder_tui.engine.documents.sources import content, csv_rows, files, json_rows, open_source, spool
from encoder_tui.engine.documents.sources.source import Source
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.protocol.documents import SourceSpec
from encoder_tui.protocol.pipes import PIPES


@pytest.fixture
def job() -> Job:
    return Job(1, lambda message: None)


def opened(path: Path | str, job: Job, **options: Any) -> Source:
    found = open_source(SourceSpec(str(path), **options), job)
    found.reach(1 << 40, job)
    return found


def texts(source: Source, column: str | None = None) -> list[str | None]:
    """All texts of a column; the source must give the same ones from every row on."""
    name = column or source.column
    found = list(source.iterate(0, name))
    assert source.total == len(found)
    for start in range(1, min(len(found), 40)):
        assert list(source.iterate(start, name)) == found[start:]
    return found


def of_datasets(path: Path, column: str, folder: Path) -> list[Any]:
    """What `load_dataset` gives for one file."""
    import datasets

    datasets.disable_progress_bars()
    suffix = path.name.split(".", 1)[1].split(".")[0]
    builder = {"jsonl": "json", "ndjson": "json", "tsv": "csv", "txt": "text"}.get(suffix, suffix)
    options = {"sep": "\t"} if suffix == "tsv" else {}
    rows = datasets.load_dataset(builder, data_files=str(path), split="train", cache_dir=str(folder), **options)
    return list(rows[column])


QUOTES = '1\t"Moby" is\n2\t"open\n3\tb"\n'
LONG = "x" * 70_000
CASES: dict[str, tuple[str, str]] = {
    "clean.csv": ("text", "id,text\n1,one\n2,two words\n"),
    "quoted.csv": ("text", 'id,text\n1,"a, b"\n2,"two\nlines"\n3,"a ""quote"""\n4,plain\n'),
    "crlf.csv": ("text", 'id,text\r\n1,"two\r\nlines"\r\n\r\n   \r\n2,b\r\n'),
    "returns.csv": ("text", 'id,text\r1,one\r2,"two\rlines"\r'),
    "mixed-ends.csv": ("text", "id,text\n1,one\r2,two\n3,three\r\n"),
    "missing.csv": ("text", 'id,text\n1,\n2,NA\n3,"None"\n4,null\n5,nan\n6,n/a\n7,N/A \n8,b\n9\n'),
    "sloppy.csv": ("text", 'id,text\n1,"a" b\n2,c "d" e\n3,"f"\n'),
    "spaces.csv": ("text", 'id,text\n1, a \n2," b "\n3,"c" \n'),
    "twice.csv": ("text.1", "text,text,,text\na,b,c,d\ne,f,g,h\n"),
    "named-rows.csv": ("text", '"text","label"\n"r1","one","a"\n"r2","two","b"\n'),
    "long.csv": ("text", f'id,text\n1,{LONG}\n2,"{LONG},\n"\n3,short\n'),
    "unicode.csv": ("text", "id,text\n1,我们 😀\u2028next\x0b\x1c\n2,ü\n"),
    "mark.csv": ("text", '\ufeff"text",id\none,1\n'),
    "tabs.tsv": ("text", 'id\ttext\n1\ta, b\n2\t"two\nlines"\n'),
    "clean.jsonl": ("text", '{"id": 1, "text": "one"}\n{"id": 2, "text": "two\\nlines"}\n'),
    "blank.jsonl": ("text", '\n{"text": "one"}\n\n  \n{"text": "two"}\n\n'),
    "null.jsonl": ("text", '{"text": null}\n{"text": "one"}\nnull\n{"other": 1}\n'),
    "late.jsonl": ("text", '{"id": 1}\n' * 40 + '{"id": 2, "text": "late"}\n'),
    "mark.jsonl": ("text", '\ufeff{"text": "one"}\n'),
    "escapes.jsonl": ("text", '{"text": "\\u00fc \\ud83d\\ude00 \\" \\\\ \u2028"}\n'),
    "lines.ndjson": ("text", '{"text": "one"}\n{"text": "two"}'),
    "array.json": ("text", '[{"text": "one"}, {"text": "two"}]'),
    "pretty.json": ("text", json.dumps([{"text": "one", "n": {"a": [1, 2]}}, {"text": None, "n": None}], indent=2)),
    "strings.json": ("text", '["one", "two", null, "three"]'),
    "nulls.json": ("text", '[{"text": "one"}, null, {"text": "two"}]'),
    "in-lines.json": ("text", '{"text": "one"}\n{"text": "two"}\n'),
    "long.json": ("text", json.dumps([{"text": f"ü{index}" * 30_000, "id": index} for index in range(20)])),
}


@pytest.mark.parametrize("name", CASES)
def test_a_file_gives_the_rows_that_datasets_gives(name: str, tmp_path: Path, job: Job) -> None:
    column, written = CASES[name]
    path = tmp_path / name
    path.write_bytes(written.encode())
    found = opened(path, job)
    expected = of_datasets(path, column, tmp_path / "cache")
    assert texts(found, column) == expected
    assert len(expected) > 0


PACKED: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}


@pytest.mark.parametrize("packing", PACKED)
@pytest.mark.parametrize("name", ["quoted.csv", "clean.jsonl", "long.json", "tabs.tsv"])
def test_a_packed_file_gives_the_rows_of_what_is_in_it(name: str, packing: str, tmp_path: Path, job: Job) -> None:
    column, written = CASES[name]
    plain = tmp_path / name
    plain.write_text(written)
    path = tmp_path / f"{name}{packing}"
    path.write_bytes(PACKED[packing](written.encode()))
    assert texts(opened(path, job), column) == texts(opened(plain, job), column)
    if packing not in {".zst"}:  # datasets needs a library for it that is not here
        assert texts(opened(path, job), column) == of_datasets(path, column, tmp_path / "cache")
    nameless = tmp_path / "nameless"
    nameless.write_bytes(PACKED[packing](written.encode()))
    assert texts(opened(nameless, job, format="json" if "json" in name else "csv"), column) == texts(
        opened(plain, job), column
    )


@pytest.mark.parametrize("packing", PACKED)
def test_a_packed_text_is_one_document(packing: str, tmp_path: Path, job: Job) -> None:
    path = tmp_path / f"notes.txt{packing}"
    path.write_bytes(PACKED[packing](b"one\r\ntwo\n"))
    assert texts(opened(path, job)) == ["one\r\ntwo\n"]
    assert texts(opened(path, job, lines=True)) == ["one", "two"]


@pytest.mark.parametrize("packing", PACKED)
def test_a_packed_file_that_breaks_off_is_no_shorter_file(packing: str, tmp_path: Path, job: Job) -> None:
    path = tmp_path / f"rows.jsonl{packing}"
    lines = "".join(json.dumps({"text": os.urandom(400).hex()}) + "\n" for _ in range(3_000))
    path.write_bytes(PACKED[packing](lines.encode())[:-3_000])
    found = open_source(SourceSpec(str(path)), job)
    for _ in range(2):
        with pytest.raises(OperationError, match=r"is damaged or breaks off"):
            found.reach(1 << 40, job)
        assert found.total is None
        assert found.known > 100


def test_packed_parquet_and_arrow_give_the_rows_of_what_is_in_them(
    tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pa.table({"id": range(200), "text": [f"text {number}" for number in range(200)]})
    parquet, stream, indexed = pa.BufferOutputStream(), pa.BufferOutputStream(), pa.BufferOutputStream()
    pq.write_table(table, parquet, row_group_size=70)
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table, max_chunksize=70)
    with pa.ipc.new_file(indexed, table.schema) as writer:
        writer.write_table(table, max_chunksize=70)
    expected = table["text"].to_pylist()
    for suffix, written in (("parquet", parquet), ("arrow", stream), ("arrow", indexed)):
        data = written.getvalue().to_pybytes()
        for packing, pack in PACKED.items():
            path = tmp_path / f"rows.{suffix}{packing}"
            path.write_bytes(pack(data))
            assert texts(opened(path, job), "text") == expected
            (tmp_path / "nameless").write_bytes(pack(data))
            assert texts(opened(tmp_path / "nameless", job), "text") == expected
        path = tmp_path / "rows.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"a.{suffix}", data)
            archive.writestr(f"b.{suffix}", data)
        assert texts(opened(path, job), "text") == expected * 2
        reading, writing = os.pipe()
        os.write(writing, data)
        os.close(writing)
        monkeypatch.setenv(PIPES, str(reading))
        content._pipes.clear()
        assert texts(opened(f"/dev/fd/{reading}", job, label="stdin"), "text") == expected
        os.close(reading)
        path = tmp_path / f"broken.{suffix}.gz"
        path.write_bytes(gzip.compress(data)[:-300])
        with pytest.raises(OperationError, match=r"broken\.(parquet|arrow)\.gz is damaged or breaks off"):
            opened(path, job)


def test_a_column_of_bytes_is_text_though_some_of_them_are_in_another_encoding(tmp_path: Path, job: Job) -> None:
    values = ["caf\xe9 and more words".encode("latin-1"), *[b"words of a page"] * 9]
    noise = [bytes([number * 7 % 255 + 1, 0x80 + number]) * 8 for number in range(10)]
    pq.write_table(pa.table({"path": ["x"] * 10, "noise": noise, "page": values}), tmp_path / "pages.parquet")
    found = opened(tmp_path / "pages.parquet", job)
    assert found.columns == ["path", "page"]
    assert texts(found, "page") == ["caf\ufffd and more words", *["words of a page"] * 9]
    assert found.remarks == ["pages.parquet is not valid UTF-8 everywhere; U+FFFD marks what cannot be read"]


def test_an_archive_gives_its_files_in_the_order_of_datasets(tmp_path: Path, job: Job) -> None:
    import datasets

    path = tmp_path / "rows.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("b.jsonl", "sub/a.jsonl", "a.jsonl", "__MACOSX/a.jsonl", ".hidden.jsonl", "z/a.jsonl"):
            archive.writestr(name, f'{{"text": "{name}"}}\n')
    rows = datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))
    assert texts(opened(path, job)) == list(rows["text"]) == ["a.jsonl", "b.jsonl", "sub/a.jsonl", "z/a.jsonl"]
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("README.md", "about")
    found = opened(path, job)
    assert found.total == 4
    assert found.remarks == ["4 json files of rows.zip read, 1 other is not"]


def test_a_bomb_ends_with_a_sentence(tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "SKIPPED_AT_MOST", 80_000_000)
    monkeypatch.setattr(csv_rows, "SKIPPED_AT_MOST", 80_000_000)
    for name, piece in (
        ("rows.csv", b"a" * 1_000_000),
        ("rows.jsonl", b"a" * 1_000_000),
        ("blank.jsonl", b"\n" * 1_000_000),
    ):
        path = tmp_path / f"{name}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as file:
            for _ in range(90):
                file.write(piece)
        assert path.stat().st_size < 200_000
        with pytest.raises(OperationError, match=r"it is no file of rows|of blank lines|not a CSV file"):
            opened(path, job)


def test_an_unpacked_file_has_a_bound(tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "AT_MOST", 1 << 20)
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "a"}\n' * 200_000))
    found = open_source(SourceSpec(str(path)), job)
    assert next(found.iterate(0, "text")) == "a"
    with pytest.raises(OperationError, match=r"rows\.jsonl\.gz unpacks to more than the 1\.0 MB"):
        found.reach(1 << 40, job)


def test_no_temporary_file_stays(tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    for index in range(content.SPOOLS + 3):
        (tmp_path / f"{index}.jsonl.gz").write_bytes(gzip.compress(b'{"text": "a"}\n'))
    found = opened(tmp_path, job)
    assert found.total == content.SPOOLS + 3
    assert list(found.iterate(0, "text")) == ["a"] * (content.SPOOLS + 3)
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_a_mark_names_the_encoding_and_is_no_part_of_a_text(encoding: str, tmp_path: Path, job: Job) -> None:
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    for name, written in (
        ("a.txt", "zwei ü 😀\n"),
        ("a.csv", "text,id\nzwei ü 😀\n,1\n"),
        ("a.jsonl", '{"text": "zwei ü 😀"}\n'),
        ("a.json", '[{"text": "zwei ü 😀"}]'),
    ):
        path = tmp_path / name
        path.write_bytes((mark + written).encode(encoding))
        assert (texts(opened(path, job))[0] or "").strip() == "zwei ü 😀"
    twice = tmp_path / "twice.txt"
    twice.write_bytes(b"\xef\xbb\xbf\xef\xbb\xbfone")
    assert texts(opened(twice, job)) == ["one"]


@pytest.mark.parametrize(
    ("name", "written", "expected"),
    [
        ("semicolons.csv", "id;text\n1;a, b\n2;c\n", ["a, b", "c"]),
        ("tabs.csv", "id\ttext\n1\ta, b\n2\tc\n", ["a, b", "c"]),
        ("pipes.csv", "id|text\n1|a\n2|b\n", ["a", "b"]),
        ("one.csv", "text\nBees dance, and others\nBread\n", ["Bees dance, and others", "Bread"]),
        (
            "none.csv",
            "first sentence here,0\nsecond sentence here,1\n",
            ["first sentence here", "second sentence here"],
        ),
        (
            "headless.tsv",
            '0\tA first passage.\n1\t"Moby" is\n2\t"open\n3\tb"\n',
            ["A first passage.", '"Moby" is', '"open', 'b"'],
        ),
        ("quotes.tsv", 'id\ttext\n0\tA\n1\t"Moby" is\n2\t"open\n3\tb"\n', ["A", '"Moby" is', '"open', 'b"']),
    ],
)
def test_what_is_guessed_otherwise_than_datasets_reads_is_said(
    name: str, written: str, expected: list[str], tmp_path: Path, job: Job
) -> None:
    path = tmp_path / name
    path.write_text(written)
    found = opened(path, job)
    assert texts(found) == expected
    assert len(found.remarks) >= 1
    assert all(remark.startswith(f"{name}: ") for remark in found.remarks)


def test_options_overrule_every_guess(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('0;"a"\n1;b, c\n')
    assert texts(opened(path, job, delimiter=";", header=False)) == ["a", "b, c"]
    assert texts(opened(path, job, delimiter=";", header=False, quotes=False)) == ['"a"', "b, c"]
    assert texts(opened(path, job, delimiter=";", header=True, quotes=False), '"a"') == ["b, c"]
    assert texts(opened(path, job, format="text")) == ['0;"a"\n1;b, c\n']
    assert texts(opened(path, job, format="text", lines=True)) == ['0;"a"', "1;b, c"]
    odd = tmp_path / "data"
    odd.write_text('{"a": ["x"], "b": [{"text": "one"}], "c": {"text": ["two", "three"]}}')
    assert texts(opened(odd, job, field="b")) == ["one"]
    assert texts(opened(odd, job, field="c")) == ["two", "three"]
    with pytest.raises(OperationError, match="data has no rows in a field d; its fields are a, b, c"):
        opened(odd, job, field="d")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('{"version": 1, "data": [{"text": "one"}, {"text": "two"}]}', ["one", "two"]),
        ('{"version": 1,\n "data": [\n{"text": "one"}\n]}', ["one"]),
        ('{"text": ["one", "two"], "id": [1, 2]}', ["one", "two"]),
        ('{"text": {"0": "one", "1": "two"}}', ["one", "two"]),
    ],
)
def test_an_object_that_holds_rows_or_columns_is_read_with_a_remark(
    written: str, expected: list[str], tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.json"
    path.write_text(written)
    found = opened(path, job)
    assert texts(found) == expected
    assert found.remarks[0].startswith("rows.json is one object")
    if "data" in written:  # as if it were too large to be read as a whole
        monkeypatch.setattr(json_rows, "WHOLE_AT_MOST", 10)
        assert texts(opened(path, job)) == expected


def test_an_array_a_line_has_a_column_a_place(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('["why", "because"]\n["how", "so", "more"]\n')
    found = opened(path, job)
    assert texts(found, "0") == ["why", "how"]
    assert texts(found, "1") == ["because", "so"]


@pytest.mark.parametrize("chunk", [16, 17, 18, 19, 64])
def test_an_array_is_read_in_pieces_of_any_size(
    chunk: int, tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_rows, "CHUNK", chunk)
    rows = [
        {"text": text, "n": [12345.5, -1e10, True, None, {"a": "]}"}]} for text in ("ü😀" * 9, "", '\\"[{', "我们", "b")
    ]
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1), "utf-8")
    assert texts(opened(path, job)) == [row["text"] for row in rows]


def test_an_element_that_is_too_long_is_left_out_of_an_array(
    tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_rows, "ROW_AT_MOST", 100)
    monkeypatch.setattr(json_rows, "CHUNK", 32)
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([{"text": "one"}, {"text": '\\"]}' * 100}, {"text": "three"}]))
    found = opened(path, job)
    assert texts(found) == ["one", None, "three"]
    assert found.remarks[0].startswith("row 1 of rows.json has ")


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ('[{"text": "one"}, {"text": "two"}', r"rows\.json is not valid JSON at byte \d+, in line 1"),
        ('[{"text": "one"},\n{"text": two}]', r"at byte 18, in line 2"),
        ('[{"text": "one"}]\n\n[{"text": "two"}] x', r"rows\.json"),
        ('[\n{"text": "one"}] more', r"more follows after the array"),
        ('[{"text": "one"},\n]', r"in line 2 \(a comma before the end of the array\)"),
    ],
)
def test_an_array_that_is_none_is_no_shorter_array(written: str, why: str, tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.json"
    path.write_text(written)
    with pytest.raises(OperationError, match=why):
        texts(opened(path, job))


def test_a_table_that_ends_inside_quotes_is_refused_with_the_line(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('id,text\n1,"a, b"\n2,"never closed\n3,c\n')
    found = open_source(SourceSpec(str(path)), job)
    assert next(found.iterate(0, "text")) == "a, b"
    for _ in range(2):
        with pytest.raises(OperationError, match=r"the quote that opens in line 3 of rows\.csv is never closed"):
            found.reach(1 << 40, job)
        assert (found.known, found.total) == (1, None)
    assert texts(opened(path, job, quotes=False))[1] == '"never closed'


def test_a_quote_that_swallows_lines_is_refused_with_the_line(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('id,text\n1,"a, b"\n2,"open\n3,c\n4,"d" said\n5,e\n')
    with pytest.raises(OperationError, match=r"opens in line 3 of rows\.csv closes 2 lines further down"):
        opened(path, job)


@pytest.mark.parametrize(
    ("written", "found", "is_told"),
    [
        ('id,text\n1,a\n2,"open\n3,b\n4,c"\n5,d\n', ["a", "open\n3,b\n4,c", "d"], True),
        ('text;id;lang\n"open;d1;en\nb;d2;de\nc";d3;en\nd;d4;en\n', ["open;d1;en\nb;d2;de\nc", "d"], True),
        (f'id,text\n1,"{"x" * (1 << 20)}\n2,b\n3,c"\n', [f"{'x' * (1 << 20)}\n2,b\n3,c"], False),
        ('id,text\n1,"Well, yes\nno, sir\nI, too"\n2,b\n', ["Well, yes\nno, sir\nI, too", "b"], False),
        ('id,text\n1,"one\ntwo, three\nfour, five"\n2,b\n', ["one\ntwo, three\nfour, five", "b"], False),
    ],
)
def test_a_quote_that_may_have_swallowed_rows_is_remarked_on(
    written: str, found: list[str], is_told: bool, tmp_path: Path, job: Job
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(written)
    source = opened(path, job)
    assert texts(source, "text") == found
    told = [one for one in source.remarks if "further down, and those lines look like rows" in one]
    assert len(told) == is_told
    if ";" not in written:
        assert found == of_datasets(path, "text", tmp_path / "cache")


@pytest.mark.parametrize(
    ("values", "is_text"),
    [
        (["2024-01-02", None, "2024-01-02 10:00:00"], False),
        (["2024-01-02T10", "2024-01-02T10:00Z", "2024-01-02T10:00:00+01:00"], False),
        (["2024-01-02"] * 40 + ["unknown"], True),
        (["2024-01-02", "2024-02-30"], True),
        (["2024-01-02T10:00:00.5", "2024-01-02"], True),
        (["2024", "2024-01", ""], True),
    ],
)
def test_a_column_of_times_in_json_lines_is_no_text_as_for_datasets(
    values: list[str | None], is_text: bool, tmp_path: Path, job: Job
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"when": one, "note": "words"}) + "\n" for one in values))
    found = opened(path, job)
    assert ("when" in found.columns) == is_text
    assert isinstance(of_datasets(path, "when", tmp_path / "cache")[0], str) == is_text
    assert texts(found, "note") == ["words"] * len(values)


def test_text_after_a_closing_quote_is_read_as_pandas_does_with_a_remark(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('id,text\n1,"a, b"\n2,"Moby" is\n3,c\n')
    found = opened(path, job)
    assert texts(found) == ["a, b", "Moby is", "c"]
    assert found.remarks[0].startswith("in line 3 of rows.csv: text follows after a closing quote")


def test_a_row_with_too_many_fields_is_left_without_text(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("id,text\n1,one\n2,Hello, world\n3,three\n4,a,b,c\n5\n")
    found = opened(path, job)
    assert texts(found) == ["one", None, "three", None, None]
    assert found.remarks == [
        'the row in line 3 of rows.csv has 3 fields, but the header has 2; quote fields that contain ",", or choose'
        " another --delimiter; such rows are left without text"
    ]


def test_names_in_the_first_row_that_look_like_a_document_are_remarked_on(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,A long sentence of many words that nobody calls a column\nb,Another one\n")
    assert "--no-header makes it a document" in opened(path, job).remarks[0]


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ('{"text": "one"}\n{"text": "two"}\n', "JsonLines"),
        ('[{"text": "one"}]', "JsonArray"),
        ("id,text\n1,one\n2,two\n", "CsvFile"),
        ("1\tone\n2\ttwo\n", "CsvFile"),
        ("It is late, and\nall is well, so\ngood night, all\n", "TextFiles"),
        ("{curly} words\n", "TextFiles"),
        ("one line", "TextFiles"),
    ],
)
def test_a_file_without_a_suffix_is_recognized_by_its_beginning(
    written: str, kind: str, tmp_path: Path, job: Job
) -> None:
    path = tmp_path / "data"
    path.write_text(written)
    assert type(opened(path, job)).__name__ == kind


@pytest.mark.parametrize(
    ("beginning", "what"), [(b"%PDF-1.4\n", "PDF"), (b"\x89PNG\r\n", "PNG"), (b"\x7fELF\0", "not a")]
)
def test_a_file_of_another_format_is_refused_with_its_name(
    beginning: bytes, what: str, tmp_path: Path, job: Job
) -> None:
    for name in ("data", "data.txt", "data.csv"):
        (tmp_path / name).write_bytes(beginning + bytes(20))
        with pytest.raises(OperationError, match=what):
            opened(tmp_path / name, job)


def test_packed_files_in_an_archive_are_unpacked_too(tmp_path: Path, job: Job) -> None:
    with zipfile.ZipFile(tmp_path / "rows.zip", "w") as archive:
        for packing, pack in PACKED.items():
            archive.writestr(f"rows.jsonl{packing}", pack(f'{{"text": "{packing}"}}\n'.encode()))
    assert texts(opened(tmp_path / "rows.zip", job)) == sorted(PACKED)
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(OperationError, match=r"empty\.zip is an archive without files"):
        opened(tmp_path / "empty.zip", job)


@pytest.mark.parametrize(
    ("name", "written", "is_told"),
    [
        ("rows.tsv", "q1\td1\tsome text\nq2\td2\tother text\n", True),
        ("rows.tsv", "query one\tpassage number one\nquery two\tpassage number two\n", True),
        ("rows.tsv", "query id\ttext 1\nq1\tsome text here\nq2\tother text here\n", False),
        ("rows.csv", "doc-1,some text\ndoc-2,other text\n", True),
        ("rows.csv", "id,Text of the review\ndoc-1,some text\ndoc-2,other text\n", False),
    ],
)
def test_a_header_that_may_be_a_row_is_remarked_on(
    name: str, written: str, is_told: bool, tmp_path: Path, job: Job
) -> None:
    path = tmp_path / name
    path.write_text(written)
    found = opened(path, job)
    assert found.total == written.count("\n") - 1
    assert any("is taken for the names of the columns" in one for one in found.remarks) == is_told


def test_a_column_of_csv_that_begins_with_numbers_is_text_as_for_datasets(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("id,text\n" + "".join(f"{number},{number}\n" for number in range(300)) + "300,word\n")
    found = opened(path, job)
    assert found.columns == ["text"]
    assert texts(found) == of_datasets(path, "text", tmp_path / "cache")


def test_a_tar_archive_is_refused_by_its_name(tmp_path: Path, job: Job) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "one"}\n')
    with tarfile.open(tmp_path / "rows.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "rows.jsonl", "rows.jsonl")
    with pytest.raises(OperationError, match=r"rows\.tar\.gz is a tar archive, which is not read; unpack it"):
        opened(tmp_path / "rows.tar.gz", job)


def test_a_pipe_is_read_once_and_its_rows_as_often_as_needed(
    tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    for data in (b'{"text": "one"}\n{"text": "two"}\n', gzip.compress(b'{"text": "one"}\n{"text": "two"}\n')):
        reading, writing = os.pipe()
        os.write(writing, data)
        os.close(writing)
        monkeypatch.setenv(PIPES, str(reading))
        content._pipes.clear()
        for _ in range(2):
            assert texts(opened(f"/dev/fd/{reading}", job, label="stdin")) == ["one", "two"]
        os.close(reading)
    monkeypatch.setenv(PIPES, "")
    content._pipes.clear()
    with pytest.raises(OperationError, match="is a pipe that was read already or is not open"):
        opened("/dev/fd/0", job)


def test_a_packed_file_that_changed_is_told(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "one"}\n'))
    found = opened(path, job)
    path.write_bytes(gzip.compress(b'{"text": "one"}\n{"text": "two"}\n'))
    with pytest.raises(OperationError, match="has changed on the disk"):
        texts(found)
    assert texts(opened(path, job)) == ["one", "two"]


def test_a_spool_reads_only_as_far_as_it_must() -> None:
    taken: list[int] = []

    def chunks() -> Any:
        for index in range(10):
            taken.append(index)
            yield bytes([index]) * 10

    kept = spool.Spool("x", chunks())
    file = kept.open()
    assert isinstance(file, io.BufferedReader)
    assert kept.read(25, 3) == b"\2\2\2"
    assert taken == [0, 1, 2]
    assert file.seek(-5, os.SEEK_END) == 95
    assert file.read() == b"\t" * 5
