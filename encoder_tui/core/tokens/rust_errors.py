"""What the Rust library `tokenizers` raises, as errors that a person can read."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from encoder_tui.core.text.safe import visible

_silences = threading.Lock()
_depth = 0
_real = -1


@contextmanager
def silence() -> Iterator[None]:
    """Lead descriptor 2 nowhere meanwhile, for calls that are given texts.

    A panic of a Rust library prints there, and quotes the text as it is: into the engine's log, or raw onto the
    terminal of a command. What it has to say is in the exception too.
    """
    global _depth, _real  # noqa: PLW0603  # the descriptor is one for all threads
    with _silences:
        if not _depth:
            with contextlib.suppress(OSError):
                _real = os.dup(2)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 2)
            os.close(nowhere)
        _depth += 1
    try:
        yield
    finally:
        with _silences:
            _depth -= 1
            if not _depth:
                # A program that was started without the descriptor has it no longer.
                if _real >= 0:
                    os.dup2(_real, 2)
                os.close(_real if _real >= 0 else 2)
                _real = -1


@contextmanager
def refusals(kind: type[Exception], what: str) -> Iterator[None]:
    """Turn what the Rust library raises into `kind`, in one line that begins with `what`.

    It raises bare Exception, and where it panics a BaseException that is no Exception. Its messages quote
    tokens, so they come from strangers.
    """
    try:
        yield
    except BaseException as error:
        if isinstance(error, kind) and kind is not ValueError:
            # Raised by ourselves, on the way to the library; memory that ran out is one kind.
            raise
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise kind(f"{what}: {words(error)}") from error


def words(error: BaseException) -> str:
    """What an error says, as one line of bounded length; with its kind where it says nothing, or a bare key."""
    said = visible(" ".join(str(error).split())[:240])
    kind = type(error).__name__
    return kind if not said else f"{kind}: {said}" if isinstance(error, KeyError) else said
