"""The search of the Hub on its imitation: what is asked, what is believed, and how long is waited."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from encoder_tui.core.hub import client
from encoder_tui.core.hub.search import Found, Kind, search
from encoder_tui.core.models.names import ModelError
from tests.support.fake_hub import EVIL, FakeHub
from tests.support.hub_case import REPO, fetch, ignore


def found(query: str = "tiny", kind: Kind = "models", **more: bool) -> list[Found]:
    return search(kind, query, offline=more.get("offline", False), progress=ignore)


def refusal(query: str = "tiny", **more: bool) -> str:
    with pytest.raises(ModelError) as caught:
        found(query, **more)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 400
    return message


def test_what_is_found_has_its_task_downloads_and_size_and_whether_it_is_here(fake: FakeHub) -> None:
    fake.about[REPO] = {
        "pipeline_tag": "fill-mask",
        "library_name": "transformers",
        "downloads": 7,
        "safetensors": {"parameters": {"F32": 2_000_000}, "total": 2_000_000},
        "gated": "auto",
    }
    (one,) = found("TINY-b")
    assert one == Found(REPO, "fill-mask, gated", 7, "2.0 M values")
    (asked,) = [urlsplit(seen.path) for seen in fake.requests]
    assert asked.path == "/api/models"
    query = parse_qs(asked.query)
    assert (query["search"], query["limit"], query["sort"]) == (["TINY-b"], ["20"], ["downloads"])
    fetch()
    assert found()[0].is_here


def test_data_sets_are_found_with_what_they_are_for(fake: FakeHub) -> None:
    fake.repos["datasets/someone/tiny-texts"] = fake.repos[REPO]
    fake.about["someone/tiny-texts"] = {"tags": ["language:en", "task_categories:text-retrieval"], "usedStorage": 3_000}
    assert found("tiny", "datasets") == [Found("someone/tiny-texts", "text-retrieval", None, "3.0 kB")]


def test_entries_that_are_none_and_fields_that_hold_anything_are_left_out(fake: FakeHub) -> None:
    names = ["../../etc", "a/b/c", "", "a" * 300, EVIL, "--", None, 5]
    fake.also_found = [{"id": name} for name in names] + [None, [], "x"]
    odd: list[Any] = [-1, 1 << 60, True, "many", None, {"total": EVIL}, [EVIL]]
    fake.also_found += [{"id": f"o/n{place}", "downloads": one, "safetensors": one, "pipeline_tag": EVIL, "tags": one}
                        for place, one in enumerate(odd)]  # fmt: skip
    results = found("nothing of this name")
    assert [one.name for one in results] == [f"o/n{place}" for place in range(len(odd))]
    assert {one.downloads for one in results} == {None}
    assert all(one.what.isprintable() and len(one.what) <= 40 and one.size == "" for one in results)


def test_a_huge_answer_is_refused_and_a_long_list_is_cut(fake: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.also_found = [{"id": f"o/n{number}"} for number in range(500)]
    assert len(found("none")) <= 20
    monkeypatch.setattr(client, "LARGEST_SEARCH", 1000)
    assert "is larger than" in refusal()


@pytest.mark.parametrize("kind", ["hang", "html", "500", "evil", "429", "headers drip"])
def test_a_hub_that_does_not_answer_as_it_should_is_named(
    fake: FakeHub, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "0.3")
    fake.fault("/api/models", kind)
    message = refusal()
    assert message.startswith("search")
    if kind in {"hang", "headers drip"}:
        assert "does not answer" in message
        assert "a moment ago" in refusal()  # and the next key does not wait again
        assert len(fake.requests) == 1


def test_nothing_is_asked_offline(fake: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "--offline forbids" in refusal(offline=True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "HF_HUB_OFFLINE=1 forbids" in refusal()
    assert not fake.requests


def test_a_query_is_sent_as_it_was_typed_up_to_a_length(fake: FakeHub) -> None:
    query = "ä&limit=9999 \ud800" + "x" * 500
    found(query)
    sent = parse_qs(urlsplit(fake.requests[0].path).query)
    assert sent["search"][0] == query.replace("\ud800", "�")[:100]
    assert sent["limit"] == ["20"]
    assert json.dumps(sent["search"][0])
