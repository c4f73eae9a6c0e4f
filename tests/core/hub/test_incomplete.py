"""A tokenizer in the cache without its settings: completed where the Hub can be asked, told where it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from encoder_tui.core.hub import cache as hub_cache
from encoder_tui.core.models.names import parse_name
from encoder_tui.core.settings import Settings
from encoder_tui.engine.job import Job
from encoder_tui.engine.operations import files as task
from encoder_tui.protocol.models import FilesAnswer, FilesRequest
from encoder_tui.window.app import EncoderApp
from tests.support.command_case import call
from tests.support.fake_hub import FakeHub
from tests.support.hub_case import REPO, fetch
from tests.support.still import until

REMARK = f"{REPO}: the cache holds no tokenizer_config.json and none can be fetched now, so the tokens may be wrong"


@pytest.fixture
def settings(fake: FakeHub) -> Path:
    """The file that another program did not fetch."""
    missing = Path(fetch().path) / "tokenizer_config.json"
    missing.unlink()
    return missing


def found(name: str = REPO, offline: bool = False) -> FilesAnswer:
    return task.run(FilesRequest(name, offline), Job(1, lambda message: None))


@pytest.mark.parametrize("revision", ["", "@main"])
def test_a_tokenizer_that_another_program_left_without_its_settings_is_completed(settings: Path, revision: str) -> None:
    name = parse_name(REPO + revision)
    assert hub_cache.cached(name) is None
    assert hub_cache.cached(name, needs_tokenizer=False) is not None
    assert hub_cache.cached_models() == [REPO]
    answer = found(name.text)
    assert settings.is_file()
    assert (answer.files.tokenizer_config["model_max_length"], answer.remark) == (64, "")
    assert hub_cache.cached(name) is not None


@pytest.mark.parametrize("offline", [True, False])
def test_without_the_hub_it_serves_as_it_is_with_a_remark(settings: Path, fake: FakeHub, offline: bool) -> None:
    fake.fault("*", "503")
    answer = found(offline=offline)
    assert answer.files.source == "cache"
    assert answer.remark == f"{REMARK}; go online once"


def test_a_repository_that_has_no_settings_is_asked_for_them_once(fake: FakeHub, repository: Path) -> None:
    from huggingface_hub import _CACHED_NO_EXIST, try_to_load_from_cache

    (repository / "tokenizer_config.json").unlink()
    fetched = fetch()
    cached = hub_cache.cached(parse_name(REPO))
    assert cached is not None
    assert cached.path == fetched.path
    known = try_to_load_from_cache(REPO, "tokenizer_config.json", hub_cache.cache_folder(), fetched.commit)
    assert known is _CACHED_NO_EXIST


def test_a_command_tells_the_remark_on_stderr(settings: Path) -> None:
    done = call("tokens", "Tiny tokens", "-m", REPO, "--offline")
    assert done.code == 0
    assert done.remarks == [f"encoder-tui: {REMARK}; go online once"]


async def test_the_window_tells_the_remark_in_passing(settings: Path) -> None:
    app = EncoderApp(Settings(model=(REPO,), text="Tiny tokens", offline=True))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.session.slots[0].state == "exact", 60)
        await until(pilot, lambda: any(REMARK in told.message for told in app._notifications))
