"""Keep other output off the window's screen, and the user's text out of crash reports.

Textual draws on `sys.__stderr__`, which is replaced here while the window is open: it has no option for another stream.
Tried with Textual 8.2.8.
"""

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
"""Number of crash reports that are kept."""


@contextmanager
def own_screen() -> Iterator[None]:
    """Give Textual its own file descriptor for the terminal, and point descriptor 2 to the null device meanwhile.

    Textual draws on stderr, or here on stdout if only that is a terminal. Libraries in C and Rust also write to
    descriptor 2: a panic over a hostile tokenizer would garble the screen. What they write may quote the user's text,
    so it is not kept.
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
    """Write the traceback of an error to a file that only the user can read; return its path, None if that fails.

    The file has neither values of variables nor the error's message: both may quote the user's text.
    """
    try:
        private_folder(folder)
        handle, name = tempfile.mkstemp(prefix=time.strftime("crash-%Y%m%d-%H%M%S-"), suffix=".txt", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            # The error of a worker is wrapped in another one.
            for each in (getattr(error, "error", None), error):
                if isinstance(each, BaseException):
                    file.writelines(traceback.format_list(traceback.extract_tb(each.__traceback__)))
                    file.write(f"{type(each).__module__}.{type(each).__qualname__}\n")
        for old in sorted(folder.glob("crash-*.txt"))[:-REPORTS]:
            old.unlink(missing_ok=True)
        return Path(name)
    except OSError:
        return None
