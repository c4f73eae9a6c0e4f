"""The window as it is, which also writes down what goes wrong in it unseen, and counts its tasks when told to.

Run as a program: `python -m tests.support.watched_app FILE …`, the rest being what `encoder-tui` takes. Every line
of the file is JSON: {"error": …} for what no test would see otherwise, {"tasks": …} at every SIGUSR1, with
LONG_USE_COUNTS in the environment also how many "objects" of each type there are, to find what grows. At SIGUSR2 the
stacks of all threads are written beside it, whatever the window is caught in, and after them what every task waits for.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import json
import logging
import os
import signal
import sys
import threading
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any


def main(file: Path) -> None:
    """Open the window, with an ear on everything that Python says where nobody listens."""

    def note(**what: Any) -> None:
        with file.open("a") as stream:
            stream.write(json.dumps(what) + "\n")

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            note(error=self.format(record))

    def count(*_: object) -> None:
        try:
            tasks = [task.get_name() for task in asyncio.all_tasks()]
        except RuntimeError:  # between two event loops
            tasks = []
        what: dict[str, Any] = {"tasks": len(tasks), "threads": threading.active_count(), "names": sorted(tasks)}
        if "LONG_USE_COUNTS" in os.environ:
            what["blocks"] = sys.getallocatedblocks()
            what["objects"] = Counter(type(one).__name__ for one in gc.get_objects()).most_common(25)
        note(**what)  # one line: who waits for it may read at once

    logging.getLogger().addHandler(Listener(logging.WARNING))
    sys.unraisablehook = lambda what: note(error=f"unraisable: {what.err_msg} {what.exc_value!r} in {what.object!r}")
    threading.excepthook = lambda what: note(
        error="in a thread: " + "".join(traceback.format_exception(what.exc_type, what.exc_value, what.exc_traceback))
    )
    warnings.simplefilter("always", RuntimeWarning)
    warnings.showwarning = lambda message, *_: note(error=f"warning: {message}")  # type: ignore[assignment]
    signal.signal(signal.SIGUSR1, count)
    stacks = file.with_suffix(".stacks").open("w")
    signal.signal(signal.SIGUSR2, lambda *_: print(waiting(), file=stacks, flush=True))
    faulthandler.register(signal.SIGUSR2, stacks, chain=True)

    from encoder_tui.__main__ import main as program

    program()


def waiting() -> str:
    """What every task waits for, from its outermost call to its innermost; those that wait for messages left out."""
    lines = []
    for task in asyncio.all_tasks():
        calls, at = [], task.get_coro()
        while (frame := getattr(at, "cr_frame", None)) is not None:
            calls.append(f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} {frame.f_code.co_qualname}")
            at = at.cr_await
        if "MessagePump._get_message" not in " ".join(calls):
            lines.append(f"{task.get_name()}: {' > '.join(calls)} > {at!r}")
    return "\n".join(lines)


if __name__ == "__main__":
    report = Path(sys.argv.pop(1))
    main(report)
