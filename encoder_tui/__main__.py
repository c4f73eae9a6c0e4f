"""`python -m encoder_tui`, and the entry point of `encoder-tui`."""

from __future__ import annotations

import atexit
import io
import os
import sys


def main() -> None:
    """Run the command line."""
    _open_streams()
    if os.name == "posix" and os.isatty(0) and os.isatty(1):
        # Before anything large is imported: the forked process keeps a copy of this one's memory.
        from encoder_tui.window.terminal import restorer  # noqa: PLC0415

        restorer.start()
        atexit.register(restorer.end)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Where the locale has no room for a token's characters, a question mark is better than no table.
        sys.stdout.reconfigure(errors="replace")
    try:
        from encoder_tui.commands.cli import cli  # noqa: PLC0415  # so that `python -m encoder_tui.engine` never pays for click
    except KeyboardInterrupt:
        # Afterwards the command line sees to it; this early a traceback of imports is all that people would get.
        os.write(2, b"encoder-tui: interrupted\n")
        os._exit(130)
    cli(prog_name="encoder-tui")


def _open_streams() -> None:
    """Give descriptors that whoever started the program has closed somewhere to lead: nobody else may get them."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free
    if sys.stderr is None:
        stream = open(2, "w", errors="backslashreplace", closefd=False)  # noqa: SIM115
        sys.stderr = sys.__stderr__ = stream  # type: ignore[misc]


if __name__ == "__main__":
    main()
