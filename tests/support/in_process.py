"""The real tasks without the engine's process: seconds less for every test that opens a window."""

from __future__ import annotations

import asyncio
import importlib
import sys
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from encoder_tui.client.call import OperationFailed
from encoder_tui.client.client import EngineClient
from encoder_tui.engine.job import Job
from encoder_tui.engine.server import sentence
from encoder_tui.protocol import frames
from encoder_tui.protocol.operations import Operation

_lock = threading.Lock()
"""An engine does one task at a time."""
_jobs: dict[EngineClient, list[Job]] = {}
"""The requests under way of every window."""


async def run(
    self: EngineClient,
    task: Operation[Any, Any],
    request: Any,
    on_progress: Callable[[frames.Progress], None] | None = None,
    on_partial: Callable[[Any], None] | None = None,
) -> Any:
    """What `EngineClient.run` does, in a thread; answers go through msgpack as they would through the pipe."""
    loop = asyncio.get_running_loop()

    def send(message: Any) -> None:
        if isinstance(message, frames.Progress) and on_progress is not None:
            loop.call_soon_threadsafe(on_progress, message)
        elif isinstance(message, frames.Partial) and on_partial is not None:
            loop.call_soon_threadsafe(on_partial, msgspec.msgpack.decode(message.value, type=task.answer))

    job = Job(1, send)
    _jobs.setdefault(self, []).append(job)

    def one_at_a_time() -> Any:
        with _lock:
            job.checkpoint()
            return module.run(request, job)

    module = importlib.import_module(f"encoder_tui.engine.operations.{task.name}")
    try:
        # Its thread goes on for a while where it is cancelled, and hears of nothing but that.
        answer = await asyncio.to_thread(one_at_a_time)
    except asyncio.CancelledError:
        job.cancel()
        raise
    except Exception as error:
        raise OperationFailed(sentence(error), "") from error
    finally:
        _jobs[self].remove(job)
    return msgspec.msgpack.decode(msgspec.msgpack.encode(answer), type=task.answer)


def note(self: EngineClient, word: str, number: int = 0) -> None:
    """What `EngineClient.note` does: a measurement waits a second for every row that it is not told to be drawn."""
    for job in _jobs.get(self, ()):
        job.hear(word, number)


@pytest.fixture
def tasks_in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every window of a test do its tasks here, and show the same whether the extra `fast` is installed or not."""
    for counter in ("nanotoken", "kitoken"):
        monkeypatch.setitem(sys.modules, counter, None)
    monkeypatch.setattr(EngineClient, "run", run)
    monkeypatch.setattr(EngineClient, "note", note)
