"""Writing Markdown around words that nobody vouches for: whatever they hold, they stay words.

Everything goes through `visible` first. The tables are GitHub's (https://github.github.com/gfm/#tables-extension-),
the rest is CommonMark.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from encoder_tui.core.text.safe import visible

_SPECIAL: Final = re.compile(r"[\\`*_{}\[\]<>|~&$!#@^]|(?<=:)/(?=/)|(?<=www)\.", re.IGNORECASE)
_FIRST: Final = re.compile(r"[-+=]|\d+(?=[.)])")
"""What makes a list or a heading of a line that begins with it."""


def words(text: str) -> str:
    """Text in a paragraph or a list: every character that Markdown would take as a sign is escaped."""
    shown = _SPECIAL.sub(lambda found: f"\\{found[0]}", " ".join(visible(text).split()))
    first = _FIRST.match(shown)
    if first is None:
        return shown
    at = first.end() if first[0].isdigit() else 0
    return f"{shown[:at]}\\{shown[at:]}"


def code(text: str) -> str:
    """A piece of text as it is, in one line, outside of tables."""
    shown = visible(text)
    if not shown.strip():
        return words(shown.replace(" ", "␣")) or "∅"
    fence = "`" * (_longest_run(shown) + 1)
    # One space on both sides is taken away again where a backtick or a space is at an end.
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def cell(text: str) -> str:
    """A piece of text in a cell of a table.

    Renderers disagree about backslashes before a pipe, and a code span knows no other way to write one: such a text
    is written by the numbers of its characters.
    """
    shown = visible(text)
    if not re.search(r"[|`\\]", shown) and shown.strip(" ") == shown and shown:
        return f"`{shown}`"
    return "".join(
        f"&#{ord(character)};" if not character.isalnum() and character.isascii() and character != " " else character
        for character in shown.strip(" ")
    )


def cell_words(text: str) -> str:
    """Words in a cell of a table: as `words`, with no pipe left."""
    shown = _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", " ".join(visible(text).split()))
    return shown.replace("|", "&#124;")


def fence(text: str) -> str:
    """Lines of text as they are."""
    lines = [visible(line) for line in text.split("\n")]
    mark = "`" * max(3, max(map(_longest_run, lines)) + 1)
    return "\n".join([f"{mark}text", *lines, mark])


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A table of cells that are Markdown already; the first `left` columns are aligned left, the others right."""
    rules = [":--" if index < left else "--:" for index in range(len(heads))]
    return "\n".join(f"| {' | '.join(row)} |" for row in [heads, rules, *rows])


def bullets(lines: Sequence[str]) -> str:
    """A list of lines that are Markdown already."""
    return "\n".join(f"- {line}" for line in lines)


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
