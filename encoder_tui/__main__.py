"""`python -m encoder_tui`, and the entry point of `encoder-tui`."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from encoder_tui.cli import cli  # noqa: PLC0415  # so that `python -m encoder_tui.engine` never pays for click

    cli(prog_name="encoder-tui")


if __name__ == "__main__":
    main()
