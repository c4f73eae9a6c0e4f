"""Engines to test with: the real server with a task that does as it is told, and peers that misbehave.

Run as a program: `fake_engine.py MODE [ARGUMENT]`; imported, it gives tests the task and the commands.
"""

from __future__ import annotations

import ctypes
import os
import resource
import shlex
import signal
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path

import msgspec

from encoder_tui.engine import server
from encoder_tui.engine.job import Job, OperationError
from encoder_tui.protocol import frames, operations, parent


class Act(msgspec.Struct, frozen=True):
    """What the test task is to do: the name of a function below, and its argument."""

    action: str
    argument: str = ""


class Deed(msgspec.Struct, frozen=True):
    """What came of it."""

    text: str


ACT = operations.Operation("act", Act, Deed)


def command(mode: str = "tasks", argument: str = "") -> str:
    """The words for `--engine` that start this file."""
    return shlex.join([sys.executable, __file__, mode, argument])


def echo(argument: str, job: Job) -> str:
    """Say it as progress, as a partial answer and as the answer."""
    job.progress(argument, 1, 2, "words")
    job.partial(Deed(argument))
    return argument


def pid(argument: str, job: Job) -> str:
    return str(os.getpid())


def imported(argument: str, job: Job) -> str:
    return str(argument in sys.modules)


def chatter(argument: str, job: Job) -> str:
    """Write to standard output in every way there is, and flush nothing that a user would not."""
    print("said by print")
    os.write(1, b"said by os.write\n")
    libc = ctypes.CDLL(None)
    libc.puts(b"said by C")
    libc.fflush(None)
    subprocess.run(["echo", "said by a child"], check=True)
    return ""


def listen(argument: str, job: Job) -> str:
    return sys.stdin.read()


def fail(argument: str, job: Job) -> str:
    """Raise what is named."""
    match argument:
        case "system exit":
            sys.exit("a library gave up")
        case "rust panic":
            # As `pyo3_runtime.PanicException`, which tokenizers raises, is no Exception.
            raise type("PanicException", (BaseException,), {})("index out of bounds")
        case "memory":
            raise MemoryError
        case "memory, indeed":
            return "x" * (1 << 62)
        case "lines":
            raise ValueError("one line\n  and\tanother\n")
        case "readable":
            raise OperationError("the file is not there;\ngive another")
        case "surrogates":
            raise OperationError("no file named caf\udce9.json")
        case "silent":
            raise ZeroDivisionError
        case "msgspec":
            msgspec.json.decode(b"{")
        case "unpackable":
            return "caf\udce9"
        case "endless":
            return "x" * (frames.FRAME_LIMIT + 1)
    raise AssertionError(argument)


def spin(argument: str, job: Job) -> str:
    """Never end, never look, hold the interpreter."""
    job.progress("spinning")
    while True:
        pass


def sleep(argument: str, job: Job) -> str:
    """Never end within a test, never look, leave the interpreter to others."""
    job.progress("sleeping")
    time.sleep(600)
    return ""


def polite(argument: str, job: Job) -> str:
    """Never end, but look often."""
    job.progress("looking")
    while True:
        time.sleep(0.005)
        job.checkpoint()


def await_file(argument: str, job: Job) -> str:
    """Not look, and end once a file is there, with a partial answer that is no checkpoint."""
    job.progress("waiting")
    while not Path(argument).exists():
        time.sleep(0.005)
    job._send(frames.Partial(job.id, msgspec.msgpack.encode(Deed("late"))))
    return "late"


def read_a_library(argument: str, job: Job) -> str:
    """As an import: announced, deaf until a file is there, and looking afterwards."""
    job._send(frames.Importing(True))
    job.progress("importing")
    while not Path(argument).exists():
        time.sleep(0.005)
    job._send(frames.Importing(False))
    return polite(argument, job)


def flood(argument: str, job: Job) -> str:
    for number in range(int(argument)):
        job.progress("", number)
    return ""


def die(argument: str, job: Job) -> str:
    """Be killed by a signal."""
    os.kill(os.getpid(), signal.Signals[argument])
    time.sleep(600)
    return ""


ACTIONS: dict[str, Callable[[str, Job], str]] = {
    function.__name__: function
    for function in (
        echo, pid, imported, chatter, listen, fail, spin, sleep, polite, await_file, flood, die,
        read_a_library,
    )
}  # fmt: skip


def run(request: Act, job: Job) -> Deed:
    return Deed(ACTIONS[request.action](request.argument, job))


def say(*pieces: bytes) -> None:
    """Write to the pipe, past every buffer."""
    for piece in pieces:
        view = memoryview(piece)
        while view:
            view = view[os.write(1, view) :]


READY = frames.pack(frames.Ready(frames.PROTOCOL_VERSION, "0", 1))
BANNERS = {
    "lines": b"Welcome\nto this \x1b[1mmachine\x1b[0m\n\n",
    "unfinished line": b"Last login: today",
    "half a marker": frames.MARKER[:-1] + b"?\n" + frames.MARKER[:5],
    "bytes": bytes(range(256)) * 8,
    "nearly too long": b"x" * (frames.BANNER_LIMIT - 1000),
}


NONSENSE = {
    "half a frame": frames.HEADER.pack(100) + b"half",
    "half a header": b"\x00\x00",
    "nonsense": b"\x00\x00\x00\x05hello",
    "nonsense without end": b"\x00\x00\x00\x05hello" * 100_000,
    "long frame": frames.HEADER.pack(frames.FRAME_LIMIT + 1),
    "empty frame": frames.HEADER.pack(0),
}


def serve() -> None:
    """The real server, which knows the task of this file too."""
    operations.OPERATIONS[ACT.name] = ACT  # type: ignore[assignment]
    operations.OPERATIONS["absent"] = operations.Operation("absent", Act, Deed)  # type: ignore[assignment]
    module = types.ModuleType("encoder_tui.engine.operations.act")
    module.run = run  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    server.main()


def announce_imports() -> None:
    """Have every partial answer preceded by word of whether torch is imported."""
    partial = Job.partial

    def announced(job: Job, value: object) -> None:
        job.progress(f"torch is imported: {'torch' in sys.modules}")
        partial(job, value)

    Job.partial = announced  # type: ignore[method-assign]


def main(mode: str, argument: str = "") -> None:
    """Be the engine that `mode` names."""
    # As the real one does before anything else.
    parent.die_with_window()
    # A test that has it crash needs no core file.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    match mode:
        case "tasks":
            serve()
        case "short frames":
            frames.FRAME_LIMIT = 1000  # type: ignore[misc]
            serve()
        case "imports":
            announce_imports()
            serve()
        case "banner":
            say(BANNERS[argument])
            serve()
        case "late":
            while not Path(argument).exists():
                time.sleep(0.005)
            serve()
        case "no marker":
            say(b"no frames here\n" * (frames.BANNER_LIMIT // 10))
            time.sleep(600)
        case "other version":
            say(frames.MARKER, frames.pack(frames.Ready(99, "99.0", 1)))
            time.sleep(600)
        case "nonsense at once":
            say(frames.MARKER, b"\x00\x00\x00\x05hello")
            time.sleep(600)
        case "message":
            print(f"first line\n{argument}\n", file=sys.stderr)
            sys.exit(1)
        case _:
            misbehave_once(mode, Path(argument))


def misbehave_once(mode: str, flag: Path) -> None:
    """Begin well and then break the protocol, but serve where an earlier process has done so already."""
    if flag.exists():
        serve()
    flag.touch()
    if mode == "deaf":
        # Ready only once the first request is cancelled already, and then silent.
        heard = b""
        while b"cancel" not in heard:
            heard += os.read(0, 1 << 16)
        say(frames.MARKER, READY)
        time.sleep(600)
    say(frames.MARKER, READY)
    # Until the first request has come, so that its caller is waiting.
    os.read(0, 1)
    say(NONSENSE.get(mode, b""))
    match mode:
        case "half a frame" | "half a header" | "quiet exit":
            sys.exit(0)
        case "closed pipe":
            os.close(1)
        case "exit":
            print("Connection to \x1b[31mgpu-box closed", file=sys.stderr)
            sys.exit(255)
    time.sleep(600)


if __name__ == "__main__":
    main(*sys.argv[1:3])
