"""The help's texts, out of the package: a file for each pane, a section for each of its views."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from typing import Final

TERMINAL: Final = "terminal"
MODELS: Final = "models"
WIDTH: Final = 72
"""Characters that a line of a command has, if it can be broken."""


@lru_cache
def sections(page: str) -> dict[str, str]:
    """A page's sections by their headings, the empty one being what stands before them; Markdown."""
    text = resources.files("encoder_tui.window.help").joinpath(f"{page}.md").read_text("utf-8")
    found = {"": ""}
    name = ""
    for line in text.splitlines(keepends=True):
        heading = re.fullmatch(r"## (.+)\n?", line)
        if heading:
            name = heading[1].strip()
            found[name] = ""
        else:
            found[name] += line
    return {heading: words.strip() for heading, words in found.items()}


def quoted(text: str) -> str:
    """The beginning of a text, short enough for a command to try."""
    words = " ".join(text.split())
    return (words if len(words) <= 60 else f"{words[:59]}…") or "Hello!"


def command(asked: Sequence[str], models: Sequence[str]) -> str:
    """A shell command, on as many lines as it needs: encoder-tui with these models and these words."""
    pieces = ["encoder-tui", *(shlex.join(("-m", name)) for name in models), shlex.join(asked)]
    lines, last = [], ""
    for piece in pieces:
        if last and len(last) + len(piece) > WIDTH:
            lines.append(f"{last} \\")
            last = f"  {piece}"
        else:
            last = f"{last} {piece}".lstrip() if not lines else f"{last} {piece}"
    return "\n".join([*lines, last])
