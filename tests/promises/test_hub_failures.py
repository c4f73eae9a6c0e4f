"""The Hub gone wrong: what it costs, what is kept, and how it reads."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from encoder_tui.core.hub import cache as hub_cache
from encoder_tui.core.hub import client, listing
from encoder_tui.core.models.names import parse_name
from tests.support.command_case import call
from tests.support.fake_hub import FakeHub
from tests.support.hub_case import ENTRIES, REPO, fetch, partial_files, ranges, refusal


def test_a_file_that_is_longer_than_announced_is_refused(fake: FakeHub, home: Path) -> None:
    fake.fault("*/tokenizer.json", "longer")
    assert "larger" in refusal()
    assert not partial_files(home)


def test_a_small_file_of_which_no_length_was_stated_has_a_bound_all_the_same(
    fake: FakeHub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.states_hashes = False
    monkeypatch.setattr(listing, "SMALL_FILE", 100)
    assert "tokenizer.json is larger than the 100 B allowed; check HF_ENDPOINT" in refusal()
    assert not partial_files(home)


def test_a_rest_that_does_not_fit_is_thrown_away_and_the_whole_fetched(fake: FakeHub, home: Path) -> None:
    fake.fault("*/vocab.txt", "cut", times=1)
    fake.fault("*/vocab.txt", "cut at once", times=1)
    refusal()
    (partial,) = partial_files(home)
    partial.write_bytes(b"x" * partial.stat().st_size)
    fake.requests.clear()
    fetch()
    assert [bool(asked) for asked in ranges(fake, "vocab.txt")] == [True, False]


def test_a_damaged_file_is_refused_and_not_kept(fake: FakeHub, home: Path) -> None:
    fake.fault("*/tokenizer.json", "damage")
    assert "tokenizer.json arrived damaged" in refusal()
    assert hub_cache.cached(parse_name(REPO)) is None
    assert not partial_files(home)


def test_a_download_that_stays_cut_fails_and_the_next_call_takes_it_up(fake: FakeHub, home: Path) -> None:
    fake.fault("*/vocab.txt", "cut", times=1)
    fake.fault("*/vocab.txt", "cut at once")
    assert "vocab.txt" in refusal()
    assert len(ranges(fake, "vocab.txt")) == 2
    assert hub_cache.cached(parse_name(REPO)) is None
    assert len(partial_files(home)) == 1
    fake.heal()
    fake.requests.clear()
    fetch()
    half = len("".join(f"{entry}\n" for entry in ENTRIES)) // 2
    assert ranges(fake, "vocab.txt") == [f"bytes={half}-"]
    assert not partial_files(home)


@pytest.mark.parametrize(
    ("path", "kind", "token", "expected"),
    [
        ("/api/*", "401", "", ["not on the Hub", "spelling", "set HF_TOKEN"]),
        ("/api/*", "404", "hf_x", ["not on the Hub", "your HF_TOKEN may read"]),
        ("/api/*", "bare 404", "", ["not on the Hub"]),
        ("/api/*", "token", "hf_x", ["rejects your token", "Invalid credentials", "renew HF_TOKEN"]),
        ("*/config.json", "gated", "", ["gated", "accept its terms", REPO, "set HF_TOKEN"]),
        ("*/config.json", "gated", "hf_x", ["gated", "accept its terms", "account of your HF_TOKEN"]),
        ("/api/*", "403", "", ["HTTP 403", "disabled"]),
        ("/api/*", "429", "", ["limits the number of requests", "try again", "set HF_TOKEN"]),
        ("*/vocab.txt", "429", "hf_x", ["limits the number of requests", "try again"]),
        ("/api/*", "500", "", ["internal error", "HTTP 500", "Error ␛[31mred", "try later"]),
        ("*/vocab.txt", "503", "", ["HTTP 503", "try later"]),
        ("*/vocab.txt", "bare 404", "", ["lists vocab.txt", "no such file"]),
        ("/api/*", "html", "", ["does not look like a Hugging Face Hub", "HF_ENDPOINT"]),
    ],
)  # fmt: skip
def test_each_refusal_is_one_request_and_one_line_with_a_remedy(
    fake: FakeHub, monkeypatch: pytest.MonkeyPatch, *, path: str, kind: str, token: str, expected: list[str]
) -> None:
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    fake.fault(path, kind)
    message = refusal()
    for words in expected:
        assert words in message
    met = [asked for asked in fake.paths() if asked.startswith("/api/") == path.startswith("/api/")]
    assert len(met) == len(set(met))


def test_a_limit_says_when_it_ends(fake: FakeHub) -> None:
    fake.fault("/api/*", "429", times=1, Retry_After="77")
    assert "in 77 s" in refusal()
    fake.fault("/api/*", "429", times=1, RateLimit='"api";r=0;t=55')
    assert "in 55 s" in refusal()
    fake.fault("/api/*", "429", times=1, Retry_After="\u00b2")
    assert "in some minutes" in refusal()


def test_a_repository_or_revision_that_is_not_there_is_said(fake: FakeHub) -> None:
    assert "not on the Hub" in refusal("someone/else")
    assert "no revision v9" in refusal(f"{REPO}@v9")


@pytest.mark.parametrize("missing", [{"config.json"}, {"tokenizer.json", "vocab.txt"}])
def test_a_repository_that_is_no_model_is_said_before_anything_is_fetched(
    fake: FakeHub, repository: Path, missing: set[str]
) -> None:
    for name in missing:
        (repository / name).unlink()
    (repository / "vocab.json").write_text("{}")
    message = refusal()
    assert "config.json" in message or "tokenizer" in message
    assert len(fake.requests) == 1


def test_vocab_json_is_a_vocabulary_only_with_its_merges(fake: FakeHub, repository: Path) -> None:
    for name in ("tokenizer.json", "vocab.txt"):
        (repository / name).unlink()
    (repository / "vocab.json").write_text("{}")
    (repository / "merges.txt").write_text("#version: 0.2\n")
    path = Path(fetch().path)
    assert hub_cache.cached(parse_name(REPO)) is not None
    (path / "merges.txt").unlink()
    assert hub_cache.cached(parse_name(REPO)) is None


def test_a_hub_that_never_answers_is_asked_once_even_by_several_models(fake: FakeHub) -> None:
    # The server hangs until the test ends, so coming back at all shows that the wait is bounded.
    fake.fault("*", "hang")
    assert "does not answer (no answer within 2 s)" in refusal()
    assert "does not answer" in refusal("someone/else")
    assert len(fake.requests) == 1


def test_a_hub_that_falls_silent_in_the_middle_of_a_file_is_given_up(
    fake: FakeHub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "0.3")
    fake.fault("*/vocab.txt", "hang body", times=1)
    fake.fault("*/vocab.txt", "hang")
    assert "does not answer" in refusal()
    assert len(ranges(fake, "vocab.txt")) == 2
    assert len(partial_files(home)) == 1


def test_a_refused_connection_is_said_with_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://someone:secret@127.0.0.1:{unused.getsockname()[1]}"
        monkeypatch.setenv("HF_ENDPOINT", address)
        message = refusal()
    assert address.replace("someone:secret@", "") in message
    assert "refused" in message
    assert "secret" not in message


def test_a_name_look_up_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    the_end = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: the_end.wait() and [])
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "0.3")
    assert "no answer within 0.3 s" in refusal()
    the_end.set()


@pytest.mark.parametrize("address", ["hub.example", "http://[1", "gopher://hub.example", "http://hub.example:99999"])
def test_an_address_that_is_none_is_said(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    assert "HF_ENDPOINT" in refusal()


def test_an_address_that_is_none_is_one_sentence_of_a_command_that_begins_with_it(home: Path) -> None:
    done = call("-m", "own/er", "tokens", "x", environ={"HF_ENDPOINT": "http://[::1", "HOME": home})
    assert (done.code, done.remarks) == (
        1,
        ["encoder-tui: own/er: HF_ENDPOINT is not an address (Invalid IPv6 URL); fix or unset it"],
    )


def test_offline_nothing_is_asked_and_the_cache_still_serves(fake: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "--offline forbids" in refusal(offline=True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert "HF_HUB_OFFLINE=1 forbids" in refusal()
    assert fake.requests == []
    monkeypatch.delenv("HF_HUB_OFFLINE")
    fetch()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert hub_cache.cached(parse_name(REPO)) is not None


def test_half_a_tokenizer_is_never_taken_for_the_whole(fake: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    link = Path.symlink_to

    def die(pointer: Path, target: str) -> None:
        if pointer.name == "tokenizer_config.json":
            raise KeyboardInterrupt
        link(pointer, target)

    monkeypatch.setattr(Path, "symlink_to", die)
    with pytest.raises(KeyboardInterrupt):
        fetch()
    assert hub_cache.cached(parse_name(f"{REPO}@{fake.commit(REPO)}")) is None


def test_a_cache_that_cannot_be_written_is_said(fake: FakeHub, home: Path) -> None:
    (home / "huggingface").write_text("a file where a folder should be")
    message = refusal()
    assert "cannot be written" in message
    assert "HF_HOME" in message


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full, a disk without room, is Linux's")
def test_a_full_disk_is_said(fake: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "open_file", lambda path, flags, mode: os.open("/dev/full", os.O_WRONLY))
    assert "No space left on device" in refusal()
    assert hub_cache.cached(parse_name(REPO)) is None


def test_progress_that_raises_ends_the_wait_for_a_silent_hub(fake: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "60")
    fake.fault("*", "hang")

    def cancel(*_: object) -> None:
        if fake.requests:
            raise KeyError

    with pytest.raises(KeyError):
        fetch(progress=cancel)


def test_progress_that_raises_ends_the_download_and_keeps_what_has_arrived(fake: FakeHub, home: Path) -> None:
    class Cancelled(Exception):
        pass

    def cancel(text: str, *_: object) -> None:
        if partial_files(home) and text.endswith("vocab.txt"):
            raise Cancelled

    fake.fault("*/vocab.txt", "slow")
    with pytest.raises(Cancelled):
        fetch(progress=cancel)
    (partial,) = partial_files(home)
    arrived = partial.stat().st_size
    assert arrived
    assert hub_cache.cached(parse_name(REPO)) is None
    fake.heal()
    fake.requests.clear()
    fetch()
    assert ranges(fake, "vocab.txt") == [f"bytes={arrived}-"]
