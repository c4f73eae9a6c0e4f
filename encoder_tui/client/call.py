"""One request of the app to the engine, from its frame to its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from encoder_tui.protocol import frames
from encoder_tui.protocol.operations import Operation


class OperationFailed(Exception):
    """An operation failed; the message is one line for people."""

    def __init__(self, message: str, remote_traceback: str) -> None:
        super().__init__(message)
        self.remote_traceback = remote_traceback


class Call:
    """A request that waits for its answer. `abandoned` is set once nobody waits, but the engine still works on it."""

    def __init__(
        self,
        operation: Operation[Any, Any],
        frame: bytes,
        on_progress: Callable[[frames.Progress], None] | None,
        on_partial: Callable[[Any], None] | None,
    ) -> None:
        self.frame = frame
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.abandoned = False
        self._operation = operation
        self._on_progress = on_progress
        self._on_partial = on_partial

    def hear(self, message: frames.Progress | frames.Partial) -> None:
        """Call the callback. An exception in it is raised where the answer is awaited."""
        if self.answer.done():
            return
        try:
            if isinstance(message, frames.Progress):
                if self._on_progress is not None:
                    self._on_progress(message)
            elif self._on_partial is not None:
                self._on_partial(self._decode(message.value))
        except Exception as error:  # noqa: BLE001  # the callbacks are the app's own and may raise anything
            self.fail(error)

    def settle(self, message: frames.Result | frames.Failure | frames.Cancelled) -> None:
        """Accept the final message, unless nobody waits for it any more."""
        if self.answer.done():
            return
        if isinstance(message, frames.Result):
            try:
                self.answer.set_result(self._decode(message.value))
            except OperationFailed as error:
                self.fail(error)
        elif isinstance(message, frames.Failure):
            self.fail(OperationFailed(message.message, message.traceback))
        else:
            self.fail(OperationFailed("the engine cancelled this by itself", ""))

    def fail(self, error: Exception) -> None:
        """Raise `error` where the answer is awaited."""
        if not self.answer.done():
            self.answer.set_exception(error)
            # The waiting task may be cancelled before it sees the error, and asyncio warns of errors that nobody read.
            self.answer.exception()

    def _decode(self, value: bytes) -> Any:
        try:
            return msgspec.msgpack.decode(value, type=self._operation.answer)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise OperationFailed(f"the engine's answer does not have the expected form: {error}", "") from error
