"""Files of the program's own, and what may stand in their places."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from encoder_tui.client.process import open_log
from encoder_tui.core.files.cache import DiskCache
from encoder_tui.core.files.private import read_file
from encoder_tui.core.last_session import Memory, aside, read
from encoder_tui.core.settings import SettingsError, config_path, load, log_path
from encoder_tui.core.timing.files import FileProblem, delete
from encoder_tui.core.timing.files import load as load_run

ENDLESS = "/dev/zero"
MAKE: dict[str, Callable[[Path], None]] = {"pipe": os.mkfifo, "device": lambda path: path.symlink_to(ENDLESS)}

pytestmark = pytest.mark.skipif(not Path(ENDLESS).exists(), reason="the system has no such device")


@pytest.fixture(params=MAKE)
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A pipe to which nobody writes, or a link to a device that has no end."""
    path = tmp_path / "odd.json"
    MAKE[request.param](path)
    return path


def test_it_is_no_file_to_read(odd: Path) -> None:
    with pytest.raises(OSError, match="it is not a regular file"):
        read_file(odd)


def test_a_remembered_session_does_not_come_back_from_it_and_the_next_is_kept(odd: Path) -> None:
    state, why = read(odd)
    assert state == Memory(None).state
    assert why == f"the last session cannot be restored: {odd} cannot be read: it is not a regular file"
    memory = Memory(odd)
    memory.remember(text="new")
    memory.write()
    assert Memory(odd).state.text == "new"
    assert aside(odd).is_symlink() or aside(odd).is_fifo()


def test_a_session_is_kept_where_the_lock_is_one(odd: Path) -> None:
    memory = Memory(odd.with_name("session.json"))
    odd.rename(odd.with_name("session.lock"))
    memory.remember(text="new")
    memory.write()
    assert Memory(odd.with_name("session.json")).state.text == "new"


def test_settings_are_not_read_from_it(odd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCODER_TUI_CONFIG", str(odd))
    assert config_path() == odd
    with pytest.raises(SettingsError, match="cannot be read: it is not a regular file"):
        load({})


def test_the_null_device_is_an_empty_configuration_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCODER_TUI_CONFIG", os.devnull)
    assert load({}).model == ()


def test_a_log_is_not_written_into_it(odd: Path) -> None:
    with pytest.raises(OSError):
        open_log(odd)


def test_a_log_that_is_the_null_device_leaves_it_to_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "engine.log"
    log.symlink_to(os.devnull)
    modes: list[int] = []
    monkeypatch.setattr(os, "fchmod", lambda _, mode: modes.append(mode))
    os.close(open_log(log))
    assert modes == []
    os.close(open_log(tmp_path / "another.log"))
    assert modes == [0o600]


def test_no_run_is_read_from_it(odd: Path) -> None:
    for of in (load_run, delete):
        with pytest.raises(FileProblem, match="it is not a regular file"):
            of(odd)


def test_a_cache_has_nothing_in_it(odd: Path) -> None:
    cache = DiskCache(odd.parent, str, "kind", ())
    odd.rename(cache._path("a", {}))
    assert cache.get("a", {}) is None


def test_a_command_does_its_work_where_the_log_is_one(odd: Path) -> None:
    log_path().mkdir(parents=True)
    odd.rename(log_path() / "engine.log")
    command = [sys.executable, "-m", "encoder_tui", "tokens", "-m", "builtin:bert", "x"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
