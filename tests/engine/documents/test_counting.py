"""Counting a collection slice by slice, and the fast counters that have to prove themselves."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from encoder_tui.client.loader import builtin_form
from encoder_tui.core.documents.document import unpacked
from encoder_tui.core.documents.lengths import LengthCounts
from encoder_tui.core.models.files import resolve_here
from encoder_tui.core.models.names import parse_name
from encoder_tui.core.tokens.tokenizer import ModelTokenizer
from encoder_tui.engine.documents import fast_counters, opened
from encoder_tui.engine.documents.counting import count_batch
from encoder_tui.engine.job import Job, JobCancelled
from encoder_tui.engine.operations import scan
from encoder_tui.protocol.documents import Counted, ScanRequest, SourceSpec

TEXTS = [f"document {i} of a lighthouse keeper " + "word " * (i % 40) for i in range(500)]
NAMES = ("builtin:bert", "builtin:modernbert")


def tokenizer(name: str) -> ModelTokenizer:
    files = resolve_here(parse_name(name))
    assert files is not None
    return ModelTokenizer(builtin_form(files))


@pytest.fixture
def models() -> Iterator[list[Counted]]:
    for name in NAMES:
        opened.tokenizers[name] = tokenizer(name)
    yield [Counted(name, 512) for name in NAMES]
    opened.tokenizers.clear()
    fast_counters._trusted.clear()


@pytest.fixture
def spec(tmp_path: Path) -> SourceSpec:
    path = tmp_path / "rows.jsonl"
    rows: list[str | None] = [*TEXTS[:100], None, *TEXTS[100:]]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in rows))
    opened.forget(SourceSpec(str(path)))
    return SourceSpec(str(path))


@pytest.fixture
def job() -> Job:
    return Job(1, lambda message: None)


def test_slices_add_up_to_the_whole_whatever_their_size(spec: SourceSpec, models: list[Counted], job: Job) -> None:
    whole = scan.run(ScanRequest(spec, "text", 0, 60, models), job)
    assert (whole.is_end, whole.next, whole.total, whole.empty) == (True, 501, 501, 1)
    for counts, name in zip(whole.counts, NAMES, strict=True):
        expected = LengthCounts("", 2, 512)
        expected.add(count_batch(tokenizer(name), TEXTS), sum(map(len, TEXTS)))
        assert counts == expected
    for size in (7, 250, 501):
        parts = [LengthCounts("", 2, 512) for _ in models]
        lengths: list[int] = []
        start, empty, is_end = 0, 0, False
        while not is_end:
            answer = scan.run(ScanRequest(spec, "text", start, 60, models, rows=size), job)
            for into, part in zip(parts, answer.counts, strict=True):
                into.merge(part)
            lengths += unpacked(answer.lengths[0])
            start, empty, is_end = answer.next, empty + answer.empty, answer.is_end
        assert (parts, start, empty) == (whole.counts, 501, 1)
        assert lengths == list(unpacked(whole.lengths[0]))
        assert lengths[100] == 0


def test_a_slice_goes_on_where_an_engine_that_died_had_stopped(
    spec: SourceSpec, models: list[Counted], job: Job
) -> None:
    first = scan.run(ScanRequest(spec, "text", 0, 60, models, rows=300), job)
    opened.forget(spec)
    second = scan.run(ScanRequest(spec, "text", first.next, 60, models), job)
    first.counts[0].merge(second.counts[0])
    assert first.counts[0].total == 500


def test_a_long_document_is_counted_over_several_slices(
    tmp_path: Path, models: list[Counted], job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened, "LONG", 100_000)
    texts = ["short", " ".join(TEXTS) * 10, "last"]
    path = tmp_path / "long.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    spec = SourceSpec(str(path))
    lengths: list[int] = []
    slices, start, is_end = 0, 0, False
    while not is_end:
        answer = scan.run(ScanRequest(spec, "text", start, 0, models), job)
        lengths += unpacked(answer.lengths[1])
        slices, start, is_end = slices + 1, answer.next, answer.is_end
    assert lengths == count_batch(tokenizer(NAMES[1]), texts)
    assert slices > 4


def test_a_count_that_was_dropped_for_others_is_known_again_from_the_tokens(
    spec: SourceSpec, models: list[Counted], job: Job
) -> None:
    tokens = opened.Tokens(spec, "text", 0, NAMES[0], TEXTS[0])
    total = tokens.go_on(job).total
    opened.counts.clear()
    # A slice goes on with a long document until its count is there.
    tokens.go_on(job)
    assert opened.counts.get((spec, "text", 0, NAMES[0])) == total


def test_a_cancelled_slice_ends(spec: SourceSpec, models: list[Counted], job: Job) -> None:
    job.cancel()
    with pytest.raises(JobCancelled):
        scan.run(ScanRequest(spec, "text", 0, 60, models), job)


def test_tokenizers_that_were_not_handed_over_are_asked_for(spec: SourceSpec, job: Job) -> None:
    answer = scan.run(ScanRequest(spec, "text", 0, 60, [Counted("unheard of")]), job)
    assert answer.missing == ["unheard of"]


def counter(monkeypatch: pytest.MonkeyPatch, made: fast_counters.Count) -> fast_counters.Counter:
    """A counter with a fast one that does as it is told, and no other."""
    fast_counters._trusted.clear()

    def none(_: ModelTokenizer) -> fast_counters.Count:
        raise ImportError

    monkeypatch.setattr(fast_counters, "_nanotoken", lambda _: made)
    monkeypatch.setattr(fast_counters, "_kitoken", none)
    return fast_counters.Counter("key", tokenizer(NAMES[0]), enabled=True)


def test_a_fast_counter_that_counts_the_same_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    of = tokenizer(NAMES[0])
    asked: list[int] = []

    def right(texts: list[str]) -> list[int]:
        asked.append(len(texts))
        return count_batch(of, texts)

    counting = counter(monkeypatch, right)
    assert counting.count(TEXTS) == count_batch(of, TEXTS)
    assert (counting.name, counting.remark) == ("nanotoken", "")
    assert asked[-1] == len(TEXTS)


def test_a_fast_counter_that_differs_on_the_rows_at_hand_is_dropped_with_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    of = tokenizer(NAMES[0])
    counting = counter(
        monkeypatch, lambda texts: [n + ("keeper" in t) for n, t in zip(count_batch(of, texts), texts, strict=True)]
    )
    assert counting.count(TEXTS) == count_batch(of, TEXTS)
    assert counting.name == "tokenizers"
    assert counting.remark == "nanotoken gave a different count than tokenizers here; using tokenizers from now on"


def test_a_fast_counter_that_differs_or_breaks_later_is_dropped_too(monkeypatch: pytest.MonkeyPatch) -> None:
    of = tokenizer(NAMES[0])

    def late(texts: list[str]) -> list[int]:
        if "surprise" in texts[-1]:
            raise RuntimeError
        return count_batch(of, texts)

    counting = counter(monkeypatch, late)
    counting.count(TEXTS)
    assert counting.name == "nanotoken"
    assert counting.count(["a surprise"]) == count_batch(of, ["a surprise"])
    assert counting.name == "tokenizers"


def test_kitoken_is_never_imported_in_a_thread_that_may_end(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = ModuleType("kitoken")
    imported.Kitoken = SimpleNamespace(from_tokenizers=lambda _: None)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "kitoken", imported)
    assert callable(fast_counters._kitoken(tokenizer(NAMES[1])))
    with ThreadPoolExecutor() as pool, pytest.raises(RuntimeError, match="only in the main thread"):
        pool.submit(fast_counters._kitoken, tokenizer(NAMES[1])).result()


@pytest.mark.parametrize("name", NAMES)
def test_the_real_fast_counters_count_as_tokenizers_does(name: str) -> None:
    pytest.importorskip("nanotoken", reason="the extra `fast` is not installed")
    pytest.importorskip("kitoken", reason="the extra `fast` is not installed")
    from tests.support.texts import texts

    fast_counters._trusted.clear()
    counting = fast_counters.Counter(name, tokenizer(name), enabled=True)
    clean = [text.encode("utf-8", "replace").decode() for text in texts()]
    assert counting.count(clean) == count_batch(tokenizer(name), clean)
    assert counting.name != "tokenizers"
