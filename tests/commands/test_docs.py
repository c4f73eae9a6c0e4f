"""`encoder-tui docs`: a JSON object a document, a table, and the figures of a collection."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from encoder_tui import builtin
from encoder_tui.client.loader import builtin_form
from encoder_tui.core.models.files import resolve_here
from encoder_tui.core.models.names import parse_name
from encoder_tui.core.tokens.tokenizer import EncodeOptions, ModelTokenizer
from tests.support.dataset_folders import FOLDERS

PAIR = ("-m", "builtin:bert", "-m", "builtin:modernbert")


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "encoder_tui", "docs", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False)


def records(*arguments: str | Path) -> list[dict[str, Any]]:
    done = run("--json", *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    return [json.loads(line) for line in done.stdout.splitlines()]


def tokenizer(name: str) -> ModelTokenizer:
    files = resolve_here(parse_name(name))
    assert files is not None
    return ModelTokenizer(builtin_form(files))


def test_every_document_is_a_line_with_tokens_limits_and_cuts(tmp_path: Path) -> None:
    texts = ["short", "", "lighthouse 😀 我们\r\n" * 400, "keeper " * 9_000]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    found = records(path, *PAIR)
    assert [record["index"] for record in found] == [0, 1, 2, 3]
    assert [record["characters"] for record in found] == [len(text) for text in texts]
    assert {record["column"] for record in found} == {"text"}
    for place, (name, limit) in enumerate((("builtin:bert", 512), ("builtin:modernbert", 8192))):
        of = tokenizer(name)
        for text, record in zip(texts, found, strict=True):
            whole = of.encode([text])[0]
            kept = of.encode([text], options=EncodeOptions(truncation=True, max_length=limit))[0]
            cut = None if len(whole) <= limit else kept.offsets[-2][1]
            expected = {"model": name, "tokens": len(whole), "limit": limit, "cut": cut}
            assert record["models"][place] == expected


def test_a_text_file_is_one_document_and_with_lines_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"one\r\ntwo words\n\nlast")
    assert [record["characters"] for record in records(path, *PAIR)] == [20]
    assert [record["characters"] for record in records(path, "--lines", *PAIR)] == [3, 9, 0, 4]


def test_limit_and_column_choose_what_is_read() -> None:
    found = records("builtin", "--limit", "3", "--column", "anchor", *PAIR)
    triplets = json.loads((builtin.documents() / "triplets.json").read_text("utf-8"))
    assert [record["characters"] for record in found] == [len(triplet["anchor"]) for triplet in triplets[:3]]
    assert {record["column"] for record in found} == {"anchor"}


def test_a_row_without_a_text_keeps_its_place_and_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a"}\n{"text": null}\n{"text": "b"}\n')
    done = run("--json", path, *PAIR)
    assert done.returncode == 0
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["characters"] for record in found] == [1, None, 1]
    assert {model["tokens"] for model in found[1]["models"]} == {None}
    assert "1 row has no text in column text (null)" in done.stderr


def test_rows_before_one_that_cannot_be_read_are_printed(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join('{"text": "a"}\n' if line != 30 else '{"text": \n' for line in range(61)))
    done = run("--json", path, *PAIR)
    assert done.returncode == 1
    assert [json.loads(line)["index"] for line in done.stdout.splitlines()] == [*range(30)]
    assert "line 31" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "arguments", "said"),
    [
        ("", (), "is empty"),
        ('{"text": "a"}\n', ("--column", "body"), "has no text column body; there is only text"),
        ('{"id": 1}\n', (), "has no column of text"),
    ],
)
def test_a_source_that_cannot_be_read_is_one_line_and_exit_code_1(
    tmp_path: Path, content: str, arguments: tuple[str, ...], said: str
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(content)
    done = run("--json", path, *arguments, *PAIR)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_model_that_cannot_be_had_has_its_error_and_the_other_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("some words")
    done = run("--json", path, "-m", "builtin:bert", "-m", "./missing")
    assert done.returncode == 1
    (record,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert record["models"][0]["tokens"] > 2
    assert record["models"][1].keys() == {"model", "error"}


def test_a_summary_without_a_model_claims_no_counts(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("some words")
    done = run("--summary", path, "-m", "./missing")
    assert (done.returncode, done.stdout) == (1, "")
    done = run("--summary", "--json", path, "-m", "./missing")
    assert done.returncode == 1
    assert json.loads(done.stdout).keys() == {"source", "column", "models"}


def test_a_model_keeps_its_letter_where_another_failed(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("some words")
    listed = run(path, "-m", "./missing", "-m", "builtin:bert").stdout
    assert "\nB  builtin:bert reads 512 tokens" in listed
    assert "B tokens" in listed
    assert "\nB  builtin:bert, limit 512" in run(path, "--summary", "-m", "./missing", "-m", "builtin:bert").stdout


def test_wrong_usage_is_exit_code_2() -> None:
    assert run("builtin", "--limit", "0").returncode == 2
    assert run("builtin", "--nothing").returncode == 2


def test_the_table_is_for_people() -> None:
    done = run("builtin", *PAIR)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "built-in samples · positive"
    assert "A  builtin:bert reads 512 tokens, 2 of them special" in lines
    assert len(lines) == 5 + 10


def test_the_summary_adds_up_to_the_documents(tmp_path: Path) -> None:
    listed = records("builtin", *PAIR)
    (figures,) = records("builtin", "--summary", *PAIR)
    for place, model in enumerate(figures["models"]):
        tokens = [record["models"][place]["tokens"] for record in listed]
        assert (model["documents"], model["tokens"], model["max"]) == (len(tokens), sum(tokens), max(tokens))
        for entry in model["beyond"]:
            assert entry["documents"] == sum(length > entry["limit"] for length in tokens) / len(tokens)
    assert figures["complete"]
    assert len(figures["card"]) == 3
    assert "windows of 512 with a stride of 64" in run("builtin", "--summary", *PAIR).stdout


def test_a_summary_of_a_sample_says_that_it_is_one() -> None:
    (figures,) = records("builtin", "--summary", "--limit", "4", *PAIR)
    assert (figures["documents"], figures["complete"]) == (4, False)


def test_a_sample_as_large_as_the_whole_collection_is_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('"a lighthouse"\n' * 5)
    for most in ("5", "6"):
        (figures,) = records(path, "--summary", "--limit", most, *PAIR)
        assert (figures["documents"], figures["complete"]) == (5, True)


def test_where_nobody_named_a_source_and_the_hub_is_silent_the_samples_stand_in() -> None:
    done = run("--json", "--limit", "1", *PAIR)
    assert done.returncode == 0
    assert "the built-in samples replace sentence-transformers/mldr" in done.stderr
    assert json.loads(done.stdout)["characters"] > 10_000


def piped(data: bytes, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "encoder_tui", "docs", "--json", "-m", "builtin:bert", *map(str, arguments)]
    return subprocess.run(command, input=data, capture_output=True, timeout=120, check=False)


def test_stdin_is_read_whatever_it_holds() -> None:
    rows = b'{"text": "one"}\n{"text": "three"}\n'
    for data in (rows, gzip.compress(rows), b"text,id\none,1\nthree,2\n"):
        done = piped(data, "-")
        assert done.returncode == 0, done.stderr
        assert [json.loads(line)["characters"] for line in done.stdout.splitlines()] == [3, 5]
    nothing = piped(b"", "-")
    assert (nothing.returncode, nothing.stdout) == (1, b"")
    assert b"stdin is empty" in nothing.stderr


def test_the_pipe_of_a_shell_is_read_only_as_far_as_needed() -> None:
    command = f"exec {sys.executable} -m encoder_tui docs --json -m builtin:bert --limit 3 <(yes '\"one\"')"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["characters"] for line in done.stdout.splitlines()] == [3, 3, 3]


def test_options_say_how_a_file_is_written(tmp_path: Path) -> None:
    path = tmp_path / "rows.data"
    path.write_text("first text\t1\nsecond one\t2\n")
    assert [row["characters"] for row in records(path, "--format", "csv", "--header", "--delimiter", "tab", *PAIR)] == [
        10
    ]
    assert [row["characters"] for row in records(path, "--format", "text", *PAIR)] == [26]
    assert run(path, "--delimiter", "ab").returncode == 2


def test_remarks_are_in_the_json_of_rows_and_of_a_summary(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("id,text\n1,one\n2,two, three\n")
    found = records(path, *PAIR)
    assert [row["characters"] for row in found] == [3, None]
    (remark,) = found[0]["remarks"]
    assert remark.startswith("the row in line 3 of rows.csv has 3 fields, but the header has 2")
    assert "remarks" not in found[1]
    (figures,) = records(path, "--summary", *PAIR)
    assert (figures["documents"], figures["empty"], figures["remarks"]) == (1, 1, [remark])


def test_the_command_prints_the_rows_that_datasets_loads_with_their_files(tmp_path: Path) -> None:
    import datasets

    folder = tmp_path / "folder"
    folder.mkdir()
    FOLDERS["splits by folder"](folder)
    theirs = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"), streaming=True)
    expected = [len(row["text"]) for row in theirs["train"]]
    found = records(folder, "-m", "builtin:bert")
    assert [row["characters"] for row in found] == expected
    assert [row["file"] for row in found] == ["train/a.jsonl"] * 4 + ["train/b.jsonl"] * 3
    done = run("--summary", "--json", "-m", "builtin:bert", f"{folder}:test")
    (summary,) = map(json.loads, done.stdout.splitlines())
    assert (summary["documents"], summary["models"][0]["characters"]) == (
        len(list(theirs["test"])),
        sum(len(row["text"]) for row in theirs["test"]),
    )
