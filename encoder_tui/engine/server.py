"""The engine's process: reads requests from stdin, works on one at a time, answers on stdout."""

from __future__ import annotations

import importlib
import os
import queue
import signal
import sys
import threading
import traceback
from typing import IO, Protocol

import msgspec

from encoder_tui import __version__
from encoder_tui.engine import protocol
from encoder_tui.engine.contract import TASKS
from encoder_tui.engine.job import Cancelled, Job, TaskError
from encoder_tui.models import ModelError


class TaskModule(Protocol):
    """A module under `engine.tasks`."""

    @staticmethod
    def run(request: object, job: Job) -> object: ...


def main() -> None:
    """Serve until stdin closes."""
    frames_in, frames_out = _take_streams()
    # The app ends an engine by closing its stdin; a ctrl+c or a closed terminal is the app's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Server(frames_in, frames_out).serve()


def _take_streams() -> tuple[IO[bytes], IO[bytes]]:
    """Keep the real stdin and stdout for frames, before anything that could write there is imported.

    Whatever prints to file descriptor 1 afterwards, Python or C, goes to stderr, which the app has in its log.
    """
    frames_in = os.fdopen(os.dup(0), "rb", buffering=0)
    frames_out = os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return frames_in, frames_out


class Server:
    """A queue of requests, a thread that fills it, and the main thread that empties it.

    Tasks run in the main thread, because torch and signal handlers like it there; the reader only sets flags.
    """

    def __init__(self, frames_in: IO[bytes], frames_out: IO[bytes]) -> None:
        self._in = frames_in
        self._out = frames_out
        self._sending = threading.Lock()
        self._queue: queue.SimpleQueue[tuple[protocol.Request, Job]] = queue.SimpleQueue()
        self._jobs: dict[int, Job] = {}

    def serve(self) -> None:
        """Announce the engine and answer requests; never returns."""
        with self._sending:
            self._write(protocol.MARKER)
        self.send(protocol.Ready(protocol.PROTOCOL_VERSION, __version__, os.getpid()))
        threading.Thread(target=self._read, name="frames", daemon=True).start()
        while True:
            request, job = self._queue.get()
            self._answer(request, job)
            self._jobs.pop(request.id, None)

    def send(self, message: protocol.FromEngine) -> None:
        """Write one frame; a pipe that nobody reads any more ends the engine."""
        frame = protocol.pack(message)
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
        """Take in requests and cancellations until stdin closes, then end the process at once.

        `os._exit`, because a forward pass in the main thread would keep the interpreter, and with it a GPU, alive.
        """
        try:
            while True:
                header = self._read_exactly(protocol.HEADER.size)
                message = protocol.unpack_to_engine(self._read_exactly(protocol.body_length(header)))
                if isinstance(message, protocol.Cancel):
                    job = self._jobs.get(message.id)
                    if job is not None:
                        job.cancel()
                else:
                    job = Job(message.id, self.send)
                    self._jobs[message.id] = job
                    self._queue.put((message, job))
        except EOFError:
            os._exit(0)
        except (protocol.ProtocolError, OSError) as error:
            print(f"engine: stdin is not to be understood: {error}", file=sys.stderr, flush=True)  # noqa: T201
            os._exit(3)

    def _read_exactly(self, length: int) -> bytes:
        pieces = bytearray()
        while len(pieces) < length:
            piece = self._in.read(length - len(pieces))
            if not piece:
                raise EOFError
            pieces += piece
        return bytes(pieces)

    def _answer(self, request: protocol.Request, job: Job) -> None:
        try:
            job.checkpoint()
            task = TASKS.get(request.task)
            if task is None:
                raise TaskError(f"this engine (version {__version__}) knows no task named {request.task}")
            params = msgspec.msgpack.decode(request.params, type=task.request)
            module: TaskModule = importlib.import_module(f"encoder_tui.engine.tasks.{task.name}")
            answer: protocol.FromEngine = protocol.Result(
                request.id, msgspec.msgpack.encode(module.run(params, job))
            )
        except Cancelled:
            answer = protocol.Cancelled(request.id)
        except (TaskError, ModelError) as error:
            answer = protocol.Failure(request.id, str(error), traceback.format_exc())
        except msgspec.MsgspecError as error:
            message = f"the app and the engine (version {__version__}) do not speak of the same task: {error}"
            answer = protocol.Failure(request.id, message, traceback.format_exc())
        except MemoryError:
            answer = protocol.Failure(request.id, "the engine has no memory left for this", traceback.format_exc())
        except Exception as error:  # noqa: BLE001  # the boundary: a task's bug is told, it does not end the engine
            answer = protocol.Failure(request.id, one_line(error), traceback.format_exc())
        self.send(answer)


def one_line(error: BaseException) -> str:
    """An error of a library as one line of bounded length, with its kind where it says nothing itself."""
    words = " ".join(str(error).split())
    if len(words) > 300:
        words = words[:299] + "…"
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
