"""Paths as people type them."""

from __future__ import annotations

import errno
from pathlib import Path


def typed_path(text: str) -> Path:
    """Return the path that a user typed, with `~` and `~user` expanded. Raises OSError if it cannot be a path."""
    try:
        path = Path(text.strip()).expanduser()
    except RuntimeError as error:
        raise OSError(errno.ENOENT, "there is no such user") from error
    if "\0" in text or any("\ud800" <= one <= "\udfff" for one in text):
        raise OSError(errno.EINVAL, "no file can have this name")
    return path
