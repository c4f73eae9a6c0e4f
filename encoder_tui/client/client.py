"""The app's side of the engine: sends it requests, restarts it, and survives its death."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from encoder_tui.client.call import Call, OperationFailed
from encoder_tui.client.cancelling import Cancellations
from encoder_tui.client.heartbeat import Pulse
from encoder_tui.client.process import Child, StartError, other_version, silence
from encoder_tui.client.state import Deaths, EngineError, EngineState, EngineStatus
from encoder_tui.protocol import frames
from encoder_tui.protocol.operations import Operation

__all__ = ["EngineClient", "EngineError", "EngineState", "EngineStatus", "OperationFailed"]

Q = TypeVar("Q")
R = TypeVar("R")
A = TypeVar("A")

CANCEL_GRACE: Final = 2.0
"""Seconds that an engine has to answer a cancellation before it is killed."""
CLOSE_GRACE: Final = 0.5
"""Seconds that an engine has to end by itself when the app does."""


class EngineClient:
    """One engine process and its current requests.

    `command` is the value of `--engine`, None for this installation's engine. `on_state` is called in the event loop at
    every change of state. `offline` forbids the engine to contact the Hub.
    """

    def __init__(
        self,
        log: Path,
        command: str | None = None,
        on_state: Callable[[EngineState], None] | None = None,
        offline: bool = False,
    ) -> None:
        self.log = log
        self._command = command
        self._offline = offline
        self.is_remote = command is not None
        self.on_state = on_state
        self.state = EngineState("off", "engine off")
        self._child: Child | None = None
        self._starting: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._ids = itertools.count(1)
        self._calls: dict[int, Call] = {}
        self._cancelled = Cancellations(lambda: CANCEL_GRACE, self._overdue)
        self._deaths = Deaths()
        self._pulse = Pulse(self._ask_for_sign, self._tell_of_silence, self._give_up)
        self.descriptors: list[int] = []
        """Pipes that the next process inherits."""
        self._reason: str | None = None
        self._is_overdue = False
        self._closing = False

    @property
    def pid(self) -> int | None:
        """The id of the engine's process or, if it is remote, of the process that carries its frames."""
        return None if self._child is None else self._child.pid

    async def run(
        self,
        operation: Operation[Q, R],
        request: Q,
        on_progress: Callable[[frames.Progress], None] | None = None,
        on_partial: Callable[[R], None] | None = None,
    ) -> R:
        """Request an operation and wait for its final answer.

        Cancelling the awaiting asyncio task cancels the request: the engine receives a cancellation, and is killed and
        restarted if it has not answered two seconds later. Requests that wait behind it are then sent again.
        An exception in `on_progress` or `on_partial` also cancels the request, and is raised here.
        Raises `OperationFailed` or `EngineError`.
        """
        await self.start()
        request_id = next(self._ids)
        try:
            frame = frames.pack(
                frames.Request(request_id, operation.name, msgspec.msgpack.encode(request), self._offline)
            )
        except (frames.ProtocolError, UnicodeEncodeError, OverflowError) as error:
            why = "a name is not valid UTF-8; rename it" if isinstance(error, UnicodeEncodeError) else str(error)
            raise OperationFailed(f"the request cannot be sent to the engine: {why}", "") from error
        call = self._calls[request_id] = Call(operation, frame, on_progress, on_partial)
        try:
            await self._send(frame)
            self._show_activity()
            answer: R = await call.answer
        except (Exception, asyncio.CancelledError):
            await self._abandon(request_id)
            raise
        finally:
            if not call.abandoned:
                self._calls.pop(request_id, None)
            self._show_activity()
        return answer

    async def once_more(self, ask: Callable[[], Awaitable[A]]) -> A:
        """Return what `ask` returns. If the engine dies meanwhile, call `ask` once more: the cause may be another.

        Raises what `ask` raises; raises `EngineError` at once if the engine is not restarted.
        """
        try:
            return await ask()
        except EngineError:
            if self.state.status == "stopped":
                raise
            return await ask()

    def note(self, word: str, number: int = 0) -> None:
        """Send a note to all running operations, without waiting for it to arrive."""
        if self._child is None or self._child.is_ending:
            return
        for request_id, call in self._calls.items():
            if not call.abandoned:
                self._child.write(frames.pack(frames.Note(request_id, word, number)))

    async def start(self) -> None:
        """Start the process if it is not running. Raises `EngineError` if it cannot be started or was given up."""
        if self._child is not None and self._child.is_ending and self._reading is not None:
            await asyncio.wait({self._reading})
        if self.state.status == "stopped":
            raise EngineError(self.state.text)
        if self._child is None and not self._closing:
            if self._starting is None or self._starting.done():
                self._starting = asyncio.create_task(self._spawn())
            await asyncio.shield(self._starting)
        if self._closing:
            raise EngineError("the engine is closed")

    async def restart(self) -> None:
        """Restart the engine at the user's wish, forgetting earlier deaths. Raises `EngineError` if that fails."""
        self._deaths.forget()
        if self._child is not None and self._reading is not None:
            self.kill("the engine was restarted")
            await asyncio.wait({self._reading})
            self._deaths.forget()
        if self.state.status == "stopped":
            self._set_state("off", "engine off")
        await self.start()

    async def close(self) -> None:
        """End the engine for good: close its stdin, and kill it if that does not end it."""
        self._closing = True
        if self._starting is not None:
            with contextlib.suppress(EngineError):
                await asyncio.shield(self._starting)
        if self._child is not None and self._reading is not None:
            self._child.hang_up()
            for patience in (CLOSE_GRACE, 2 * CANCEL_GRACE):
                if (await asyncio.wait({self._reading}, timeout=patience))[0]:
                    break
                self.kill("the engine is closed")
            self._reading.cancel()
        self._fail_calls("the engine is closed")

    def kill(self, reason: str) -> None:
        """Kill the process now; `reason` is shown to the user."""
        if self._child is not None:
            self._reason = reason
            self._child.kill()

    async def _spawn(self) -> None:
        self._set_state("starting", "engine starting")
        self._reason = None
        self._is_overdue = False
        # What the first process has read of a pipe is lost with it, so the next one must not read on.
        descriptors, self.descriptors = self.descriptors, []
        try:
            child = await Child.spawn(self._command, self.log, self._offline, descriptors)
        except StartError as error:
            self._set_state("stopped", str(error))
            self._fail_calls(str(error))
            raise EngineError(str(error)) from error
        self._child = child
        # Requests that waited behind one that did not end are sent again, before any newer one.
        for call in self._calls.values():
            child.write(call.frame)
        self._pulse.start()
        self._reading = asyncio.create_task(self._read(child))

    async def _read(self, child: Child) -> None:
        """Handle messages until the pipe ends, then find out why it did."""
        broke_off = False
        try:
            await child.skip_banner()
            while True:
                message = await child.receive()
                self._pulse.heard()
                if self.state.status == "silent":
                    self._show_activity(is_first=True)
                self._handle(message)
                # A full pipe would otherwise keep the event loop busy.
                await asyncio.sleep(0)
        except asyncio.IncompleteReadError as error:
            broke_off = bool(error.partial)
        except frames.ProtocolError as error:
            self.kill(f"the engine sent an unreadable answer ({error})")
        except OSError as error:
            self.kill(f"the engine's pipe broke ({error.strerror})")
        code = await child.end()
        await self._ended(child.post_mortem(code, self.state.status == "starting", broke_off))

    async def _ended(self, sentence: str) -> None:
        """After the process has ended, by itself or killed by us: report it, and start the next one."""
        self._child = None
        self._pulse.stop()
        was_starting = self.state.status == "starting"
        self._cancelled.clear()
        if self._closing:
            self._fail_calls("the engine is closed")
            return
        sentence = self._reason or sentence
        if was_starting:
            self._set_state("stopped", sentence)
        elif self._is_overdue:
            # We killed it, so the next one need not die too. The other requests have not begun: one runs at a time.
            self._calls = {number: call for number, call in self._calls.items() if not call.answer.done()}
            self._set_state("died", sentence)
        elif self._deaths.add():
            ending = "it died three times in a minute and is not started again"
            self._set_state("stopped", f"{sentence}; {ending}")
        else:
            self._set_state("died", sentence)
        if was_starting or not self._is_overdue:
            self._fail_calls(self.state.text)
        if self.state.status == "died":
            with contextlib.suppress(EngineError):
                await self.start()

    def _fail_calls(self, reason: str) -> None:
        for call in self._calls.values():
            call.fail(EngineError(reason))
        self._calls.clear()

    def _handle(self, message: frames.FromEngine) -> None:
        if isinstance(message, frames.Ready):
            self._greet(message)
        elif isinstance(message, frames.Importing):
            self._cancelled.listen(not message.is_begun)
        if isinstance(message, frames.Ready | frames.Pong | frames.Importing):
            return
        call = self._calls.get(message.id)
        if call is None:
            return
        if isinstance(message, frames.Progress | frames.Partial):
            call.hear(message)
            return
        self._cancelled.answered(message.id)
        del self._calls[message.id]
        call.settle(message)
        if call.abandoned:
            self._show_activity()

    def _greet(self, ready: frames.Ready) -> None:
        if ready.protocol != frames.PROTOCOL_VERSION:
            self.kill(other_version(ready.version))
            return
        self._show_activity(is_first=True)
        self._cancelled.listen(True)

    async def _abandon(self, request_id: int) -> None:
        """Cancel a request that nobody waits for, and make sure that it ends."""
        call = self._calls.get(request_id)
        if call is None or self._child is None:
            return
        call.abandoned = True
        call.answer.cancel()
        self._cancelled.add(request_id)
        with contextlib.suppress(EngineError):
            await self._send(frames.pack(frames.Cancel(request_id)))

    def _overdue(self) -> None:
        self._is_overdue = True
        self.kill("the engine did not stop within two seconds and was started again")

    def _ask_for_sign(self) -> None:
        if self._child is not None and not self._child.is_ending and self.state.status != "starting":
            self._child.write(frames.pack(frames.Ping()))

    def _tell_of_silence(self) -> None:
        if self.state.status == "starting":
            self._set_state("starting", "engine starting, no answer yet")
        else:
            self._set_state("silent", "engine does not answer")

    def _give_up(self) -> None:
        self.kill(silence(self.state.status == "starting", self._command))

    async def _send(self, frame: bytes) -> None:
        if self._child is None:
            raise EngineError("the engine ended before the request was sent")
        # A closed pipe also ends `_read`, which finds out why.
        with contextlib.suppress(OSError):
            self._child.write(frame)
            await self._child.drain()

    def _show_activity(self, is_first: bool = False) -> None:
        if is_first or self.state.status in {"ready", "busy"}:
            status: EngineStatus = "busy" if self._calls else "ready"
            self._set_state(status, f"engine {status}")

    def _set_state(self, status: EngineStatus, text: str) -> None:
        state = EngineState(status, text)
        if state != self.state:
            self.state = state
            if self.on_state is not None:
                # Called later, because an exception in it must not end the reading of frames.
                asyncio.get_running_loop().call_soon(self.on_state, state)
