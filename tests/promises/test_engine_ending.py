"""The end of the app, or of a shell in between, leaves no process behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import pytest_asyncio

from encoder_tui.client import client as client_module
from encoder_tui.client.client import EngineError
from encoder_tui.protocol import parent
from tests.support import fake_engine
from tests.support.engine_case import (
    Start,
    cancel,
    children,
    clients,
    death_of,
    group_of,
    is_stopped,
    needs_proc,
    until,
)


@pytest_asyncio.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Makes clients; see `clients`."""
    async with clients(tmp_path) as start_one:
        yield start_one


def through_a_shell(tail: str) -> str:
    return shlex.join(["sh", "-c", tail.format(engine=fake_engine.command())])


SHELLS = {
    "exec": through_a_shell("echo Welcome; exec {engine}"),
    "wait": through_a_shell("echo Welcome; {engine}; exit $?"),
    "hidden helper": through_a_shell("sleep 600 </dev/null >/dev/null & exec {engine}"),
    "helper": through_a_shell("echo Welcome; sleep 600 & {engine}; exit $?"),
}


@needs_proc
@pytest.mark.parametrize("command", SHELLS.values(), ids=SHELLS)
async def test_a_shell_in_between_is_killed_together_with_its_engine(
    start: Start, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(client_module, "CANCEL_GRACE", 0.2)
    client = start(command=command)
    task = await client.begin("spin")
    pid = client.pid
    assert pid is not None
    assert group_of(pid)
    await cancel(task)
    await death_of(client, pid)
    await until(lambda: not group_of(pid))
    assert await client.act("echo", "well") == "well"


@needs_proc
@pytest.mark.parametrize("command", SHELLS.values(), ids=SHELLS)
async def test_closing_ends_a_shell_in_between_and_everything_it_started(start: Start, command: str) -> None:
    client = start(command=command)
    engine = int(await client.act("pid"))
    pid = client.pid
    assert pid is not None
    assert engine in group_of(pid)
    await client.close()
    await until(lambda: not group_of(pid))


async def test_a_shell_tells_of_its_engines_death(start: Start) -> None:
    client = start(command=SHELLS["wait"])
    with pytest.raises(EngineError, match="SIGKILL; perhaps the machine ran out of memory"):
        await client.act("die", "SIGKILL")
    assert await client.act("echo", "well") == "well"


@needs_proc
async def test_an_engine_whose_shell_is_gone_can_still_be_killed(start: Start) -> None:
    client = start(command=SHELLS["wait"])
    task = await client.begin("spin")
    shell = client.pid
    assert shell is not None
    os.kill(shell, signal.SIGKILL)
    await until(lambda: shell not in group_of(shell))
    assert group_of(shell)
    await client.restart()
    with pytest.raises(EngineError):
        await task
    await until(lambda: not group_of(shell))
    assert await client.act("echo", "well") == "well"


@needs_proc
@pytest.mark.parametrize("action", ["spin", "sleep", "polite"])
async def test_closing_in_the_middle_of_a_task_leaves_no_process(start: Start, action: str) -> None:
    client = start()
    task = await client.begin(action)
    pid = client.pid
    assert pid is not None
    await client.close()
    assert not group_of(pid)
    with pytest.raises(EngineError, match="the engine is closed"):
        await task
    with pytest.raises(EngineError, match="the engine is closed"):
        await client.act("echo")


async def test_closing_ends_an_engine_that_does_not_hear_it(start: Start, tmp_path: Path) -> None:
    """It has not read its stdin yet and so does not know that it is closed."""
    client = start("late", str(tmp_path / "never"))
    await client.start()
    pid = client.pid
    assert pid is not None
    await client.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@needs_proc
async def test_closing_while_the_process_is_being_started_leaves_no_process(start: Start) -> None:
    client = start()
    before = children()
    task = asyncio.create_task(client.act("echo"))
    await until(lambda: client.state.status == "starting", pause=0)
    assert client.pid is None
    await client.close()
    assert children() == before
    with pytest.raises(EngineError):
        await task


async def test_closing_twice_or_before_anything_was_started_is_no_error(start: Start) -> None:
    client = start()
    await client.close()
    await client.close()
    assert client.pid is None


@needs_proc
async def test_closing_while_a_dead_engine_is_being_replaced_leaves_no_process(start: Start) -> None:
    client = start()
    before = children()
    await client.act("echo")
    pid = client.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: client.state.status == "starting", pause=0)
    await client.close()
    assert children() == before


APP = """
import asyncio, pathlib, sys
from tests.support import fake_engine
from encoder_tui.client.client import EngineClient

async def app():
    client = EngineClient(pathlib.Path(sys.argv[1]), sys.argv[2])
    tell = lambda progress: print(client.pid, flush=True)
    await client.run(fake_engine.ACT, fake_engine.Act(sys.argv[3]), on_progress=tell)

asyncio.run(app())
"""


@needs_proc
@pytest.mark.parametrize("command", [fake_engine.command(), SHELLS["wait"]], ids=["alone", "in a shell"])
@pytest.mark.parametrize("action", ["spin", "sleep"])
async def test_the_engine_ends_when_the_app_is_killed(tmp_path: Path, command: str, action: str) -> None:
    app, leader = await app_with_engine(tmp_path, command, action)
    assert group_of(leader)
    kill(app)
    await until(lambda: not group_of(leader))


@needs_proc
async def test_an_engine_that_is_stopped_ends_when_the_app_is_killed(tmp_path: Path) -> None:
    """It does not come to see that its stdin is closed."""
    app, engine = await app_with_engine(tmp_path, fake_engine.command(), "polite")
    try:
        os.kill(engine, signal.SIGSTOP)
        await until(lambda: is_stopped(engine))
        kill(app)
        await until(lambda: not group_of(engine))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(engine, signal.SIGKILL)


@needs_proc
async def test_an_engine_does_not_end_with_a_shell_that_stands_between(start: Start) -> None:
    client = start(command=SHELLS["wait"])
    engine = int(await client.act("pid"))
    shell = client.pid
    assert shell is not None
    os.kill(shell, signal.SIGKILL)
    await until(lambda: group_of(shell) == [engine])
    assert await client.act("pid") == str(engine)


def test_an_engine_is_not_bound_to_a_thread_which_may_end_before_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(parent.WINDOW, "1")
    assert parent.environment()[parent.WINDOW] == str(os.getpid())
    with ThreadPoolExecutor(1) as pool:
        assert parent.WINDOW not in pool.submit(parent.environment).result()


def kill(app: subprocess.Popen[bytes]) -> None:
    app.kill()
    app.wait()
    assert app.stdout is not None
    app.stdout.close()


async def app_with_engine(tmp_path: Path, command: str, action: str) -> tuple[subprocess.Popen[bytes], int]:
    """A process that waits for an engine at work, and the process that it started for that."""
    app = subprocess.Popen(
        [sys.executable, "-c", APP, str(tmp_path / "log"), command, action],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert app.stdout is not None
    return app, int(await asyncio.to_thread(app.stdout.readline))
