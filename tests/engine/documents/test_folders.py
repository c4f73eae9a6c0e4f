"""Folders as people have them: which files of them are read, and what is said about the others."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from encoder_tui.engine.documents.sources import open_source
from encoder_tui.engine.documents.sources.folder import parts_of_folder
from encoder_tui.engine.documents.sources.retrieval import Parts
from encoder_tui.engine.documents.sources.source import Source
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.engine.operations import rows, source
from encoder_tui.protocol.documents import RowsRequest, SourceRequest, SourceSpec
from tests.support.dataset_folders import CONFIGS, PLAIN, several, write


@pytest.fixture
def job() -> Job:
    return Job(1, lambda message: None)


def opened(name: Path | str, job: Job, **options: Any) -> Source:
    found = open_source(SourceSpec(str(name), **options), job)
    found.reach(1 << 40, job)
    return found


def read(name: Path | str, job: Job, **options: Any) -> list[str | None]:
    """All documents of the column that is chosen."""
    found = opened(name, job, **options)
    return list(found.iterate(0, found.column))


def refused(name: Path | str, job: Job, **options: Any) -> str:
    with pytest.raises(OperationError) as caught:
        opened(name, job, **options)
    return str(caught.value)


def texts(*names: str) -> list[dict[str, Any]]:
    return [{"text": name} for name in names]


# What other programs write


def test_a_data_set_of_save_to_disk_is_read(tmp_path: Path, job: Job) -> None:
    made = datasets.Dataset.from_list(texts("one", "two", "three"))
    made.save_to_disk(tmp_path / "one", num_shards=2)
    datasets.DatasetDict({"corpus": made, "train": made.select([2])}).save_to_disk(tmp_path / "both")
    assert read(tmp_path / "one", job) == ["one", "two", "three"]
    found = opened(tmp_path / "both", job)
    assert (found.splits, found.split) == (["corpus", "train"], "train")
    assert list(found.iterate(0, "text")) == ["three"]
    assert (
        read(f"{tmp_path}/both:corpus", job) == read(f"{tmp_path}/both:default:corpus", job) == ["one", "two", "three"]
    )
    assert f"only the split train of {tmp_path}/both is read; others: corpus ({tmp_path}/both:default:corpus)" in (
        found.remarks
    )


def test_of_a_delta_table_the_files_of_its_last_version_are_read(tmp_path: Path, job: Job) -> None:
    for name in ("a b", "old", "c"):
        write(tmp_path / f"{name}.parquet", texts(name))
    log = tmp_path / "_delta_log"
    log.mkdir()
    versions = [
        [{"protocol": {}}, {"add": {"path": "a%20b.parquet"}}, {"add": {"path": "old.parquet"}}],
        [{"remove": {"path": "old.parquet"}}, {"add": {"path": "c.parquet"}}],
    ]
    for number, actions in enumerate(versions):
        (log / f"{number:020}.json").write_text("\n".join(map(json.dumps, actions)))
    found = opened(tmp_path, job)
    assert list(found.iterate(0, "text")) == ["a b", "c"]
    assert any("is a Delta table: 2 files of its last version are read" in one for one in found.remarks)
    pq.write_table(
        pa.Table.from_pylist([{"add": {"path": "old.parquet"}, "remove": None}]), log / f"{5:020}.checkpoint.parquet"
    )
    (log / f"{6:020}.json").write_text('{"add": {"path": "c.parquet"}}\n')
    assert read(tmp_path, job) == ["old", "c"]


def test_parts_without_rows_are_left_out_with_a_remark(tmp_path: Path, job: Job) -> None:
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "part-0.parquet")
    write(tmp_path / "part-1.parquet", texts("a", "b"))
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "part-2.parquet")
    (tmp_path / "_SUCCESS").touch()
    found = opened(tmp_path, job)
    assert (list(found.iterate(0, "text")), found.total) == (["a", "b"], 2)
    assert found.remarks == [f"2 files of {tmp_path} (part-0.parquet, …) left out: no rows"]


def test_shards_whose_column_is_null_or_of_another_integer_type_are_joined(tmp_path: Path, job: Job) -> None:
    for number, (kind, column) in enumerate([(pa.int32(), [None]), (pa.int64(), ["b"]), (pa.int8(), [None])]):
        text = pa.array(column, pa.string() if column != [None] else pa.null())
        pq.write_table(pa.table({"id": pa.array([number], kind), "text": text}), tmp_path / f"{number}.parquet")
    found = opened(tmp_path, job)
    assert (found.columns, list(found.iterate(0, "text")), found.remarks) == (["text"], [None, "b", None], [])


def test_a_column_that_is_null_in_the_first_many_files_is_found(tmp_path: Path, job: Job) -> None:
    for number in range(12):
        write(tmp_path / f"{number:02}.jsonl", [{"title": "t", "text": "late" if number == 11 else None}])
    assert read(tmp_path, job) == [None] * 11 + ["late"]


def test_files_with_other_columns_are_told(tmp_path: Path, job: Job) -> None:
    for number in range(9):
        write(tmp_path / f"{number}.jsonl", texts(str(number)))
    write(tmp_path / "9.jsonl", [{"text": 9, "body": "b"}])
    found = opened(tmp_path, job)
    assert list(found.iterate(8, "text")) == ["8", None]
    assert found.remarks == [
        "9.jsonl has columns that 0.jsonl lacks (body); they are not shown",
        "the column text of 9.jsonl holds no text; it is read as null",
    ]


# Links


def test_links_to_folders_and_files_are_followed_but_not_in_circles(tmp_path: Path, job: Job) -> None:
    write(tmp_path / "elsewhere" / "a.jsonl", texts("a"))
    (tmp_path / "blob").write_text('{"text": "b"}\n')
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "data").symlink_to("../elsewhere")
    (folder / "b.jsonl").symlink_to("../blob")
    (folder / "gone.jsonl").symlink_to("nowhere")
    (tmp_path / "elsewhere" / "back").symlink_to("../folder")
    (tmp_path / "elsewhere" / "self").symlink_to(".")
    found = opened(folder, job)
    assert list(found.iterate(0, "text")) == ["b", "a"]
    assert found.remarks == [f"{folder} has links to folders (data); load_dataset does not follow them"]


# Splits and configurations


def test_a_configuration_and_a_split_are_chosen_by_name(tmp_path: Path, job: Job) -> None:
    several(
        {
            "one/x.jsonl": texts("one"),
            "two/a.jsonl": texts("a"),
            "two/b.jsonl": texts("b"),
            "two/c.jsonl": texts("c"),
            "three/test.jsonl": texts("three"),
        },
        README_dot_md=CONFIGS,
    )(tmp_path)
    found = opened(tmp_path, job)
    assert (found.configs, found.config) == (["first", "second", "third"], "second")
    assert (found.splits, found.split) == (["train", "held_out"], "train")
    assert list(found.iterate(0, "text")) == ["a", "c"]
    assert found.remarks == [
        f"only the split train of {tmp_path} is read; others: held_out ({tmp_path}:second:held_out)",
        f"only the configuration second of {tmp_path} is read; others: first, third",
    ]
    assert read(f"{tmp_path}:first", job) == ["one"]
    assert read(f"{tmp_path}:third", job) == read(f"{tmp_path}:third:test", job) == ["three"]
    assert read(f"{tmp_path}:held_out", job) == read(tmp_path, job, config="second", split="held_out") == ["b"]
    assert "has no configuration none; its configurations are first, second, third" in refused(f"{tmp_path}:none", job)
    assert "has no split none; its splits are train, held_out" in refused(f"{tmp_path}:second:none", job)


def test_a_colon_belongs_to_a_path_that_exists_with_it(tmp_path: Path, job: Job) -> None:
    for name in ("data", "data:test", "data:x:train"):
        write(tmp_path / name / "a.jsonl", texts(name))
    assert read(tmp_path / "data:test", job) == ["data:test"]
    assert read(tmp_path / "data:x:train", job) == ["data:x:train"]
    assert read(tmp_path / "data:default:train", job) == ["data"]
    assert "has no configuration y" in refused(tmp_path / "data:y", job)


def test_the_answer_lists_what_can_be_chosen_and_rows_name_their_files(tmp_path: Path, job: Job) -> None:
    several({"train/a.jsonl": texts("a", "b"), "train/b.jsonl": texts("c"), "test/c.jsonl": texts("d")})(tmp_path)
    answer = source.run(SourceRequest(SourceSpec(str(tmp_path))), job)
    assert (answer.configs, answer.splits, answer.split, answer.has_files) == ([], ["train", "test"], "train", True)
    found = rows.run(RowsRequest(SourceSpec(str(tmp_path)), "text", 0, 10), job)
    assert [row.file for row in found.rows] == ["train/a.jsonl", "train/a.jsonl", "train/b.jsonl"]
    test = SourceSpec(str(tmp_path), split="test")
    assert not source.run(SourceRequest(test), job).has_files
    assert [row.file for row in rows.run(RowsRequest(test, "text", 0, 10), job).rows] == [None]


def test_text_files_name_themselves(tmp_path: Path, job: Job) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.txt", "sub/a.md"):
        (tmp_path / name).write_text(name)
    found = rows.run(RowsRequest(SourceSpec(str(tmp_path)), "text", 0, 10), job)
    assert [(row.beginning, row.file) for row in found.rows] == [("b.txt", "b.txt"), ("sub/a.md", "sub/a.md")]


def test_splits_of_several_formats_are_read_in_the_one_that_most_files_have(tmp_path: Path, job: Job) -> None:
    several({"train.csv": texts("a"), "test.jsonl": texts("b"), "test-2.jsonl": texts("c")})(tmp_path)
    found = opened(tmp_path, job)
    assert list(found.iterate(0, "text")) == ["c", "b"]
    assert any("1 other is not (train.csv)" in one for one in found.remarks)


def test_a_readme_that_names_what_is_not_there_is_refused_with_a_reason(tmp_path: Path, job: Job) -> None:
    write(tmp_path / "a.jsonl", texts("a"))
    (tmp_path / "README.md").write_text("---\nconfigs:\n- config_name: x\n  data_files: nothing/*.csv\n---\n")
    assert refused(tmp_path, job) == f"{tmp_path}: the files that its README.md names are not there"
    (tmp_path / "README.md").write_text("---\nconfigs: 7\n---\n")
    assert "datasets cannot find its files (ValueError: Expected configs to be a list" in refused(tmp_path, job)
    (tmp_path / "README.md").write_text("# Only words\n")
    assert read(tmp_path, job) == ["a"]


# Collections for retrieval


def beir(folder: Path, packed: str = "") -> None:
    write(
        folder / f"corpus.jsonl{packed}",
        [{"_id": "d1", "title": "T", "text": "x"}, {"_id": "d2", "title": "", "text": "y"}],
    )
    write(folder / f"queries.jsonl{packed}", [{"_id": "q1", "text": "why?"}])
    for split in ("test", "dev"):
        write(folder / "qrels" / f"{split}.tsv", [{"query-id": "q1", "corpus-id": "d1", "score": 1}])


def mteb(folder: Path) -> None:
    write(folder / "corpus/corpus-00000-of-00001.parquet", [{"_id": "d1", "title": "T", "text": "x"}])
    write(folder / "queries/queries-00000-of-00001.parquet", [{"_id": "q1", "text": "why?"}])
    write(folder / "qrels/test-00000-of-00001.parquet", [{"query-id": "q1", "corpus-id": "d1", "score": 1.0}])


MTEB_README = """---
configs:
- config_name: default
  data_files: [{split: test, path: qrels/test-*}]
- config_name: corpus
  data_files: [{split: corpus, path: corpus/corpus-*}]
- config_name: queries
  data_files: [{split: queries, path: queries/queries-*}]
---
"""


def test_of_a_collection_for_retrieval_the_corpus_is_read_with_its_titles(tmp_path: Path, job: Job) -> None:
    beir(tmp_path)
    found = opened(tmp_path, job)
    assert (found.configs, found.config, found.column) == (["corpus", "queries", "qrels"], "corpus", "title,text")
    assert list(found.iterate(0, found.column)) == ["T x", "y"]
    assert any("is a collection for retrieval: its corpus is read" in one for one in found.remarks)
    assert read(f"{tmp_path}:queries", job) == ["why?"]
    judged = opened(f"{tmp_path}:qrels:test", job)
    assert (judged.splits, judged.file_of(0)) == (["dev", "test"], None)
    assert [row["corpus-id"] for row in judged.rows(0, ["corpus-id"])] == ["d1"]


def test_a_collection_of_mteb_is_read_with_and_without_its_card(tmp_path: Path, job: Job) -> None:
    mteb(tmp_path)
    assert parts_of_folder("x", tmp_path) == Parts("corpus", "queries", "qrels")
    assert read(tmp_path, job) == ["T x"]
    (tmp_path / "README.md").write_text(MTEB_README)
    assert parts_of_folder("x", tmp_path) == Parts("corpus", "queries", "default")
    found = opened(tmp_path, job)
    assert (found.config, list(found.iterate(0, found.column))) == ("corpus", ["T x"])
    of_corpus, of_queries, of_qrels = Parts("corpus", "queries", "default").specs(
        SourceSpec(str(tmp_path), split="test")
    )
    assert of_qrels is not None
    assert [next(iter(open_source(one, job).rows(0, ["_id"])))["_id"] for one in (of_corpus, of_queries)] == [
        "d1",
        "q1",
    ]
    assert open_source(of_qrels, job).split is None
    assert parts_of_folder("x", tmp_path / "corpus") is None


# Several paths


def test_several_paths_and_globs_are_one_source(tmp_path: Path, job: Job) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path / "data" / f"{name}.jsonl", texts(name))
    write(tmp_path / "d.csv", PLAIN[:1])
    (tmp_path / "data" / "empty.jsonl").touch()
    found = opened(
        tmp_path / "data" / "c.jsonl", job, more=(str(tmp_path / "data" / "a.jsonl"), str(tmp_path / "d.csv"))
    )
    assert list(found.iterate(0, "text"))[:2] == ["c", "a"]
    assert [found.file_of(index) for index in range(3)] == ["data/c.jsonl", "data/a.jsonl", "d.csv"]
    assert read(tmp_path / "data" / "[ab]*.jsonl", job) == ["a", "b"]
    assert read(tmp_path / "**" / "*.jsonl", job) == ["a", "b", "c"]
    assert read((tmp_path / "data" / "b.jsonl").as_uri(), job) == ["b"]
    assert "no such file or directory" in refused(tmp_path / "data" / "x*.jsonl", job)
    assert "no such file or directory" in refused(tmp_path / "data", job, more=(str(tmp_path / "nothing"),))


def test_a_path_with_letters_of_a_glob_in_it_is_that_path(tmp_path: Path, job: Job) -> None:
    write(tmp_path / "data[1]" / "train.jsonl", PLAIN[:1])
    assert read(tmp_path / "data[1]", job) == [PLAIN[0]["text"]]
    assert read(tmp_path / "data[1]" / "train.jsonl", job) == [PLAIN[0]["text"]]


def test_a_folder_of_thousands_of_files_is_listed_once_and_few_of_them_are_opened(
    tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder" / "train").mkdir(parents=True)
    for number in range(2_000):
        (tmp_path / "folder" / "train" / f"{number:04}.jsonl").write_text(f'{{"text": "{number}"}}\n')
    listed: list[str] = []
    scandir = os.scandir

    def watched(path: Any = ".") -> Any:
        listed.append(str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", watched)
    found = open_source(SourceSpec(str(tmp_path / "folder")), job)
    assert [one for one in listed if "folder" in one] == [str(tmp_path / "folder"), str(tmp_path / "folder" / "train")]
    assert (found.known, found.total) == (0, None)
    found.reach(1_500, job)
    assert next(found.iterate(1_499, "text")) == "1499"
