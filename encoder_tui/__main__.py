"""`python -m encoder_tui`, and the entry point of `encoder-tui`."""

from __future__ import annotations

import io
import sys


def main() -> None:
    """Run the command line."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Where the locale has no room for a token's characters, a question mark is better than no table.
        sys.stdout.reconfigure(errors="replace")
    from encoder_tui.cli import cli  # noqa: PLC0415  # so that `python -m encoder_tui.engine` never pays for click

    cli(prog_name="encoder-tui")


if __name__ == "__main__":
    main()
