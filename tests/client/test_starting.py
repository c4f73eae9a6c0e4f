"""What comes before the first frame: banners, commands that are none, the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from encoder_tui.client.client import EngineError
from tests.support import fake_engine
from tests.support.engine_case import Start, clients, until


@pytest_asyncio.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Makes clients; see `clients`."""
    async with clients(tmp_path) as start_one:
        yield start_one


@pytest.mark.parametrize("banner", fake_engine.BANNERS)
async def test_what_a_login_shell_says_before_the_marker_is_skipped(start: Start, banner: str) -> None:
    client = start("banner", banner)
    assert await client.act("echo", "well") == "well"


async def test_a_command_that_talks_without_a_marker_is_given_up(start: Start) -> None:
    client = start("no marker")
    with pytest.raises(EngineError, match="no frame in its first megabyte"):
        await client.act("echo")
    assert client.state.status == "stopped"
    assert client.pid is None


async def test_nonsense_in_place_of_the_first_frame_is_not_tried_again(start: Start) -> None:
    client = start("nonsense at once")
    with pytest.raises(EngineError, match="an unreadable answer"):
        await client.act("echo")
    await until(lambda: client.statuses == ["starting", "stopped"])


async def test_an_engine_of_another_protocol_version_is_not_tried_again(start: Start) -> None:
    client = start("other version")
    with pytest.raises(EngineError, match=r"version 99\.0.*install the same version at both ends"):
        await client.act("echo")
    await until(lambda: client.statuses == ["starting", "stopped"])
    with pytest.raises(EngineError, match="install the same version"):
        await client.act("echo")


@pytest.mark.parametrize(
    ("last", "told"),
    [
        ("ssh: connect to host gpu-box port 22: Connection refused", None),
        ("escape \x1b]0;title\x07 sequences", "escape ␛]0;title␇ sequences"),
        ("x" * 100_000, "x" * 200),
    ],
    ids=["refused", "escapes", "long"],
)
async def test_a_command_that_ends_at_once_is_told_with_the_last_line_it_said(
    start: Start, last: str, told: str | None
) -> None:
    client = start("message", last)
    with pytest.raises(EngineError) as caught:
        await client.act("echo")
    assert str(caught.value) == f"the engine did not start: {told or last}"
    await until(lambda: client.statuses == ["starting", "stopped"])


async def test_a_command_that_ends_at_once_without_a_word_is_told_with_its_exit_code(start: Start) -> None:
    client = start(command="false")
    with pytest.raises(EngineError, match=r"^the engine did not start: exit code 1$"):
        await client.act("echo")


async def test_words_of_an_earlier_engine_are_not_taken_for_those_of_this_one(start: Start) -> None:
    client = start(command="sh -c 'exit 1'")
    client.log.parent.mkdir()
    client.log.write_text("an earlier engine's last words\n")
    with pytest.raises(EngineError, match=r"^the engine did not start: exit code 1$"):
        await client.act("echo")


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("", "the engine cannot be started: its command is empty"),
        ("   ", "the engine cannot be started: its command is empty"),
        ("''", "the engine cannot be started: '': "),
        ("ssh 'gpu-box", "the engine cannot be started: ssh 'gpu-box: No closing quotation"),
        ("/no/such/engine -x", "the engine cannot be started: /no/such/engine -x: No such file or directory"),
        ("/", "the engine cannot be started: /: Permission denied"),
        ("a\x00b", "the engine cannot be started: 'a␀b': embedded null byte"),
        ("caf\udce9/\n", "the engine cannot be started: 'caf\N{REPLACEMENT CHARACTER}/': "),
    ],
    ids=["empty", "blank", "no name", "unbalanced", "missing", "folder", "null", "surrogate"],
)
async def test_a_command_that_cannot_be_started_is_told_in_a_sentence(
    start: Start, command: str, sentence: str
) -> None:
    client = start(command=command)
    for _ in range(2):
        with pytest.raises(EngineError) as caught:
            await client.act("echo")
        assert str(caught.value).startswith(sentence)
        assert str(caught.value).isprintable()
    await until(lambda: client.statuses == ["starting", "stopped"])


async def test_two_first_requests_hear_of_a_command_that_cannot_be_started(start: Start) -> None:
    client = start(command="/no/such/engine")
    errors = await asyncio.gather(client.act("echo"), client.act("echo"), return_exceptions=True)
    assert [type(error) for error in errors] == [EngineError, EngineError]
    assert client.statuses.count("starting") == 1


async def test_what_the_engine_prints_is_in_a_log_for_the_user_alone(start: Start) -> None:
    client = start()
    await client.act("chatter")
    assert "said by C" in client.log.read_text()
    assert client.log.stat().st_mode & 0o777 == 0o600


async def test_a_log_that_cannot_be_written_is_no_error(tmp_path: Path, start: Start) -> None:
    (tmp_path / "file").touch()
    client = start()
    client.log = tmp_path / "file" / "log"
    assert await client.act("echo", "well") == "well"
    with pytest.raises(EngineError, match="SIGKILL"):
        await client.act("die", "SIGKILL")
