"""Tables in files that a spreadsheet may open."""

from __future__ import annotations

import re
from typing import Final

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs a cell that begins with one of these as a formula, or skips it and then finds one."""
_NUMBER: Final = re.compile(r"[+-]\d[\d,]*(\.\d+)?(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


def text_cell(text: str) -> str:
    """Return a cell of text that no spreadsheet runs as a formula.

    In every table that is written to a file, text that begins with one of `FORMULA` gets an apostrophe before it,
    which makes it text. Numbers are written unchanged, also with a minus. So are the clipboard, and files that programs
    read (JSON).
    """
    return f"'{text}" if text.startswith(FORMULA) else text


def safe_table(table: str) -> str:
    """Return lines of cells separated by tabs, each of them a number, a sign alone, or text as in `text_cell`."""

    def cell(text: str) -> str:
        return text if len(text) == 1 or _NUMBER.fullmatch(text) else text_cell(text)

    return "\n".join("\t".join(map(cell, line.split("\t"))) for line in table.split("\n"))
