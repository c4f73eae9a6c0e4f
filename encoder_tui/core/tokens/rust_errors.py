"""Errors of the Rust library `tokenizers`, made readable."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from encoder_tui.core.text.library_words import in_one_line

_silences = threading.Lock()
_depth = 0
_real = -1


@contextmanager
def silence() -> Iterator[None]:
    """Send file descriptor 2 to the null device during calls that receive texts.

    If a Rust library panics, it prints there and quotes the text unchanged: into the engine's log, or raw onto the
    terminal of a command. The exception carries the same message.
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
                # A program that was started without this descriptor does not get it back.
                if _real >= 0:
                    os.dup2(_real, 2)
                os.close(_real if _real >= 0 else 2)
                _real = -1


@contextmanager
def refusals(kind: type[Exception], what: str) -> Iterator[None]:
    """Raise the errors of the Rust library as `kind`, in one line that begins with `what`.

    The library raises bare Exception; if it panics, a BaseException that is not an Exception. Its messages quote
    tokens, so their content is not trusted.
    """
    try:
        yield
    except BaseException as error:
        if isinstance(error, kind) and kind is not ValueError:
            # Our own exceptions on the way to the library, for example MemoryError.
            raise
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise kind(f"{what}: {words(error)}") from error


def words(error: BaseException) -> str:
    """Return the message of an error as one line of bounded length. The type is added if the message is empty or a bare
    key.
    """
    said = in_one_line(str(error))
    kind = type(error).__name__
    return kind if not said else f"{kind}: {said}" if isinstance(error, KeyError) else said
