"""Folders of data as people have them, each a function that fills one; `datasets` loads all of them."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, Any]
Fill = Callable[[Path], None]

PLAIN: Final[list[Row]] = [
    {"id": number, "title": f"title {number}", "text": f"document {number} says “{'é' * number}”, twice\nin two lines"}
    for number in range(7)
]
WITH_NULLS: Final[list[Row]] = [
    {**row, "text": None if number % 3 == 0 else row["text"]} for number, row in enumerate(PLAIN)
]
NESTED: Final[list[Row]] = [
    {
        "query": f"query {number}",
        "document": {"title": f"title {number}", "text": f"text {number}"},
        "pos": [f"pos {number}.{one}" for one in range(number % 3)],
        "passages": [{"docid": str(one), "text": f"passage {number}.{one}"} for one in range(1 + number % 2)],
        "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": f"hello {number}"}],
    }
    for number in range(5)
]


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write rows in the format that the suffix names, packed if a second one says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = list(rows)
    suffixes = path.suffixes
    if suffixes[0] == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=3)
    elif suffixes[0] == ".arrow":
        table = pa.Table.from_pylist(rows)
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table, max_chunksize=2)
    else:
        data = as_text(suffixes[0], rows).encode()
        packed = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
        path.write_bytes(packed[suffixes[1]](data) if suffixes[-1] in packed else data)


def as_text(suffix: str, rows: list[Row]) -> str:
    """Return rows as a file of a format holds them."""
    if suffix == ".jsonl":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if suffix == ".json":
        return json.dumps(rows, ensure_ascii=False, indent=1)
    if suffix == ".txt":
        return "".join(f"{row['title']}\n" for row in rows)
    import io

    out = io.StringIO()
    table = csv.DictWriter(out, list(rows[0]), delimiter="\t" if suffix == ".tsv" else ",", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return out.getvalue()


def one(name: str, rows: list[Row] = PLAIN) -> Fill:
    """A folder of one file."""
    return lambda folder: write(folder / name, rows)


def several(files: Mapping[str, list[Row]], **texts: str) -> Fill:
    """A folder of files of rows, and of side files by their names without dots."""

    def fill(folder: Path) -> None:
        for name, rows in files.items():
            write(folder / name, rows)
        for name, text in texts.items():
            (folder / name.replace("_dot_", ".")).write_text(text, "utf-8")

    return fill


def zipped(folder: Path) -> None:
    """A folder with an archive of JSON lines."""
    with zipfile.ZipFile(folder / "rows.zip", "w") as archive:
        archive.writestr("rows.jsonl", as_text(".jsonl", PLAIN))


def hidden(folder: Path) -> None:
    """Files that are hidden, or in a folder of Python's, beside those that are meant."""
    for name in (
        "rows.jsonl",
        ".hidden.jsonl",
        ".cache/rows.jsonl",
        "__pycache__/rows.jsonl",
        ".git/objects/rows.jsonl",
    ):
        write(folder / name, PLAIN)


CONFIGS: Final = """---
configs:
- config_name: first
  data_files: one/*.jsonl
- config_name: second
  default: true
  data_files:
  - split: train
    path: [two/a.jsonl, two/c.jsonl]
  - split: held_out
    path: two/b.jsonl
- config_name: third
  data_dir: three
---
# Something
"""
SPLITS: Final = """---
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*
  - split: test
    path: data/test-*
---
"""
SEPARATED: Final = """---
configs:
- config_name: default
  data_files: "*.csv"
  sep: "|"
---
"""


def separated(folder: Path) -> None:
    """CSV with another separator, which README.md states."""
    (folder / "rows.csv").write_text("id|text\n1|one, with a comma\n2|two\n", "utf-8")
    (folder / "README.md").write_text(SEPARATED, "utf-8")


HALVES: Final = [PLAIN[:4], PLAIN[4:]]
SHARDS: Final = ("jsonl", "json", "csv", "tsv", "parquet", "arrow")

FOLDERS: Final[dict[str, Fill]] = {
    **{f"{suffix}, clean": one(f"rows.{suffix}") for suffix in (*SHARDS, "txt")},
    **{
        f"{suffix}, shards": several({f"part-{number}.{suffix}": half for number, half in enumerate(HALVES)})
        for suffix in SHARDS
    },
    **{
        f"{suffix}, nulls": one(f"rows.{suffix}", WITH_NULLS) for suffix in ("jsonl", "json", "csv", "parquet", "arrow")
    },
    **{f"{suffix}, nested": one(f"rows.{suffix}", NESTED) for suffix in ("jsonl", "json", "parquet", "arrow")},
    **{
        f"{suffix}, packed": one(f"rows.{suffix}")
        for suffix in ("jsonl.gz", "csv.gz", "jsonl.bz2", "jsonl.xz", "txt.gz")
    },
    "zip": zipped,
    **{
        f"{suffix}, splits by name": several(
            {f"train.{suffix}": HALVES[0], f"test.{suffix}": HALVES[1], f"dev.{suffix}": PLAIN[:1]}
        )
        for suffix in ("jsonl", "csv", "parquet")
    },
    "splits by folder": several(
        {"train/a.jsonl": HALVES[0], "train/b.jsonl": HALVES[1], "evaluation/a.jsonl": PLAIN[:2]}
    ),
    "splits by number": several(
        {
            "data/train-00000-of-00002.parquet": HALVES[0],
            "data/train-00001-of-00002.parquet": HALVES[1],
            "data/other-00000-of-00001.parquet": PLAIN[:1],
        }
    ),
    "a clone of a data set": several(
        {"data/train-0.parquet": HALVES[0], "data/test-0.parquet": HALVES[1], "data/more-0.parquet": PLAIN[:1]},
        README_dot_md=SPLITS,
        _dot_gitattributes="*.parquet filter=lfs",
    ),
    "configurations": several(
        {
            "one/x.jsonl": PLAIN[:1],
            "two/a.jsonl": PLAIN[:2],
            "two/b.jsonl": PLAIN[2:3],
            "two/c.jsonl": PLAIN[3:],
            "three/test.jsonl": PLAIN[:3],
            "three/train.jsonl": PLAIN[3:],
        },
        README_dot_md=CONFIGS,
    ),
    "a separator in README.md": separated,
    "dataset_infos.json beside CSV": several({"train.csv": PLAIN}, dataset_infos_dot_json="{}"),
    "parquet beside others": several({"a.parquet": HALVES[0], "b.parquet": HALVES[1], "notes.txt": PLAIN}),
    "a file of each kind": several({"a.parquet": PLAIN, "b.csv": PLAIN, "c.jsonl": PLAIN}),
    "hidden files": hidden,
    "deep folders": several({"x/y/z/b.jsonl": HALVES[1], "x/a.jsonl": HALVES[0], "c.jsonl": PLAIN[:1]}),
    "a column that comes late": one(
        "rows.jsonl", [*({"id": n, "text": None} for n in range(30)), {"id": 30, "text": "t"}]
    ),
    "other columns in another shard": several({"a.jsonl": PLAIN, "b.jsonl": [{"text": "no title here", "id": 9}]}),
    "names with dots": one("rows.parquet", [{"text.en": "english", "text": "plain", "n": 1}]),
    "an empty shard": several({"a.csv": PLAIN, "b.csv": [PLAIN[0]], "c.csv": HALVES[1]}),
}
"""What fills a folder, by what it shows."""
