"""Trying a tokenizer from outside in a process of its own, whose death costs nothing.

The Rust library ends its whole process when it gets no memory. The bounds of `core.tokens.inflation` refuse what is
known to inflate a text; here the tokenizer really encodes and decodes the current text, before the window does.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec

from encoder_tui.core.tokens.exact_form import TokenizerForm
from encoder_tui.core.tokens.tokenizer import ModelTokenizer, TokenizationError
from encoder_tui.engine.job import Job, OperationError

MEMORY: Final = 4 << 30
"""Bytes that the tokenizer may take for the text."""
PATIENCE: Final = 60.0
"""Seconds that it may take; a million characters take some."""
LONGEST: Final = 1 << 20
"""Characters of the text that are tried."""
TICK: Final = 0.05


class _Trial(msgspec.Struct):
    form: TokenizerForm
    text: str


def try_tokenizer(form: TokenizerForm, text: str, name: str, job: Job) -> None:
    """Encode and decode a text in another process; raises `OperationError` if that process dies or takes too long."""
    job.progress(f"trying the tokenizer of {name}")
    # A file and no pipe: `Popen.communicate` forgets what it had not sent when its time ran out.
    with tempfile.TemporaryFile(prefix="encoder-tui-") as data:
        data.write(msgspec.msgpack.encode(_Trial(form, text[:LONGEST])))
        data.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "encoder_tui.engine.trial"],
            stdin=data,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Threads would reserve memory that they never use, and the limit counts it.
            env={**os.environ, "TOKENIZERS_PARALLELISM": "false"},
        )
    begun = time.monotonic()
    try:
        while True:
            try:
                process.wait(timeout=TICK)
                break
            except subprocess.TimeoutExpired:
                job.checkpoint()
                if time.monotonic() - begun > PATIENCE:
                    raise OperationError(
                        f"{name}: its tokenizer needs more than {PATIENCE:.0f} seconds for this text and is not used;"
                        " shorten the text or choose another model"
                    ) from None
    finally:
        process.kill()
        process.wait()
    if process.returncode < 0:
        died_of = signal.Signals(-process.returncode).name
        raise OperationError(
            f"{name}: its tokenizer crashed ({died_of}) when it was tried on this text, and is not used; shorten the"
            " text or choose another model"
        )


def main() -> None:
    """Try what stdin holds. An error is not a crash: the window reports it if it happens again."""
    trial = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=_Trial)
    _limit_memory()
    try:
        tokenizer = ModelTokenizer(trial.form)
        encoded = tokenizer.encode([trial.text])[0]
        tokenizer.decode(encoded.ids)
    except (TokenizationError, ValueError):
        pass


def _limit_memory() -> None:
    """Have an allocation beyond the limit fail; some systems know no such limit."""
    with contextlib.suppress(OSError, ValueError):
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        most = used + MEMORY
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
