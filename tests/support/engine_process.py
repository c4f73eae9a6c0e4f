"""A started engine, and the other end of its pipes."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

import msgspec

from encoder_tui.protocol import frames
from tests.support.fake_engine import ACT, Act, Deed

FAKE = Path(__file__).parent / "fake_engine.py"
PATIENCE = 60.0
"""Seconds until a test that waits for something gives up; a machine may be busy."""


class Engine:
    """A started engine and the test's end of its pipes."""

    def __init__(self, log: Path, *arguments: str, stdin: int = subprocess.PIPE) -> None:
        self.log = log
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, str(FAKE), *arguments],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                bufsize=0,
                # Empty is as if it were not there: what is buffered for a user is buffered here.
                env={**os.environ, "PYTHONUNBUFFERED": ""},
            )
        assert self.process.stdout is not None
        self.stdout = self.process.stdout

    def read(self, length: int) -> bytes:
        """Exactly so many bytes, fewer at the end of the pipe; fails where none come."""
        data = b""
        while len(data) < length:
            assert select.select([self.stdout], [], [], PATIENCE)[0], "nothing came out of the engine"
            piece = self.stdout.read(length - len(data))
            if not piece:
                break
            data += piece
        return data

    def greet(self) -> frames.Ready:
        assert self.read(len(frames.MARKER)) == frames.MARKER
        ready = self.receive()
        assert isinstance(ready, frames.Ready)
        return ready

    def receive(self) -> frames.FromEngine:
        length = frames.body_length(self.read(frames.HEADER.size))
        return frames.unpack_from_engine(self.read(length))

    def send(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def ask(self, number: int, action: str, argument: str = "") -> None:
        self.request(number, ACT.name, msgspec.msgpack.encode(Act(action, argument)))

    def request(self, number: int, task: str, params: bytes) -> None:
        self.send(frames.pack(frames.Request(number, task, params)))

    def cancel(self, number: int) -> None:
        self.send(frames.pack(frames.Cancel(number)))

    def answer(self, number: int) -> str:
        """The text of the next message, which must be the result of this request."""
        message = self.receive()
        assert isinstance(message, frames.Result), message
        assert message.id == number
        return msgspec.msgpack.decode(message.value, type=Deed).text

    def failure(self, number: int) -> frames.Failure:
        message = self.receive()
        assert isinstance(message, frames.Failure), message
        assert message.id == number
        return message

    def hang_up(self) -> int:
        """Close the engine's stdin and wait for its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(PATIENCE)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.stdout.close()
        if self.process.stdin is not None:
            self.process.stdin.close()
