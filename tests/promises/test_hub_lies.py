"""A Hub that lies, resets and drips, and the proxies before it: a sentence each time, and never a wrong file."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from encoder_tui.core.hub import cache as hub_cache
from encoder_tui.core.models.names import parse_name
from tests.support.fake_hub import FakeHub
from tests.support.hub_case import REPO, fetch, ranges, refusal


@pytest.fixture
def no_session() -> Iterator[None]:
    """huggingface_hub keeps one session, which read the proxies when it was made."""
    from huggingface_hub import close_session

    close_session()
    yield
    close_session()


def test_a_connection_that_is_reset_is_taken_up_where_it_broke_off(fake: FakeHub, repository: Path) -> None:
    fake.fault("*/tokenizer.json", "reset", times=1)
    fetched = Path(fetch().path) / "tokenizer.json"
    assert fetched.read_bytes() == (repository / "tokenizer.json").read_bytes()
    assert len(ranges(fake, "tokenizer.json")) == 2


def test_a_length_that_is_too_short_never_gives_half_a_file(fake: FakeHub) -> None:
    fake.fault("*/config.json", "claims less")
    assert "config.json arrived damaged" in refusal()
    assert hub_cache.cached(parse_name(REPO)) is None


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json"])
def test_a_file_that_ends_too_early_is_not_kept_though_nothing_was_said_of_its_length(fake: FakeHub, file: str) -> None:
    fake.states_hashes = False
    fake.fault(f"*/{file}", "ends early", times=1)
    assert f"{file} arrived damaged" in refusal()
    assert fetch().source == "hub"


def test_a_length_that_is_too_long_does_no_harm_to_a_file_that_is_whole(fake: FakeHub, repository: Path) -> None:
    fake.fault("*/vocab.txt", "claims more")
    assert (Path(fetch().path) / "vocab.txt").read_bytes() == (repository / "vocab.txt").read_bytes()
    assert len(ranges(fake, "vocab.txt")) == 1


def test_headers_that_drip_do_not_stretch_the_patience(fake: FakeHub) -> None:
    # The server drips until the test ends, so coming back at all shows that the wait is bounded.
    fake.fault("*", "headers drip")
    assert "no answer within 2 s" in refusal()


def test_the_words_of_a_hostile_hub_are_shown_by_symbols(fake: FakeHub) -> None:
    fake.fault("*", "evil")
    message = refusal()
    assert message.isprintable()
    assert "[bold]x[/bold]" in message
    assert "[CLS]" in message


def test_a_proxy_is_asked_in_the_place_of_the_hub(
    fake: FakeHub, monkeypatch: pytest.MonkeyPatch, no_session: None
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    monkeypatch.setenv("HTTP_PROXY", fake.endpoint)
    monkeypatch.setenv("NO_PROXY", "")
    assert fetch().source == "hub"
    assert all(path.startswith("http://hub.invalid/") for path in fake.paths())


def test_what_no_proxy_names_is_asked_directly(
    fake: FakeHub, monkeypatch: pytest.MonkeyPatch, no_session: None
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert fetch().source == "hub"


def test_a_dead_proxy_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch, no_session: None) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    monkeypatch.setenv("HTTP_PROXY", "http://someone:secret@127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    message = refusal()
    assert "through the proxy http://127.0.0.1:9" in message
    assert "check the network and HTTP_PROXY" in message
    assert "secret" not in message


def test_a_proxy_that_never_answers_costs_no_more_than_a_hub_that_does_not(
    monkeypatch: pytest.MonkeyPatch, no_session: None
) -> None:
    # It accepts and says nothing for as long as the test runs, so coming back shows that the wait is bounded.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", "https://hub.invalid")
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("NO_PROXY", "")
        message = refusal()
    assert "no answer within 2 s" in message
    assert "HTTPS_PROXY" in message


@pytest.mark.parametrize("proxy", ["gopher://127.0.0.1:70", "socks5://127.0.0.1:9", "nonsense", "http://[1"])
def test_a_proxy_of_an_unknown_kind_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, no_session: None, proxy: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", "")
    assert "HTTP_PROXY" in refusal()
