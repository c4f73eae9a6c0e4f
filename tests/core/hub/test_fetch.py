"""Models of the Hub: what is fetched, and what the cache holds."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from encoder_tui.core.hub import cache as hub_cache
from encoder_tui.core.hub import fetch as hub
from encoder_tui.core.hub.listing import RemoteFile
from encoder_tui.core.models.names import parse_name
from tests.support.fake_hub import FakeHub
from tests.support.hub_case import REPO, SMALL, fetch, ranges


def test_fetching_brings_the_small_files_and_asks_for_nothing_else(fake: FakeHub) -> None:
    files = fetch()
    prefix = f"/{REPO}/resolve/{fake.commit(REPO)}/"
    listing, *downloads = fake.paths()
    assert listing == f"/api/models/{REPO}/revision/main"
    assert set(downloads) == {prefix + name for name in SMALL}
    assert len(downloads) == len(SMALL)
    assert fake.paths("HEAD") == []
    # Ranges count the bytes of an encoded body, and sizes those of a plain one.
    assert {seen.headers["accept-encoding"] for seen in fake.requests[1:]} == {"identity"}
    assert {path.name for path in Path(files.path).iterdir()} == SMALL
    assert (files.name, files.source, files.repo) == (REPO, "hub", REPO)
    assert files.commit == fake.commit(REPO) == Path(files.path).name
    assert files.config["model_type"] == "bert"
    assert not files.has_weights


def test_what_was_fetched_is_cached_and_not_asked_for_again(fake: FakeHub) -> None:
    assert hub_cache.cached(parse_name(REPO)) is None
    fetched = fetch()
    fake.requests.clear()
    cached = hub_cache.cached(parse_name(REPO))
    assert cached is not None
    assert cached.source == "cache"
    assert (cached.path, cached.commit) == (fetched.path, fetched.commit)
    assert cached.fingerprint == fetched.fingerprint
    by_commit = hub_cache.cached(parse_name(f"{REPO}@{fetched.commit}"))
    assert by_commit is not None
    assert by_commit.name == f"{REPO}@{fetched.commit}"
    assert hub_cache.cached(parse_name(f"{REPO}@v2")) is None
    assert fake.requests == []


def test_a_repository_that_has_moved_is_fetched_under_the_name_it_was_given(fake: FakeHub) -> None:
    assert fetch("tiny-bert").repo == "tiny-bert"
    assert hub_cache.cached(parse_name("tiny-bert")) is not None


def test_only_what_is_missing_is_fetched_again(fake: FakeHub) -> None:
    path = Path(fetch().path)
    for name in ("vocab.txt", "tokenizer.json"):
        (path / name).resolve().unlink()
    assert hub_cache.cached(parse_name(REPO)) is None
    fake.requests.clear()
    fetch()
    assert {name.rsplit("/", 1)[-1] for name in fake.paths()} == {"main", "vocab.txt", "tokenizer.json"}
    assert hub_cache.cached(parse_name(REPO)) is not None


def test_autotokenizer_reads_what_was_fetched_without_the_network(fake: FakeHub, home: Path) -> None:
    script = f"""
import json, sys
from encoder_tui.core.hub import cache as hub_cache
from encoder_tui.core.hub import fetch as hub
from encoder_tui.core.models.names import parse_name
name = parse_name({REPO!r})
assert hub_cache.cached(name) is None
assert hub_cache.cached_models() == []
assert "huggingface_hub" not in sys.modules, "looking into the cache must stay cheap"
files = hub.fetch(name, offline=False, progress=lambda *_: None)
from transformers import AutoConfig, AutoTokenizer
from huggingface_hub import constants, scan_cache_dir, try_to_load_from_cache
by_name = AutoTokenizer.from_pretrained(name.location, local_files_only=True)
by_commit = AutoTokenizer.from_pretrained(name.location, revision=files.commit, local_files_only=True)
AutoConfig.from_pretrained(name.location, local_files_only=True)
scan = scan_cache_dir()
print(json.dumps({{
    "ids": [by_name("Tiny tokens fly.").input_ids, by_commit("Tiny tokens fly.").input_ids],
    "cache": constants.HF_HUB_CACHE,
    "config": try_to_load_from_cache(name.location, "config.json"),
    "warnings": [str(warning) for warning in scan.warnings],
    "repos": [repo.repo_id for repo in scan.repos],
    "path": files.path,
}}))
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout)
    assert seen["ids"] == [[2, 5, 6, 8, 9, 3]] * 2
    assert seen["cache"] == str(hub_cache.cache_folder()) == str(home / "huggingface" / "hub")
    assert seen["config"] == f"{seen['path']}/config.json"
    assert seen["warnings"] == []
    assert seen["repos"] == [REPO]
    assert len(fake.requests) == 1 + len(SMALL)


def test_the_cache_is_where_huggingface_hub_looks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[dict[str, str]] = [
        {},
        {"XDG_CACHE_HOME": str(tmp_path / "xdg")},
        {"HF_HOME": "~/hf", "XDG_CACHE_HOME": str(tmp_path / "xdg")},
        {"HF_HOME": "/a", "HUGGINGFACE_HUB_CACHE": "/b"},
        {"HF_HOME": "/a", "HUGGINGFACE_HUB_CACHE": "/b", "HF_HUB_CACHE": "$HOME/c"},
    ]
    variables = ("HF_HOME", "HUGGINGFACE_HUB_CACHE", "HF_HUB_CACHE", "XDG_CACHE_HOME")
    script = f"""
import importlib, json, os
from huggingface_hub import constants
found = []
for place in {places!r}:
    for variable in {variables!r}:
        os.environ.pop(variable, None)
    os.environ.update(place)
    found.append(importlib.reload(constants).HF_HUB_CACHE)
print(json.dumps(found))
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    found = []
    for place in places:
        for variable in variables:
            monkeypatch.delenv(variable, raising=False)
        for variable, value in place.items():
            monkeypatch.setenv(variable, value)
        found.append(str(hub_cache.cache_folder()))
    assert found == json.loads(run.stdout)


def test_a_token_goes_to_the_hub_and_not_to_its_storage(fake: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    fake.large_suffixes = (".json",)
    fetch()
    stored = [seen for seen in fake.requests if seen.path.startswith("/storage/")]
    assert stored
    assert not any("authorization" in seen.headers for seen in stored)
    others = [seen for seen in fake.requests if not seen.path.startswith("/storage/")]
    assert all(seen.headers["authorization"] == "Bearer hf_secret" for seen in others)


def test_a_mirror_that_states_neither_sizes_nor_hashes_will_do(fake: FakeHub) -> None:
    fake.states_hashes = False
    fetch()
    assert hub_cache.cached(parse_name(REPO)) is not None


def test_progress_counts_the_bytes_of_all_files(fake: FakeHub, repository: Path) -> None:
    seen: list[tuple[str, int, int | None, str]] = []
    fetch(progress=lambda *event: seen.append(event))
    whole = sum((repository / name).stat().st_size for name in SMALL)
    counted = [event for event in seen if event[3] == "bytes"]
    assert {event[2] for event in counted} == {whole}
    assert [event[1] for event in counted] == sorted(event[1] for event in counted)
    assert {event[0] for event in counted} == {f"fetching {name}" for name in SMALL}


def test_a_download_that_is_cut_is_taken_up_where_it_broke_off(fake: FakeHub, repository: Path) -> None:
    fake.fault("*/tokenizer.json", "cut", times=1)
    files = fetch()
    half = (repository / "tokenizer.json").stat().st_size // 2
    assert ranges(fake, "tokenizer.json") == [None, f"bytes={half}-"]
    assert (Path(files.path) / "tokenizer.json").read_bytes() == (repository / "tokenizer.json").read_bytes()


def test_a_server_that_ignores_ranges_sends_the_whole_again(fake: FakeHub, repository: Path) -> None:
    fake.fault("*/vocab.txt", "cut", times=1)
    fake.fault("*/vocab.txt", "ignore range")
    assert (Path(fetch().path) / "vocab.txt").read_bytes() == (repository / "vocab.txt").read_bytes()


def test_a_slow_download_is_not_cut_short_by_the_patience_for_the_first_answer(
    fake: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "0.5")
    fake.fault("*/vocab.txt", "slow")
    assert fetch().source == "hub"


def test_another_program_that_fetches_the_same_file_is_waited_for(fake: FakeHub, repository: Path) -> None:
    from filelock import FileLock

    content = (repository / "vocab.txt").read_bytes()
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    folder = hub_cache.cache_folder() / ".locks" / "models--someone--tiny-bert"
    folder.mkdir(parents=True)
    lock = FileLock(folder / f"{blob}.lock")
    lock.acquire()
    seen: list[str] = []

    def release_when_waited_for(text: str, *_: object) -> None:
        seen.append(text)
        if text.startswith("waiting"):
            lock.release()

    fetch(progress=release_when_waited_for)
    assert "waiting for another program that is fetching vocab.txt" in seen


def test_a_file_system_without_links_gets_copies(fake: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    path = Path(fetch().path)
    assert not any(file.is_symlink() for file in path.iterdir())
    assert hub_cache.cached(parse_name(REPO)) is not None


@pytest.mark.parametrize(
    "name",
    ["../evil.json", "a/tokenizer.json", "a\\b.json", "C:x.json", "evil\x1b.json", "model.safetensors",
     "model.safetensors.index.json", "onnx_config.json", "README.txt", "tokenizer.py"],
)  # fmt: skip
def test_a_listed_name_that_is_no_tokenizer_file_here_is_passed_over(name: str) -> None:
    assert hub._is_wanted(RemoteFile("tokenizer.json"))
    assert not hub._is_wanted(RemoteFile(name))


def test_a_file_too_large_for_a_tokenizer_is_passed_over() -> None:
    assert hub._is_wanted(RemoteFile("tokenizer.json", 17 << 20))
    assert not hub._is_wanted(RemoteFile("tokenizer.json", 65 << 20))


@pytest.mark.parametrize("damage", ["ref", "no such commit", "no vocabulary", "no blob", "dead link"])
def test_a_cache_in_disorder_is_an_empty_one(fake: FakeHub, damage: str) -> None:
    path = Path(fetch().path)
    ref = path.parent.parent / "refs" / "main"
    if damage == "ref":
        ref.write_bytes(b"\xff\x00../..")
    elif damage == "no such commit":
        ref.write_text("0" * 40)
    elif damage == "no vocabulary":
        (path / "vocab.txt").unlink()
        (path / "tokenizer.json").unlink()
    elif damage == "no blob":
        (path / "config.json").resolve().unlink()
    else:
        (path / "config.json").unlink()
        (path / "config.json").symlink_to("nowhere")
    assert hub_cache.cached(parse_name(REPO)) is None
    assert hub_cache.cached_models() == []
    fetch()
    assert hub_cache.cached_models() == [REPO]


def test_cached_models_are_listed_by_their_last_use(fake: FakeHub, repository: Path) -> None:
    names = ["a/one", "b/two", "three"]
    for age, name in enumerate(names):
        fake.repos[name] = repository
        config = Path(fetch(name).path) / "config.json"
        os.utime(config, (1_700_000_000 - age, 1_600_000_000))
    (hub_cache.cache_folder() / "models--c--empty" / "refs").mkdir(parents=True)
    (hub_cache.cache_folder() / "datasets--d--set").mkdir()
    fake.requests.clear()
    assert hub_cache.cached_models() == names
    os.utime(Path(fetch("three").path) / "config.json", (1_800_000_000, 1_600_000_000))
    assert hub_cache.cached_models() == ["three", "a/one", "b/two"]


def test_without_a_cache_there_are_no_cached_models() -> None:
    assert hub_cache.cached_models() == []
