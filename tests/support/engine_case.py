"""What the tests of the engine's client share: a client that notes its states, and a count of processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from encoder_tui.client.client import EngineClient, EngineState
from tests.support import fake_engine
from tests.support.fake_engine import ACT, Act

PATIENCE = 60.0
"""Seconds until a test that waits for something gives up; a machine may be busy."""

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are counted in /proc")


def living(belongs: Callable[[int, int, int], bool]) -> list[int]:
    """The processes, dead ones that nobody buried left out, for which `belongs(pid, parent, group)` is true."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name before it is in parentheses and may hold anything.
            state, parent, group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if state not in "ZX" and belongs(int(folder.name), int(parent), int(group)):
            found.append(int(folder.name))
    return found


def is_stopped(pid: int) -> bool:
    return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "T"


def group_of(leader: int) -> list[int]:
    return living(lambda pid, parent, group: group == leader)


def children() -> list[int]:
    return living(lambda pid, parent, group: parent == os.getpid())


async def until(condition: Callable[[], bool], pause: float = 0.01) -> None:
    """Look in every turn of the event loop where `pause` is 0, so that no state is missed."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(pause)


class Watched(EngineClient):
    """A client whose states are noted."""

    def __init__(self, log: Path, command: str | None) -> None:
        self.states: list[EngineState] = []
        super().__init__(log, command, self.states.append)

    @property
    def statuses(self) -> list[str]:
        return [state.status for state in self.states]

    async def act(self, action: str, argument: str = "", **callbacks: Any) -> str:
        async with asyncio.timeout(PATIENCE):
            return (await self.run(ACT, Act(action, argument), **callbacks)).text

    async def begin(self, action: str, argument: str = "", **callbacks: Any) -> asyncio.Task[str]:
        """Ask, and return once the task has said that it is at work."""
        at_work = asyncio.Event()
        task = asyncio.create_task(self.act(action, argument, on_progress=lambda progress: at_work.set(), **callbacks))
        async with asyncio.timeout(PATIENCE):
            await at_work.wait()
        return task


Start = Callable[..., Watched]
"""Makes a client of an engine in a mode of `fake_engine`, or of another command."""


@contextlib.asynccontextmanager
async def clients(folder: Path) -> AsyncIterator[Start]:
    """Close whatever clients a test makes, and see that none leaves a process or a complaint of asyncio."""
    made: list[Watched] = []
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
    before = children()

    def start(mode: str = "tasks", argument: str = "", command: str | None = None) -> Watched:
        words = fake_engine.command(mode, argument) if command is None else command
        made.append(Watched(folder / "logs" / f"engine-{len(made)}.log", words))
        return made[-1]

    yield start
    for client in made:
        await client.close()
    assert [pid for pid in children() if pid not in before] == []
    assert complaints == []
    for client in made:
        assert all(a != b for a, b in zip(client.states, client.states[1:], strict=False))


async def cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def death_of(client: Watched, pid: int | None) -> None:
    """Return once the client has another engine than this and it is ready."""
    await until(lambda: client.pid not in {None, pid} and client.state.status in {"ready", "busy"})
