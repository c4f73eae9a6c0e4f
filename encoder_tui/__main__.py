"""`python -m encoder_tui`, and the entry point of `encoder-tui`."""

from __future__ import annotations

import atexit
import io
import os
import sys


def main() -> None:
    """Run the command line; start the process that restores the terminal if there is one."""
    _open_streams()
    if os.name == "posix" and os.isatty(0) and os.isatty(1):
        # Before large imports, because the forked process keeps a copy of this one's memory.
        from encoder_tui.window.terminal import restorer  # noqa: PLC0415

        restorer.start()
        atexit.register(restorer.end)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # If the locale cannot encode a token, a question mark is better than no table.
        sys.stdout.reconfigure(errors="replace")
    try:
        from encoder_tui.commands.cli import cli  # noqa: PLC0415  # so that `python -m encoder_tui.engine` never pays for click
    except KeyboardInterrupt:
        # Later the command line handles it; this early, Python would print a traceback of imports.
        os.write(2, b"encoder-tui: interrupted\n")
        os._exit(130)
    cli(prog_name="encoder-tui")


def _open_streams() -> None:
    """Open closed standard descriptors to the null device, so that no other file gets their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # opens the lowest free number
    if sys.stderr is None:
        stream = open(2, "w", errors="backslashreplace", closefd=False)  # noqa: SIM115
        sys.stderr = sys.__stderr__ = stream  # type: ignore[misc]


if __name__ == "__main__":
    main()
