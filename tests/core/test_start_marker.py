"""Whether the last start died: what a marker says, and whose."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from encoder_tui.core import start_marker
from encoder_tui.core.start_marker import Process, StartMarker, started


def marker_of(folder: Path, **changes: object) -> Path:
    """A marker as another window left it."""
    process = {"machine": start_marker.platform.node(), "pid": os.getpid(), "started": started(os.getpid()), **changes}
    path = folder / f"starting-{process['pid']}.json"
    path.write_bytes(msgspec.json.encode(process))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    return folder


def test_a_process_that_died_with_its_marker_is_found_once(folder: Path) -> None:
    script = "import os, sys; from pathlib import Path; from encoder_tui.core.start_marker import StartMarker\n"
    script += "StartMarker(Path(sys.argv[1])).write(); os.abort()"
    subprocess.run([sys.executable, "-c", script, str(folder)], check=False)
    (path,) = folder.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert StartMarker(folder).found_dead()
    assert not StartMarker(folder).found_dead()
    assert list(folder.iterdir()) == []


def test_a_window_that_is_still_open_has_not_died(folder: Path) -> None:
    mine = StartMarker(folder)
    mine.write()
    assert not StartMarker(folder).found_dead()
    mine.remove()
    assert list(folder.iterdir()) == []


def test_another_process_with_the_same_number_is_another(folder: Path) -> None:
    marker_of(folder, started="1")
    assert StartMarker(folder).found_dead()


def test_a_process_of_another_machine_is_left_alone(folder: Path) -> None:
    path = marker_of(folder, machine="elsewhere", started="1")
    assert not StartMarker(folder).found_dead()
    assert path.exists()


def test_what_is_no_marker_says_nothing(folder: Path) -> None:
    (folder / "starting-1.json").write_bytes(b"\xff")
    os.mkfifo(folder / "starting-2.json")
    assert not StartMarker(folder).found_dead()


def test_a_folder_that_others_may_write_is_neither_read_nor_written(folder: Path) -> None:
    marker_of(folder, started="1")
    folder.chmod(0o777)
    assert not StartMarker(folder).found_dead()
    StartMarker(folder).write()
    assert len(list(folder.iterdir())) == 1


def test_where_processes_cannot_be_looked_up_their_number_must_do(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Process(start_marker.platform.node(), os.getpid(), started(os.getpid())).lives()
    assert start_marker._by_signal(os.getpid()) == start_marker._by_signal(1) == "lives"
    assert start_marker._by_signal(2**22 + 1) == ""
