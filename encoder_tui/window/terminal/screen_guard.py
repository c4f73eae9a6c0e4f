"""Keeping the screen for the window alone, and a crash from showing what the user typed."""

from __future__ import annotations

import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from encoder_tui.core.files.private import private_folder

REPORTS: Final = 20
"""Crash reports that are kept."""


@contextmanager
def own_screen() -> Iterator[None]:
    """Give Textual a file descriptor of its own for the terminal, and lead descriptor 2 nowhere meanwhile.

    Textual draws on stderr, and does so here on stdout where only that is a terminal. Libraries in C and Rust
    write to descriptor 2 as well: a panic over a hostile tokenizer would tear the screen. Such words may quote
    the user's text, so they are not kept either.
    """
    sys.stderr.flush()
    before = os.dup(2)
    terminal = os.dup(2 if os.isatty(2) else 1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    streams = sys.stderr, sys.__stderr__
    stream = os.fdopen(os.dup(terminal), "w", encoding="utf-8", errors="replace")
    try:
        os.dup2(nowhere, 2)
        sys.stderr = sys.__stderr__ = stream  # type: ignore[misc]
        yield
    finally:
        stream.close()
        sys.stderr, sys.__stderr__ = streams  # type: ignore[misc]
        os.dup2(before, 2)
        os.close(before)
        os.close(terminal)
        os.close(nowhere)


def write_crash_report(error: BaseException, folder: Path) -> Path | None:
    """Write where an error came from to a file that only the user can read; None where that cannot be done.

    Neither the values of variables nor the error's message are in it: both may quote the user's text.
    """
    try:
        private_folder(folder)
        handle, name = tempfile.mkstemp(prefix=time.strftime("crash-%Y%m%d-%H%M%S-"), suffix=".txt", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            # A worker's failure is wrapped, and what it wraps is what happened.
            for each in (getattr(error, "error", None), error):
                if isinstance(each, BaseException):
                    file.writelines(traceback.format_list(traceback.extract_tb(each.__traceback__)))
                    file.write(f"{type(each).__module__}.{type(each).__qualname__}\n")
        for old in sorted(folder.glob("crash-*.txt"))[:-REPORTS]:
            old.unlink(missing_ok=True)
        return Path(name)
    except OSError:
        return None
