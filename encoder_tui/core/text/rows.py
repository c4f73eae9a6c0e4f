"""Rows of a label and a text as lines of plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

LONGEST: Final = 12
"""Lines of a text beside a label; all of it is in the JSON."""


def labelled_rows(rows: Sequence[tuple[str, str]], width: int) -> list[str]:
    """Return rows of a label and a text as wrapped lines; a text of more than twelve lines is cut."""
    left = max((len(label) for label, _ in rows), default=0)
    lines: list[str] = []
    for label, text in rows:
        first = f"  {label:<{left}}  "
        # Names of files and models hold hyphens, and are copied.
        wrapped = textwrap.wrap(
            text, width, initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False
        )
        lines += wrapped if len(wrapped) <= LONGEST else [*wrapped[:LONGEST], " " * len(first) + "…"]
    return lines
