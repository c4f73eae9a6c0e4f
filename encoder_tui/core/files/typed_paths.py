"""Paths as people type them."""

from __future__ import annotations

import errno
import re
import shlex
from pathlib import Path
from typing import Final

_QUOTED: Final = re.compile(r"""\s*['"]|.*\\[ '"()&\[\]]""", re.DOTALL)
"""How a terminal types the names of files that were dropped on it, if a shell would not take them as they are."""


def dropped(text: str) -> list[str]:
    """Return the names in a typed text: one as it is, or those that are quoted as a shell quotes them."""
    if _QUOTED.match(text):
        try:
            return shlex.split(text) or [text]
        except ValueError:  # a quote that belongs to the name
            pass
    return [text.strip()]


def typed_path(text: str) -> Path:
    """Return the path that a user typed, with `~` and `~user` expanded. Raises OSError if it cannot be a path."""
    try:
        path = Path(text.strip()).expanduser()
    except RuntimeError as error:
        raise OSError(errno.ENOENT, "there is no such user") from error
    if "\0" in text or any("\ud800" <= one <= "\udfff" for one in text):
        raise OSError(errno.EINVAL, "no file can have this name")
    return path
