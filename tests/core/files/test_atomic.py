"""Files are written beside their place under names that nobody can guess, and planted links lead nowhere."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from encoder_tui.core.files import atomic
from encoder_tui.core.files.atomic import AtomicFile, FileExistsAlready, write_private, write_whole
from encoder_tui.core.files.cache import DiskCache
from encoder_tui.core.files.private import open_file, private_folder
from encoder_tui.core.last_session import Memory, read
from encoder_tui.core.timing.files import bring_back, save
from tests.core.timing.test_run import measured

OLD, NEW = b"what was there before", b"what is written"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of its own: the home that every test has is beside it."""
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file elsewhere that no write may reach."""
    path = tmp_path / "victim"
    path.write_bytes(OLD)
    return path


def write_report(path: Path) -> None:
    with AtomicFile(path) as file:
        file.write(NEW)


def write_dialog(path: Path) -> None:
    write_whole(path, NEW, replace=True)


SAVING = pytest.mark.parametrize("write", [write_report, write_dialog])
"""The two ways in which what a user saves is written: piece by piece, and all at once."""


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_names_that_could_be_guessed_are_not_used(folder: Path, victim: Path) -> None:
    planted = [folder / f"{dot}out.md.{os.getpid()}.tmp" for dot in (".", "")]
    for link in planted:
        link.symlink_to(victim)
    write_report(folder / "out.md")
    write_private(folder / "out.md", NEW)
    assert victim.read_bytes() == OLD
    assert (folder / "out.md").read_bytes() == NEW
    assert sorted(folder.iterdir()) == sorted([*planted, folder / "out.md"])


def test_a_link_under_the_very_name_is_not_followed(
    folder: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda _: "guessed")
    for target in (victim, victim.with_name("made")):
        (folder / ".out.md.guessed.tmp").unlink(missing_ok=True)
        (folder / ".out.md.guessed.tmp").symlink_to(target)
        for write in (write_report, write_dialog, lambda path: write_private(path, NEW)):
            with pytest.raises(FileExistsError):
                write(folder / "out.md")
    assert victim.read_bytes() == OLD
    assert not victim.with_name("made").exists()


@SAVING
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_a_file_that_is_replaced_keeps_its_permissions(folder: Path, write: Callable[[Path], None], mode: int) -> None:
    path = folder / "out.md"
    path.write_bytes(OLD)
    path.chmod(mode)
    write(path)
    assert (permissions(path), path.read_bytes()) == (mode, NEW)


@SAVING
def test_no_one_else_can_read_the_new_content_of_a_secret_file_meanwhile(
    folder: Path, write: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "out.md"
    path.write_bytes(OLD)
    path.chmod(0o600)
    seen: list[int] = []
    before = os.open

    def opened(name: Path, flags: int, mode: int = 0o777) -> int:
        descriptor = before(name, flags, mode)
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return descriptor

    monkeypatch.setattr(os, "open", opened)
    write(path)
    assert seen == [0o600]


@SAVING
def test_a_new_file_has_the_permissions_that_the_user_gives_new_files(
    folder: Path, write: Callable[[Path], None]
) -> None:
    before = os.umask(0o027)
    try:
        write(folder / "out.md")
    finally:
        os.umask(before)
    assert permissions(folder / "out.md") == 0o640


@SAVING
def test_a_link_stays_and_the_file_that_it_names_is_written(
    folder: Path, victim: Path, write: Callable[[Path], None]
) -> None:
    (folder / "second").symlink_to(victim)
    (folder / "first").symlink_to("second")
    victim.chmod(0o600)
    write(folder / "first")
    assert (folder / "first").is_symlink()
    assert (victim.read_bytes(), permissions(victim)) == (NEW, 0o600)


@SAVING
def test_another_users_link_is_refused(
    folder: Path, victim: Path, write: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "out.md").symlink_to(victim)
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    monkeypatch.setattr(atomic, "TRUSTED", frozenset())
    with pytest.raises(PermissionError, match="it is a link that belongs to another user"):
        write(folder / "out.md")
    assert victim.read_bytes() == OLD


@SAVING
def test_a_link_to_nothing_or_in_a_circle_is_refused(folder: Path, write: Callable[[Path], None]) -> None:
    (folder / "nothing").symlink_to(folder / "made")
    (folder / "circle").symlink_to("circle")
    with pytest.raises(FileNotFoundError, match="a link to a file that does not exist"):
        write(folder / "nothing")
    with pytest.raises(OSError, match="symbolic links"):
        write(folder / "circle")
    assert sorted(path.name for path in folder.iterdir()) == ["circle", "nothing"]


@SAVING
@pytest.mark.parametrize("through_a_link", [False, True])
def test_what_is_no_file_keeps_its_place(folder: Path, write: Callable[[Path], None], through_a_link: bool) -> None:
    os.mkfifo(folder / "pipe")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(folder / "socket"))
    (folder / "device").symlink_to(os.devnull)
    for name in ("pipe", "socket", "device"):
        path = folder / name
        if through_a_link:
            path = folder / f"link to {name}"
            path.symlink_to(name)
        before = path.stat()
        with pytest.raises(OSError, match="it exists and is not a regular file"):
            write(path)
        assert os.path.samestat(before, path.stat())
    with pytest.raises(IsADirectoryError):
        write(folder)
    listening.close()


def test_a_file_that_somebody_makes_meanwhile_is_not_replaced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "out.md"
    for has_hard_links in (True, False):
        path.unlink(missing_ok=True)
        if not has_hard_links:
            monkeypatch.setattr(Path, "hardlink_to", lambda *_: (_ for _ in ()).throw(PermissionError(1, "no links")))
        with pytest.raises(FileExistsAlready), AtomicFile(path, replace=False) as file:  # noqa: PT012
            file.write(NEW)
            path.write_bytes(OLD)
        assert path.read_bytes() == OLD
        path.unlink()
        write_whole(path, NEW)
        assert path.read_bytes() == NEW
        with pytest.raises(FileExistsAlready):
            write_whole(path, OLD)
    assert [*folder.iterdir()] == [path]


def test_nothing_is_left_after_a_cancellation(folder: Path) -> None:
    async def saving() -> None:
        with AtomicFile(folder / "out.md") as file:
            await asyncio.to_thread(file.write, NEW)
            await asyncio.sleep(60)

    async def cancelled() -> None:
        task = asyncio.ensure_future(saving())
        while not [*folder.iterdir()]:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert [*folder.iterdir()] == []


def test_the_longest_name_can_be_written(folder: Path) -> None:
    path = folder / ("\N{PILE OF POO}" * 63)
    write_report(path)
    assert path.read_bytes() == NEW


def test_the_programs_own_files_take_a_planted_links_place(folder: Path, victim: Path) -> None:
    run = measured()
    path = save(run, folder / "runs")
    path.unlink()
    path.symlink_to(victim.with_name("made"))
    assert save(run, folder / "runs") == path
    cache = DiskCache(folder / "cache", str, "kind", ())
    (folder / "cache").mkdir(mode=0o700)
    cache._path("a", {}).symlink_to(victim)
    cache.put("a", {}, "value")
    session = folder / "state" / "session.json"
    session.parent.mkdir(mode=0o700)
    session.symlink_to(victim)
    session.with_suffix(".lock").symlink_to(victim.with_name("made"))
    memory = Memory(session)
    memory.remember(text="new")
    memory.write()
    deleted = folder / "runs" / "deleted.jsonl"
    bring_back(deleted, NEW)
    for own in (path, cache._path("a", {}), session, deleted):
        assert (own.is_symlink(), permissions(own)) == (False, 0o600)
    assert (cache.get("a", {}), Memory(session).state.text) == ("value", "new")
    assert victim.read_bytes() == OLD
    assert not victim.with_name("made").exists()


@pytest.mark.parametrize("flags", [os.O_WRONLY, os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_APPEND | os.O_CREAT])
def test_a_file_opened_for_writing_is_not_reached_through_a_link(folder: Path, victim: Path, flags: int) -> None:
    for target in (victim, victim.with_name("made")):
        link = folder / "engine.log"
        link.symlink_to(target)
        with pytest.raises(OSError, match="it is a link"):
            open_file(link, flags)
        link.unlink()
    assert not victim.with_name("made").exists()


def test_a_state_folder_that_others_may_write_is_refused(folder: Path) -> None:
    session = folder / "session.json"
    memory = Memory(session)
    memory.remember(text="before")
    memory.write()
    for mode in (0o770, 0o707, 0o777):
        folder.chmod(mode)
        with pytest.raises(PermissionError, match="forbid it with chmod go-w"):
            private_folder(folder)
        state, why = read(session)
        assert state.text is None
        assert (
            why == f"the last session cannot be restored: {session} cannot be read: others may write to {folder};"
            " forbid it with chmod go-w"
        )
        memory = Memory(session)
        memory.remember(text="new")
        memory.write()
        assert "others may write" in memory.complaint
        cache = DiskCache(folder, str, "kind", ())
        cache.put("a", {}, "value")
        assert "others may write" in (cache.complaint or "")
    folder.chmod(0o755)
    assert read(session)[0].text == "before"
    assert [path.name for path in folder.iterdir() if path.suffix == ".msgpack"] == []


def test_a_state_folder_of_another_user_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user = os.geteuid()
    cache = DiskCache(folder, str, "kind", ())
    cache.put("a", {}, "value")
    assert cache.get("a", {}) == "value"
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    with pytest.raises(PermissionError, match="here belongs to another user"):
        private_folder(folder)
    assert cache.get("a", {}) is None
