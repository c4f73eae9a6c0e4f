"""Documents are read, counted and listed in an order that no clock decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from encoder_tui.client.client import EngineError
from encoder_tui.client.collection import Collection
from encoder_tui.core.documents.document import DocumentTokens, packed
from encoder_tui.core.documents.lengths import CollectionCounts
from encoder_tui.engine.documents import opened
from encoder_tui.engine.job import Job
from encoder_tui.engine.operations import scan
from encoder_tui.protocol.documents import HURRY, Counted, Row, RowsAnswer, ScanAnswer, ScanRequest, SourceSpec
from encoder_tui.window.panes.documents import listing
from encoder_tui.window.panes.documents.counting import Counting
from encoder_tui.window.panes.documents.reader import DocumentReader
from tests.engine.documents.test_long_documents import tokenizer
from tests.support.still import eventually, until
from tests.window.documents.test_order import told
from tests.window.documents.test_pane import app_of, pane_of, rows_file, settled


class Documents:
    """A collection whose documents come when they are let through."""

    answer = SimpleNamespace(total=None)
    engine = SimpleNamespace(note=lambda word: None)

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.text, self.tokens = asyncio.Event(), asyncio.Event()
        self.error: EngineError | None = None

    async def document(self, index: int, models: object, on_text: Callable[[str], None], *_: object) -> Any:
        self.asked.append(index)
        await self.text.wait()
        on_text(f"document {index}")
        await self.tokens.wait()
        if self.error is not None:
            raise self.error
        return f"document {index}", [SimpleNamespace(total=3)]


def session_of(opened: list[str]) -> Any:
    return SimpleNamespace(set_document=lambda text, row: opened.append(text), notice=lambda *_: None)


@pytest.mark.parametrize("ends", ["whole", "without tokens"])
async def test_of_the_documents_that_a_held_key_passes_the_last_is_read_its_text_first(ends: str) -> None:
    opened: list[str] = []
    seen: list[tuple[str, list[DocumentTokens], bool]] = []
    documents: Any = Documents()
    reader = DocumentReader(
        session_of(opened), lambda _: None, lambda is_same: seen.append((reader.text, reader.tokens, is_same))
    )
    assert reader.is_idle.is_set()
    for index in range(5):
        reader.read(documents, index, [])
        await asyncio.sleep(0)
    assert not reader.is_idle.is_set()
    await eventually(lambda: documents.asked == [4])
    await asyncio.sleep(0.02)
    assert not reader.is_idle.is_set()
    documents.text.set()
    await eventually(lambda: len(seen) == 1)
    assert not reader.is_idle.is_set()  # counting goes on once its tokens have come, too
    assert seen == [("document 4", [], False)]
    assert opened == []
    if ends == "without tokens":
        documents.error = EngineError("it was killed")
    documents.tokens.set()
    await eventually(lambda: opened == ["document 4"])
    await eventually(reader.is_idle.is_set)
    assert reader.is_read == (ends == "whole")
    assert [of.total for of in reader.tokens] == ([3] if ends == "whole" else [])


async def test_one_that_fails_before_its_text_keeps_nothing_waiting() -> None:
    documents: Any = Documents()
    reader = DocumentReader(session_of([]), lambda _: None, lambda _: None)

    async def fail(*_: object) -> None:
        raise EngineError("it was killed")

    documents.document = fail
    reader.read(documents, 0, [])
    assert not reader.is_idle.is_set()
    await asyncio.wait_for(reader.is_idle.wait(), 5)


@pytest.mark.usefixtures("no_engine")
async def test_the_engine_is_asked_for_the_counts_after_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    has_come = asyncio.Event()
    document, scan = Collection.document, Collection.scan

    async def slowly(self: Collection, *arguments: Any) -> Any:
        await has_come.wait()
        asked.append("document")
        return await document(self, *arguments)

    async def noted(self: Collection, counts: CollectionCounts, models: Any, **more: Any) -> AsyncIterator[ScanAnswer]:
        asked.append("scan")
        async for answer in scan(self, counts, models, **more):
            yield answer

    monkeypatch.setattr(Collection, "document", slowly)
    monkeypatch.setattr(Collection, "scan", noted)
    async with app_of(rows_file(tmp_path, ["one", "two"])).run_test(size=(100, 30)) as pilot:
        pane = pane_of(pilot)
        await until(pilot, lambda: pane.counting is not None and len(pane.models) == 2)
        await pilot.pause(0.5)
        assert pane.counting is not None
        assert pane.counting.state == "idle"
        assert asked == []
        has_come.set()
        await settled(pilot)
        assert asked.index("document") < asked.index("scan")


async def test_counting_goes_on_as_soon_as_timing_has_measured() -> None:
    class Rows:
        def no_counts(self, models: object, sample: int | None) -> CollectionCounts:
            return CollectionCounts("some", "text", [])

        async def scan(self, counts: CollectionCounts, models: object) -> AsyncIterator[ScanAnswer]:
            for number in (1, 2):
                yield ScanAnswer([], number, number == 2, 0, number, 2, [], packed([number]))

    measured = asyncio.Event()
    slices: list[int] = []
    rows: Any = Rows()
    model: Any = object()
    session: Any = SimpleNamespace(nothing_measured=measured, notice=lambda *_: None)
    counting = Counting(session, rows, [model], lambda: slices.append(counting.known))
    counting.tokens = []
    counting.start()
    await eventually(lambda: slices == [1])
    await asyncio.sleep(0.02)
    assert (slices, counting.state) == ([1], "counting")
    measured.set()
    await eventually(lambda: counting.state == "done")
    assert list(counting.characters) == [1, 2]


@pytest.mark.usefixtures("no_engine")
async def test_rows_that_could_not_be_had_are_asked_for_again_when_the_list_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, failures = Collection.rows, [EngineError("it was killed")]
    asked: list[int] = []

    async def sometimes(self: Collection, start: int, *arguments: Any, **more: Any) -> RowsAnswer:
        asked.append(start)
        if failures:
            raise failures.pop()
        return await rows(self, start, *arguments, **more)

    async with app_of(rows_file(tmp_path, [f"document {i}" for i in range(3)])).run_test(size=(100, 30)) as pilot:
        pane = await settled(pilot)
        monkeypatch.setattr(listing, "ERROR_SHOWN", 0.3)
        monkeypatch.setattr(Collection, "rows", sometimes)
        pane.listing.forget()
        pane.listing.refresh()
        await until(pilot, lambda: "it was killed" in told(pane))
        await until(pilot, lambda: "it was killed" not in told(pane))
        assert asked == [0]
        assert pane.listing.cells(1)[1] == "…"
        pane.listing.refresh()
        await until(pilot, lambda: "document 1" in pane.listing.cells(1)[-1])


def test_a_slice_of_counting_ends_early_when_something_else_is_wanted(tmp_path: Path) -> None:
    opened.tokenizers["bert"] = tokenizer("builtin:bert")
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f'{{"text": "document {index}"}}\n' for index in range(9_000)))
    request = ScanRequest(SourceSpec(str(path)), "text", 0, 600, [Counted("bert", 512)])
    job = Job(1, lambda message: None)
    job.hear(HURRY)
    answer = scan.run(request, job)
    assert 0 < answer.next < 9_000
    assert not answer.is_end
    rest = scan.run(msgspec.structs.replace(request, start=answer.next), Job(2, lambda message: None))
    assert (rest.next, rest.is_end) == (9_000, True)


@pytest.mark.usefixtures("no_engine")
async def test_names_of_files_stand_in_the_list_where_there_are_several(tmp_path: Path) -> None:
    async with app_of(rows_file(tmp_path, ["one", "two"])).run_test(size=(100, 30)) as pilot:
        pane = await settled(pilot)
        collection = pane.collection
        assert collection is not None
        collection.answer = msgspec.structs.replace(collection.answer, has_files=True)
        pane.listing.open(collection)
        pane.listing._take(RowsAnswer([Row(0, 3, "one", [3, 3], file="deep/folder/shard-\x1b-00001.jsonl")], 2, 2))
        assert pane.listing.cells(0)[1] == "…d-␛-00001.jsonl"
        assert pane.listing.columns[1].label == "file"
