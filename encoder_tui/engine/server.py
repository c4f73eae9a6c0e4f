"""The engine's process: reads requests from stdin, runs one operation at a time, and answers on stdout."""

from __future__ import annotations

import contextlib
import importlib
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import IO

import msgspec

from encoder_tui import __version__
from encoder_tui.core.models.names import ModelError
from encoder_tui.core.text.library_words import in_one_line, without_advice
from encoder_tui.core.text.safe import without_surrogates
from encoder_tui.engine import hub_access
from encoder_tui.engine.importing import Announcer
from encoder_tui.engine.job import Job, JobCancelled, OperationError
from encoder_tui.protocol import frames
from encoder_tui.protocol.operations import OPERATIONS

Run = Callable[[object, Job], object]
"""The type of the function `run` of every module in `engine.operations`."""


def main() -> None:
    """Serve until stdin closes."""
    frames_in, frames_out = _take_streams()
    hub_access.restrict()
    # The app ends an engine by closing its stdin; a ctrl+c or a closed terminal is the app's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Server(frames_in, frames_out).serve()


def _take_streams() -> tuple[IO[bytes], IO[bytes]]:
    """Keep the real stdin and stdout for frames, before anything that could write to them is imported.

    Whatever Python or C prints to file descriptor 1 afterwards goes to stderr, which the app writes to its log.
    """
    for stream in (0, 1):
        # The parent may share this stream and may have made it non-blocking.
        os.set_blocking(stream, True)
    frames_in = os.fdopen(os.dup(0), "rb", buffering=0)
    frames_out = os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    # A buffer would be written late, and `os._exit` would lose it.
    sys.stdout = sys.stderr
    return frames_in, frames_out


class Server:
    """A queue of requests, a thread that fills it, and the main thread that empties it.

    Operations run in the main thread, as torch and signal handlers prefer. The reader thread sets flags, and answers
    requests that are cancelled before they begin.
    """

    def __init__(self, frames_in: IO[bytes], frames_out: IO[bytes]) -> None:
        self._in = frames_in
        self._out = frames_out
        self._sending = threading.Lock()
        self._queue: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._jobs: dict[int, Job] = {}
        # Requests that have not begun. The thread that removes one answers it.
        self._waiting: dict[int, frames.Request] = {}

    def serve(self) -> None:
        """Announce the engine and answer requests; never returns."""
        with self._sending:
            self._write(frames.MARKER)
        self.send(frames.Ready(frames.PROTOCOL_VERSION, __version__, os.getpid()))
        Announcer(lambda is_begun: self.send(frames.Importing(is_begun))).install()
        threading.Thread(target=self._read, name="frames", daemon=True).start()
        while True:
            job = self._queue.get()
            request = self._waiting.pop(job.id, None)
            if request is not None:
                self._answer(request, job)
            self._jobs.pop(job.id, None)

    def send(self, message: frames.FromEngine) -> None:
        """Write one frame. If nobody reads the pipe any more, the engine exits."""
        frame = frames.pack(message)
        with self._sending:
            self._write(frame)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[self._out.write(view) :]
        except OSError:
            os._exit(0)

    def _read(self) -> None:
        """Read requests and cancellations until stdin closes, then end the process at once.

        It ends with `os._exit`, because a forward pass in the main thread would keep the process, and with it a GPU,
        busy.
        """
        try:
            while True:
                header = self._read_exactly(frames.HEADER.size)
                message = frames.unpack_to_engine(self._read_exactly(frames.body_length(header)))
                if isinstance(message, frames.Cancel):
                    self._cancel(message.id)
                elif isinstance(message, frames.Ping):
                    self.send(frames.Pong())
                elif isinstance(message, frames.Note):
                    if (running := self._jobs.get(message.id)) is not None:
                        running.hear(message.word, message.number)
                else:
                    job = Job(message.id, self.send)
                    self._jobs[message.id] = job
                    self._waiting[message.id] = message
                    self._queue.put(job)
        except EOFError:
            os._exit(0)
        except Exception as error:  # noqa: BLE001  # an engine that reads no requests cannot be cancelled
            with contextlib.suppress(OSError):
                print(f"engine: cannot read the request: {error}", file=sys.stderr, flush=True)  # noqa: T201
            os._exit(3)

    def _cancel(self, request_id: int) -> None:
        job = self._jobs.get(request_id)
        if job is not None:
            job.cancel()
        if self._waiting.pop(request_id, None) is not None:
            # It waits behind an operation that may take minutes, but the client expects an answer now.
            self.send(frames.Cancelled(request_id))

    def _read_exactly(self, length: int) -> bytes:
        pieces = bytearray()
        while len(pieces) < length:
            piece = self._in.read(min(length - len(pieces), 1 << 20))
            if not piece:
                raise EOFError
            pieces += piece
        return bytes(pieces)

    def _answer(self, request: frames.Request, job: Job) -> None:
        params: object = None
        try:
            job.checkpoint()
            if request.offline:
                hub_access.go_offline()
            run, params = prepare(request)
            # Sent inside `try`, because an answer may be too long for a frame or impossible to pack.
            self.send(frames.Result(request.id, msgspec.msgpack.encode(run(params, job))))
        except JobCancelled:
            self.send(frames.Cancelled(request.id))
        except BaseException as error:  # noqa: BLE001  # the boundary: whatever happens in an operation (a Rust
            # panic and `sys.exit` are not Exceptions) is reported and does not end the engine.
            # Messages contain file names, which may hold lone surrogates.
            self.send(
                frames.Failure(request.id, *map(without_surrogates, (sentence(error, model_of(params)), _traceback())))
            )


def prepare(request: frames.Request) -> tuple[Run, object]:
    """Return an operation's function and parameters. Raises `OperationError` if the app's version does not match."""
    operation = OPERATIONS.get(request.task)
    if operation is None:
        raise OperationError(f"this engine (version {__version__}) does not know the request {request.task}")
    try:
        params = msgspec.msgpack.decode(request.params, type=operation.request)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise OperationError(
            f"the app and the engine (version {__version__}) disagree about the request {request.task}: {error}"
        ) from error
    run: Run = importlib.import_module(f"encoder_tui.engine.operations.{operation.name}").run
    return run, params


def sentence(error: BaseException, name: str = "") -> str:
    """Return an error as one line for people; one that nobody expected begins with the model's name, if given."""
    if isinstance(error, OperationError | ModelError):
        return " ".join(str(error).split())
    words = "the engine ran out of memory" if isinstance(error, MemoryError) else one_line(error)
    return f"{name}: {words}" if name else words


def model_of(params: object) -> str:
    """Return the name of the model that a request is about; empty if it is about none or several."""
    name = getattr(getattr(params, "source", params), "name", "")
    return name if isinstance(name, str) else ""


def _traceback() -> str:
    """Return the traceback of the current error, without the advice of libraries."""
    return "\n".join(map(without_advice, traceback.format_exc().split("\n")))


def one_line(error: BaseException) -> str:
    """Return the message of a library's error as one line of bounded length; the type if the message is empty."""
    words = in_one_line(str(error))
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
