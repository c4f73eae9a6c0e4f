"""An engine that dies, or that stops making sense, and the one that takes its place."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from encoder_tui.client import state as state_module
from encoder_tui.client.client import EngineError
from tests.support.engine_case import PATIENCE, Start, clients, death_of, until


@pytest_asyncio.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Makes clients; see `clients`."""
    async with clients(tmp_path) as start_one:
        yield start_one


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
async def test_an_engine_that_dies_idle_is_started_again(start: Start, number: signal.Signals) -> None:
    client = start()
    assert await client.act("echo", "before") == "before"
    pid = client.pid
    assert pid is not None
    os.kill(pid, number)
    await death_of(client, pid)
    died = [state.text for state in client.states if state.status == "died"]
    assert len(died) == 1
    assert number.name in died[0]
    assert await client.act("echo", "after") == "after"


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (signal.SIGKILL, "the engine was killed (SIGKILL; perhaps the machine ran out of memory)"),
        (signal.SIGSEGV, "the engine crashed (SIGSEGV)"),
    ],
)
async def test_a_request_under_way_when_the_engine_dies_is_an_error_with_the_reason(
    start: Start, number: signal.Signals, sentence: str
) -> None:
    client = start()
    waiting = asyncio.gather(client.act("die", number.name), client.act("echo"), return_exceptions=True)
    errors = await waiting
    assert [(type(error), str(error)) for error in errors] == [(EngineError, sentence)] * 2
    assert await client.act("echo", "after") == "after"


async def test_the_third_death_within_a_minute_is_the_last_until_the_user_restarts(start: Start) -> None:
    client = start()
    for _ in range(state_module.DEATHS_ALLOWED):
        with pytest.raises(EngineError, match="SIGKILL"):
            await client.act("die", "SIGKILL")
    await until(lambda: client.states[-1].status == "stopped")
    assert client.state.text == (
        "the engine was killed (SIGKILL; perhaps the machine ran out of memory); "
        "it died three times in a minute and is not started again"
    )
    assert client.pid is None
    with pytest.raises(EngineError, match="three times in a minute"):
        await client.act("echo")

    await client.restart()
    assert await client.act("echo", "again") == "again"
    with pytest.raises(EngineError, match="SIGKILL"):
        await client.act("die", "SIGKILL")
    assert await client.act("echo", "and again") == "and again"


async def test_deaths_far_apart_do_not_add_up(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "DEATHS_WINDOW", 0.0)
    client = start()
    for _ in range(state_module.DEATHS_ALLOWED + 1):
        with pytest.raises(EngineError):
            await client.act("die", "SIGKILL")
    assert await client.act("echo", "well") == "well"


async def test_a_restart_by_wish_gives_another_process_and_tells_those_who_waited(start: Start) -> None:
    client = start()
    task = await client.begin("sleep")
    pid = client.pid
    await client.restart()
    with pytest.raises(EngineError, match="the engine was restarted"):
        await task
    assert await client.act("pid") == str(client.pid)
    assert client.pid != pid
    assert client.statuses.count("starting") == 2


async def test_a_restart_starts_an_engine_that_was_never_started(start: Start) -> None:
    client = start()
    await client.restart()
    assert await client.act("echo", "well") == "well"


async def test_an_engine_is_restarted_by_wish_while_it_is_starting(start: Start, tmp_path: Path) -> None:
    client = start("late", str(tmp_path / "connected"))
    await client.start()
    pid = client.pid
    await client.restart()
    assert client.pid != pid
    (tmp_path / "connected").touch()
    assert await client.act("echo", "well") == "well"


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("half a frame", "ended in the middle"),
        ("half a header", "ended in the middle"),
        ("nonsense", "an unreadable answer"),
        ("nonsense without end", "an unreadable answer"),
        ("long frame", "a frame announces 1,073,741,825 bytes"),
        ("empty frame", "a frame announces 0 bytes"),
        ("closed pipe", "the engine closed its output and was ended"),
        ("exit", "ended with exit code 255: Connection to ␛[31mgpu-box closed"),
        ("quiet exit", "ended with exit code 0"),
    ],
)
async def test_an_engine_that_breaks_the_protocol_is_replaced(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, reason: str
) -> None:
    # Only an engine that closes its pipe and lives on has to be waited for.
    monkeypatch.setattr("encoder_tui.client.process.END_GRACE", 0.3 if mode == "closed pipe" else 10 * PATIENCE)
    client = start(mode, str(tmp_path / "misbehaved"))
    await client.start()
    await until(lambda: client.state.status == "ready")
    with pytest.raises(EngineError) as caught:
        await client.act("echo")
    assert reason in str(caught.value)
    assert str(caught.value).isprintable()
    assert await client.act("echo", "well") == "well"
    assert client.statuses.count("died") == 1


async def test_a_request_made_while_a_dead_engine_is_buried_goes_to_the_next(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pipe is closed but the process lives on for a while."""
    monkeypatch.setattr("encoder_tui.client.process.END_GRACE", 0.3)
    client = start("closed pipe", str(tmp_path / "misbehaved"))
    await client.start()
    first = asyncio.create_task(client.act("echo"))
    await until(lambda: client._child is not None and client._child.is_ending, pause=0)
    assert await client.act("echo", "well") == "well"
    with pytest.raises(EngineError):
        await first


async def test_what_is_written_to_an_engine_that_is_gone_is_no_matter(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    client = start()
    waiting = asyncio.ensure_future(client.act("sleep", "60"))
    await until(lambda: client.state.status == "busy")
    pid = client.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    # Without a turn for the reading, which would find out. One that asyncio's watcher has collected is gone as well.
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    for number in range(20):
        client.note("word", number)
    with pytest.raises(EngineError, match="SIGKILL"):
        await waiting
    assert await client.act("echo", "after") == "after"
    assert not caplog.records
