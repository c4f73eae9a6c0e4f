"""A full disk, a folder that cannot be written: what was there before is there still, and a sentence says why."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from encoder_tui.client.client import EngineClient, EngineError
from encoder_tui.client.process import LONGEST_LOG, open_log
from encoder_tui.client.saving import save_outputs
from encoder_tui.core.files.atomic import AtomicFile
from encoder_tui.core.files.cache import DiskCache
from encoder_tui.core.files.typed_paths import typed_path
from encoder_tui.core.models.placement import InForce
from encoder_tui.core.outputs.runs import OutputFacts, RunAnswer, Values
from encoder_tui.core.timing.files import FileProblem, bring_back, delete, save
from encoder_tui.protocol.outputs import ValuesRequest
from encoder_tui.window.terminal.screen_guard import REPORTS, write_crash_report
from tests.core.timing.test_run import measured

OLD = b"what was there before"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of its own: the home that every test has is beside it."""
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


@contextmanager
def full_disk(room: int = 512) -> Iterator[None]:
    """No file of this process grows beyond so many bytes, as on a disk without room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class Engine:
    """Hands out zeros, or ends in the middle."""

    def __init__(self, dies: bool = False) -> None:
        self.dies = dies

    async def run(self, task: object, request: ValuesRequest) -> Values:
        if self.dies and request.start:
            raise EngineError("the engine was killed")
        assert request.stop is not None
        return Values("float32", [4096], bytes(4 * (request.stop - request.start)))


def save_zeros(path: Path, answer: RunAnswer, dies: bool = False) -> None:
    asyncio.run(save_outputs(cast(EngineClient, Engine(dies)), path, {0: ("a model", answer)}))


@pytest.fixture
def answer() -> RunAnswer:
    facts = OutputFacts("last_hidden_state", [4096], "float32", "cpu", 0.0, 0.0, 0.0, 0.0)
    return RunAnswer(InForce("cpu", "float32", "sdpa", "random", 1), [facts])


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_outputs_saved_to_a_full_disk_leave_the_old_file(folder: Path, answer: RunAnswer, suffix: str) -> None:
    path = folder / f"outputs{suffix}"
    path.write_bytes(OLD)
    with full_disk(), pytest.raises(OSError, match="File too large"):
        save_zeros(path, answer)
    assert path.read_bytes() == OLD
    assert [*folder.iterdir()] == [path]
    save_zeros(path, answer)
    assert path.stat().st_size > 16_384


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
def test_an_engine_that_dies_while_outputs_are_saved_leaves_the_old_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, answer: RunAnswer, suffix: str
) -> None:
    monkeypatch.setattr("encoder_tui.client.saving.PIECE", 4_096)
    path = folder / f"outputs{suffix}"
    path.write_bytes(OLD)
    with pytest.raises(EngineError):
        save_zeros(path, answer, dies=True)
    assert path.read_bytes() == OLD
    assert [*folder.iterdir()] == [path]


def test_an_atomic_file_is_whole_or_not_there(folder: Path) -> None:
    path = folder / "file"
    with full_disk(), pytest.raises(OSError), AtomicFile(path) as file:  # noqa: PT012
        file.write(bytes(100))
        file.write(bytes(100_000))
    assert [*folder.iterdir()] == []


def test_an_atomic_file_follows_a_link_and_takes_no_pipes_place(folder: Path) -> None:
    path, link, pipe = folder / "file", folder / "link", folder / "pipe"
    path.write_bytes(OLD)
    link.symlink_to(path)
    with AtomicFile(link) as file:
        file.write(b"new")
    assert (path.read_bytes(), link.is_symlink()) == (b"new", True)
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="is not a regular file"), AtomicFile(pipe) as file:
        file.write(b"new")
    assert pipe.is_fifo()
    assert sorted(folder.iterdir()) == [path, link, pipe]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_ended_by_a_signal_while_it_saves_leaves_no_half_file(
    folder: Path, number: signal.Signals
) -> None:
    pytest.importorskip("torch")
    path = folder / "outputs.safetensors"
    command = [sys.executable, "-m", "encoder_tui", "-m", "builtin:bert", "run", "word " * 500, "--save", str(path)]
    with subprocess.Popen([*command, "--attentions", "--hidden-states"], stdout=subprocess.DEVNULL) as running:
        deadline = time.monotonic() + 120
        while not list(folder.glob(".outputs*")):
            assert time.monotonic() < deadline
            assert running.poll() is None
            time.sleep(0.005)
        running.send_signal(number)
        assert running.wait(30) == 128 + number
    assert list(folder.iterdir()) == []


def test_a_run_that_cannot_be_kept_is_a_sentence_and_no_half_file(folder: Path) -> None:
    with full_disk(), pytest.raises(FileProblem, match=r"cannot be saved in .*File too large"):
        save(measured(), folder / "timing")
    assert [*(folder / "timing").iterdir()] == []
    (folder / "a file").write_text("")
    with pytest.raises(FileProblem, match="cannot be saved in"):
        save(measured(), folder / "a file" / "timing")


def test_a_run_that_is_brought_back_is_whole_or_not_there_and_takes_no_file_s_place(folder: Path) -> None:
    path = save(measured(), folder)
    content = delete(path)
    with full_disk(), pytest.raises(FileProblem, match=rf"{path.name} cannot be written: File too large"):
        bring_back(path, content)
    assert [*folder.iterdir()] == []
    path.write_bytes(OLD)
    with pytest.raises(FileProblem, match=rf"{path.name} cannot be written: File exists"):
        bring_back(path, content)
    assert path.read_bytes() == OLD
    path.unlink()
    bring_back(path, content)
    assert [*folder.iterdir()] == [path]
    assert path.read_bytes() == content


def test_a_cache_without_room_complains_and_is_no_error(folder: Path) -> None:
    cache = DiskCache(folder / "cache", str, "texts 1", [])
    with full_disk():
        cache.put("one", {}, "x" * 10_000)
    assert cache.complaint is not None
    assert "cannot be written: File too large" in cache.complaint
    assert cache.get("one", {}) is None
    assert [*(folder / "cache").iterdir()] == []
    cache.put("one", {}, "x" * 10_000)
    assert cache.get("one", {}) == "x" * 10_000


def test_a_crash_report_that_cannot_be_written_is_none_and_old_ones_make_room(folder: Path) -> None:
    (folder / "a file").write_text("")
    assert write_crash_report(ValueError(), folder / "a file" / "log") is None
    reports = [write_crash_report(ValueError("a secret"), folder / "log") for _ in range(REPORTS + 3)]
    assert None not in reports
    assert len([*(folder / "log").iterdir()]) == REPORTS
    assert all(b"secret" not in path.read_bytes() for path in (folder / "log").iterdir())


def test_a_log_is_private_and_never_grows_without_bound(folder: Path) -> None:
    log = folder / "logs" / "engine.log"
    for round_ in range(4):
        descriptor = open_log(log)
        os.write(descriptor, bytes([48 + round_]) * (LONGEST_LOG + 1))
        os.close(descriptor)
    assert sorted(path.name for path in log.parent.iterdir()) == ["engine.log", "engine.log.1"]
    assert log.read_bytes()[:1] == b"3"
    assert log.parent.stat().st_mode & 0o777 == 0o700
    log.chmod(0o644)
    os.close(open_log(log))
    assert log.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["~nobody-of-this-name/x", "nul\0", "\ud800"])
def test_a_path_that_can_be_none_is_an_error_of_the_disk(text: str) -> None:
    with pytest.raises(OSError):
        typed_path(text)


def test_a_typed_path_is_followed_home(home: Path) -> None:
    assert typed_path(" ~/x ") == home / "x"


def test_a_link_in_the_place_of_a_log_is_neither_followed_nor_are_its_permissions_changed(folder: Path) -> None:
    mine = folder / "mine"
    mine.write_text("mine")
    mine.chmod(0o644)
    (folder / "logs").mkdir(mode=0o700)
    log = folder / "logs" / "engine.log"
    log.symlink_to(mine)
    with pytest.raises(OSError, match="it is a link"):
        open_log(log)
    assert (mine.read_text(), mine.stat().st_mode & 0o777) == ("mine", 0o644)


def test_a_log_folder_that_others_may_write_is_refused(folder: Path) -> None:
    (folder / "logs").mkdir()
    (folder / "logs").chmod(0o777)
    with pytest.raises(PermissionError, match="others may write"):
        open_log(folder / "logs" / "engine.log")
