"""What comes back at the next start: the file, and what may happen to it."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder_tui.core.last_session import LARGEST, VERSION, Memory, absolute, aside, forget, read
from tests.support.texts import HARD


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "session.json"


def after(path: Path) -> Memory:
    """The memory of the next start."""
    return Memory(path)


@pytest.mark.parametrize("text", [*HARD, "\ud800 alone", "", "a\r\nb\n"])
def test_any_text_comes_back_as_it_was(path: Path, text: str) -> None:
    memory = Memory(path)
    memory.remember(text=text)
    memory.write()
    # Two lone surrogates that make a pair are the character that they should have been.
    assert after(path).state.text == text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def test_the_file_and_its_folder_are_the_users_alone(path: Path) -> None:
    memory = Memory(path)
    memory.remember(text="mine")
    memory.write()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [one.name for one in path.parent.iterdir() if one.suffix not in {".json", ".lock"}] == []


def test_nothing_is_written_where_nothing_was_changed(path: Path) -> None:
    Memory(path).write()
    assert not path.parent.exists()


def test_without_a_path_nothing_is_read_or_written(path: Path) -> None:
    memory = Memory(None)
    memory.remember(text="mine")
    memory.write()
    assert not path.parent.exists()
    assert memory.state.text == "mine"


@given(
    content=st.binary(max_size=200) | st.sampled_from([b"null", b"[]", b"{}", b'{"version":1,"text":3}', b"[" * 9999])
)
def test_a_damaged_file_is_ignored_with_a_sentence(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("state") / "session.json"
    path.write_bytes(content)
    state, why = read(path)
    assert state == Memory(None).state
    assert "cannot be restored" in why
    assert "\n" not in why


def test_the_file_of_another_version_is_put_aside_and_not_lost(path: Path) -> None:
    path.parent.mkdir()
    newer = json.dumps({"version": VERSION + 1, "text": "of the newer program"})
    path.write_text(newer)
    memory = Memory(path)
    assert f"has version {VERSION + 1}" in memory.complaint
    memory.remember(text="of this one")
    memory.write()
    assert after(path).state.text == "of this one"
    assert aside(path).read_text() == newer


def test_a_text_that_is_too_large_is_told_and_the_one_before_it_stays(path: Path) -> None:
    memory = Memory(path)
    memory.remember(text="small")
    memory.write()
    memory.remember(text="ü" * (LARGEST // 2 + 1), pane="timing")
    memory.write()
    assert "more than 1 MB" in memory.complaint
    assert (after(path).state.text, after(path).state.pane) == ("small", "timing")


def test_two_windows_keep_what_each_of_them_changed(path: Path) -> None:
    first, second = Memory(path), Memory(path)
    first.remember(pane="timing")
    second.remember(model=["builtin:bert"])
    first.use("recent_models", "a/b")
    second.use("recent_models", "c/d")
    first.write()
    second.write()
    state = after(path).state
    assert (state.pane, state.model) == ("timing", ["builtin:bert"])
    assert set(state.recent_models) == {"a/b", "c/d"}


def test_a_text_that_another_window_left_becomes_an_earlier_one(path: Path) -> None:
    first, second = Memory(path), Memory(path)
    first.remember(text="of the first window")
    first.write()
    second.remember(text="of the second")
    second.write()
    second.remember(text="of the second, longer")
    second.write()
    state = after(path).state
    assert (state.text, state.earlier_texts) == ("of the second, longer", ["of the first window"])


def test_the_text_before_one_on_the_command_line_becomes_an_earlier_one_when_that_is_changed(path: Path) -> None:
    before = Memory(path)
    before.remember(text="a long work")
    before.write()
    given = Memory(path)
    given.give_text()
    given.write()
    assert after(path).state.text == "a long work"
    given.remember(text="given, and changed")
    given.write()
    assert after(path).state.earlier_texts == ["a long work"]


def test_an_earlier_text_changes_places_with_the_one_at_hand(path: Path) -> None:
    memory = Memory(path)
    memory.remember(text="now", earlier_texts=["then", "long ago"])
    memory.write()
    memory.take_earlier("long ago", instead_of="now")
    memory.write()
    assert (after(path).state.text, after(path).state.earlier_texts) == ("long ago", ["now", "then"])


def test_windows_that_write_at_once_leave_a_whole_file_with_all_changes(path: Path) -> None:
    memories = [Memory(path) for _ in range(8)]

    def work(number: int) -> None:
        for step in range(5):
            memories[number].use("recent_sources", f"{number}-{step}")
            memories[number].remember(text=f"text {number}")
            memories[number].write()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state, why = read(path)
    assert why == ""
    assert {state.text, *state.earlier_texts} <= {f"text {number}" for number in range(8)}
    assert len(state.earlier_texts) == 5
    assert not list(path.parent.glob(".*"))


def test_a_folder_that_cannot_be_written_is_told_once_and_tried_again(path: Path) -> None:
    path.parent.parent.joinpath("state").write_text("a file in the folder's place")
    memory = Memory(path)
    memory.remember(text="mine")
    memory.write()
    assert "cannot be saved" in memory.complaint
    memory.complaint = ""
    memory.write()
    assert memory.complaint == ""
    path.parent.unlink()
    memory.write()
    assert after(path).state.text == "mine"


def test_forgetting_leaves_nothing(path: Path) -> None:
    assert not forget(path)
    memory = Memory(path)
    memory.remember(text="mine")
    memory.write()
    assert forget(path)
    assert list(path.parent.iterdir()) == []


def test_a_file_named_from_here_is_found_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rows.jsonl").touch()
    monkeypatch.chdir(tmp_path)
    assert absolute("rows.jsonl") == str(tmp_path / "rows.jsonl")
    assert absolute("sentence-transformers/mldr:en-triplet:train") == "sentence-transformers/mldr:en-triplet:train"
