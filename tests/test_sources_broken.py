"""Files that break off: what came before stays, and what is wrong is said whenever somebody reads so far."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO

import pytest

from encoder_tui.engine.document_messages import SourceSpec
from encoder_tui.engine.job import Job, TaskError
from encoder_tui.engine.sources import open_source
from encoder_tui.engine.sources.files import JsonLines


@pytest.fixture
def job() -> Job:
    return Job(1, lambda message: None)


def test_a_row_that_is_no_csv_is_no_end_of_its_file_however_often_it_is_reached(tmp_path: Path, job: Job) -> None:
    path = tmp_path / "rows.csv"
    good = "".join(f"{index},text {index}\n" for index in range(100))
    path.write_text(f"id,text\n{good}x,bad\rfield\n{good}", newline="")
    source = open_source(SourceSpec(str(path)), job)
    for _ in range(2):
        with pytest.raises(TaskError, match=r"rows\.csv is no CSV near byte [\d,]+ \("):
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
        with pytest.raises(TaskError, match=r"rows\.jsonl cannot be read: Input/output error"):
            source.reach(9, job)
    assert (source.known, source.total) == (5, None)
    source.reach(10, job)
    assert (source.known, source.total) == (9, 9)
