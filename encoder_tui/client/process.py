"""The engine's process as the app sees it: start it, exchange frames, end it, and find out why it died."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from encoder_tui import __version__
from encoder_tui.client.heartbeat import BEAT, GIVEN_UP_AFTER
from encoder_tui.core.files.private import open_file, private_folder
from encoder_tui.core.text.library_words import without_advice
from encoder_tui.core.text.safe import visible
from encoder_tui.protocol import frames
from encoder_tui.protocol.parent import environment
from encoder_tui.protocol.pipes import PIPES

END_GRACE: Final = 2.0
"""Seconds that a process has to end, once its pipe is closed, before it is killed."""
LONGEST_LOG: Final = 1 << 20
"""Size in bytes beyond which the next engine begins a new log."""
LOG_TAIL: Final = 1 << 16
"""Bytes at the end of the log that are searched for the last line."""


class StartError(Exception):
    """The command cannot be started; the message is one sentence."""


class Child:
    """A running engine: its pipes, its part of the log, and its process group."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path, log_start: int) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.pid = process.pid
        self.is_ending = False
        self._outlived_its_pipe = False
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._log = log
        self._log_start = log_start

    @classmethod
    async def spawn(
        cls, command: str | None, log: Path, offline: bool = False, descriptors: Sequence[int] = ()
    ) -> Child:
        """Start `command`, None for the engine of this installation. Raises `StartError`.

        `offline` forbids the engine to contact the Hub; a remote engine receives that with each request. The engine
        inherits the `descriptors`, from which it reads documents.
        """
        words = command_words(command)
        try:
            log_file = open_log(log)
        except OSError:
            log_file = os.open(os.devnull, os.O_WRONLY)
        try:
            log_start = os.fstat(log_file).st_size
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log_file,
                env={
                    **environment(),
                    **({"HF_HUB_OFFLINE": "1"} if offline else {}),
                    PIPES: ",".join(map(str, descriptors)),
                },
                pass_fds=tuple(descriptors),
                # Its own process group: ctrl+z and a closing terminal concern only the app, and a shell between
                # the app and the engine is killed together with it.
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise cannot_start(f"{shlex.join(words)}: {reason}") from error
        finally:
            os.close(log_file)
        return cls(process, log, log_start)

    async def skip_banner(self) -> None:
        """Read up to and including the marker.

        Raises `ProtocolError` if the first megabyte has none, and `IncompleteReadError` at the end.
        """
        skipped = 0
        while True:
            try:
                await self._stdout.readuntil(frames.MARKER)
            except asyncio.LimitOverrunError as overrun:
                skipped += len(await self._stdout.readexactly(overrun.consumed))
                if skipped > frames.BANNER_LIMIT:
                    raise frames.ProtocolError("no frame in its first megabyte") from overrun
            else:
                return

    async def receive(self) -> frames.FromEngine:
        """Return the next message. Raises `ProtocolError`, `IncompleteReadError` at the end, `OSError`."""
        header = await self._stdout.readexactly(frames.HEADER.size)
        return frames.unpack_from_engine(await self._stdout.readexactly(frames.body_length(header)))

    def write(self, frame: bytes) -> None:
        """Put a whole frame into the pipe's queue; do nothing if the engine has closed the pipe.

        The reader notices that the engine is gone. asyncio counts writes to a closed pipe and logs a warning at the
        fifth.
        """
        if not self._stdin.is_closing():
            self._stdin.write(frame)

    async def drain(self) -> None:
        """Wait until the pipe has accepted what was written. May raise `OSError` if it is closed."""
        await self._stdin.drain()

    def hang_up(self) -> None:
        """Close the engine's stdin, which ends it."""
        self._stdin.close()

    def kill(self) -> None:
        """Kill the process now, with all others of its group, even if the process itself has already ended."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    async def end(self) -> int:
        """Wait for the process to end, kill it if it only closed its pipe, and return its exit code."""
        self.is_ending = True
        self.hang_up()
        for _ in range(2):
            with contextlib.suppress(TimeoutError, OSError):
                await asyncio.wait_for(self._exhausted(), END_GRACE)
                break
            self._outlived_its_pipe = True
            self.kill()
        # Other processes of its group may also hold a GPU.
        self.kill()
        code = self._process.returncode
        return -signal.SIGKILL if code is None else code

    async def _exhausted(self) -> None:
        # Unread output would keep `wait` from returning: it also waits for the pipes, and a full one blocks.
        while await self._stdout.read(1 << 16):
            pass
        await self._process.wait()

    def post_mortem(self, code: int, was_starting: bool, broke_off: bool) -> str:
        """Return a sentence that says how the engine ended; `broke_off` means that its last frame is incomplete."""
        number = -code if code < 0 else code - 128 if code > 128 else 0  # as a shell reports a signal
        if number == signal.SIGKILL and self._outlived_its_pipe:
            return "the engine closed its output and was ended"
        if number == signal.SIGKILL:
            return "the engine was killed (SIGKILL; perhaps the machine ran out of memory)"
        if number:
            with contextlib.suppress(ValueError):
                name = signal.Signals(number).name
                verb = "was ended" if name in {"SIGTERM", "SIGHUP", "SIGINT"} else "crashed"
                return f"the engine {verb} ({name})"
        last = self._last_log_line() if code or was_starting else ""
        if was_starting:
            return f"the engine did not start: {last or f'exit code {code}'}"
        if broke_off and not code:
            return "the engine's answer is incomplete: it ended in the middle"
        return f"the engine ended with exit code {code}{last and ': '}{last}"

    def _last_log_line(self) -> str:
        """Return the last line that the engine, or the command that should start it, wrote to the log."""
        with contextlib.suppress(OSError), os.fdopen(open_file(self._log, os.O_RDONLY), "rb") as file:
            file.seek(max(self._log_start, file.seek(0, os.SEEK_END) - LOG_TAIL))
            lines = file.read(LOG_TAIL).decode("utf-8", "replace").splitlines()
            return next((printable(without_advice(line))[:200] for line in reversed(lines) if line.strip()), "")
        return ""


def open_log(log: Path) -> int:
    """Return a descriptor that appends to the log, which only its owner can read. Raises OSError.

    A long log is renamed to `.1` and replaces the previous one, so there are never more than two.
    """
    private_folder(log.parent)
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LONGEST_LOG:
            log.replace(log.with_name(f"{log.name}.1"))
    descriptor = open_file(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with contextlib.suppress(OSError):
        # Not the mode of a null device, which belongs to root.
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fchmod(descriptor, 0o600)
    return descriptor


def command_words(command: str | None) -> list[str]:
    """Split a command into words as a shell would. Raises `StartError`.

    The engine of this installation is started with `-P`, so that no folder named torch in the working directory is
    imported.
    """
    if command is None:
        return [sys.executable, "-P", "-m", "encoder_tui.engine"]
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise cannot_start(f"{command}: {error}") from error
    if not words:
        raise cannot_start("its command is empty")
    return words


def cannot_start(reason: str) -> StartError:
    """Return the error for a command that cannot be started."""
    return StartError(f"the engine cannot be started: {printable(reason)}")


def other_version(version: str) -> str:
    """Return the sentence for an engine with another version of the protocol."""
    return (
        f"the engine is version {printable(version)[:40]} but this app is version {__version__}; "
        "they are incompatible; install the same version at both ends"
    )


def silence(was_starting: bool, command: str | None) -> str:
    """Return the sentence for an engine that was killed because it sent nothing."""
    seconds = f"{BEAT * GIVEN_UP_AFTER:.0f} seconds"
    if not was_starting:
        return f"the engine did not answer for {seconds}"
    hint = "" if command is None else f"; check that `{printable(command)[:60]}` starts an encoder-tui engine"
    return f"the engine did not start: no answer for {seconds}{hint}"


def printable(text: str) -> str:
    """Return a text as one line without control characters, safe to print to a terminal."""
    return visible(" ".join(text.split()))
