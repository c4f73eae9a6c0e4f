"""Calling the program as a script does, and what has to hold of every call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

PROGRAM = (sys.executable, "-m", "encoder_tui")
PATIENCE = 120


class Done(NamedTuple):
    """What a call came to."""

    code: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        return self.stdout.decode()

    @property
    def data(self) -> Any:
        """stdout as one JSON value; fails where anything else is on it."""
        assert self.stdout.endswith(b"\n")
        return json.loads(self.stdout.decode("ascii"))

    @property
    def remarks(self) -> list[str]:
        """The lines of stderr."""
        return self.stderr.splitlines()

    @property
    def models(self) -> list[dict[str, Any]]:
        return self.data["models"]


def call(
    *arguments: str | bytes | Path,
    stdin: bytes | int | None = b"",
    environ: Mapping[str, str | Path] | None = None,
    program: tuple[str, ...] = PROGRAM,
    may_trace: bool = False,
) -> Done:
    """Run the program to its end; `stdin` is what it reads, or the file descriptor that it reads from.

    Whatever the call was: no traceback unless asked for, and no control character on stdout or stderr.
    """
    done = subprocess.run(
        [*program, *arguments],
        **({"stdin": stdin} if isinstance(stdin, int) else {"input": stdin}),
        env={**os.environ, **(environ or {})},
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    stderr = done.stderr.decode()
    assert "Traceback" not in stderr or may_trace or "--debug" in arguments, stderr
    for printed in (done.stdout.decode(), stderr):
        strange = {c for c in printed if not c.isprintable()} - {"\n"}
        assert not strange, ascii(strange)
    return Done(done.returncode, done.stdout, stderr)


def named(*models: str | Path) -> list[str]:
    """The options that name models."""
    return [word for model in models for word in ("-m", str(model))]
