"""Files that the user asked for: whole or not at all, and never over another one unasked."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


class FileExistsAlready(Exception):
    """There is a file of this name, and nobody said that it may be replaced."""


def write_whole(path: Path, content: str | bytes, *, replace: bool = False) -> None:
    """Write a file beside its place and move it there.

    Raises `FileExistsAlready` where there is one and `replace` is not given, and `OSError`.
    """
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    if path.is_dir():
        raise IsADirectoryError(21, "it is a directory", str(path))
    if path.exists() and not replace:
        raise FileExistsAlready(str(path))
    temporary = path.with_name(f".{path.name[:64]}.{secrets.token_hex(4)}.tmp")
    # With the permissions that any new file of the user's gets, which a temporary file of Python has not.
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        if replace:
            temporary.replace(path)
        else:
            try:
                # A link fails where somebody made the file meanwhile; not every file system has links.
                path.hardlink_to(temporary)
            except FileExistsError:
                raise FileExistsAlready(str(path)) from None
            except OSError:
                temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
