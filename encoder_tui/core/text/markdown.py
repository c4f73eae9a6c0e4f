"""Write Markdown around untrusted text, so that whatever it contains stays text.

Everything goes through `visible` first. The tables are GitHub's (https://github.github.com/gfm/#tables-extension-), the
rest is CommonMark.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from encoder_tui.core.text.safe import visible

_SPECIAL: Final = re.compile(r"[\\`*_{}\[\]<>|~&$!#@^]|(?<=:)/(?=/)|(?<=www)\.", re.IGNORECASE)
_FIRST: Final = re.compile(r"[-+=]|\d+(?=[.)])")
"""Characters at the beginning of a line that would make it a list or a heading."""


def words(text: str) -> str:
    """Escape text for a paragraph or a list: every character with a meaning in Markdown is escaped."""
    shown = _SPECIAL.sub(lambda found: f"\\{found[0]}", " ".join(visible(text).split()))
    first = _FIRST.match(shown)
    if first is None:
        return shown
    at = first.end() if first[0].isdigit() else 0
    return f"{shown[:at]}\\{shown[at:]}"


def code(text: str) -> str:
    """Write a piece of text literally, in one line, outside of tables."""
    shown = visible(text)
    if not shown.strip():
        return words(shown.replace(" ", "␣")) or "∅"
    fence = "`" * (_longest_run(shown) + 1)
    # One space on both sides is taken away again where a backtick or a space is at an end.
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def cell(text: str) -> str:
    """Write a piece of text literally in a cell of a table.

    Renderers disagree about backslashes before a pipe, and a code span has no other way to write one, so such a text is
    written with character references.
    """
    shown = visible(text)
    if not re.search(r"[|`\\]", shown) and shown.strip(" ") == shown and shown:
        return f"`{shown}`"
    return "".join(
        f"&#{ord(character)};" if not character.isalnum() and character.isascii() and character != " " else character
        for character in shown.strip(" ")
    )


def cell_words(text: str) -> str:
    """Escape text for a cell of a table: as `words` does, without pipes."""
    shown = _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", " ".join(visible(text).split()))
    return shown.replace("|", "&#124;")


def fence(text: str, language: str = "text") -> str:
    """Write lines of text literally; `language` is what renderers may colour them as."""
    lines = [visible(line) for line in text.split("\n")]
    mark = "`" * max(3, max(map(_longest_run, lines)) + 1)
    return "\n".join([f"{mark}{language}", *lines, mark])


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Write a table of cells that are already Markdown; the first `left` columns are aligned left, the others right."""
    rules = [":--" if index < left else "--:" for index in range(len(heads))]
    return "\n".join(f"| {' | '.join(row)} |" for row in [heads, rules, *rows])


def bullets(lines: Sequence[str]) -> str:
    """Write a list of lines that are already Markdown."""
    return "\n".join(f"- {line}" for line in lines)


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
