"""The texts of the help, read from the package: a file per pane, with a section per view."""

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
"""Maximum number of characters in a line of a command, if the line can be broken."""


@lru_cache
def sections(page: str) -> dict[str, str]:
    """Return a page's sections, in Markdown, by heading; the text before the first heading has the key `""`."""
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
    """Return the beginning of a text, at most 60 characters, for use in a command."""
    words = " ".join(text.split())
    return (words if len(words) <= 60 else f"{words[:59]}…") or "Hello!"


def command(arguments: Sequence[str], models: Sequence[str]) -> str:
    """Return a shell command that runs encoder-tui with these models and arguments, on as many lines as it needs."""
    pieces = ["encoder-tui", *(shlex.join(("-m", name)) for name in models), shlex.join(arguments)]
    lines, last = [], ""
    for piece in pieces:
        if last and len(last) + len(piece) > WIDTH:
            lines.append(f"{last} \\")
            last = f"  {piece}"
        else:
            last = f"{last} {piece}".lstrip() if not lines else f"{last} {piece}"
    return "\n".join([*lines, last])
