"""Making paths from untrusted names: of a listing of the Hub, an index of weights, a configuration.

One rule holds for all of them. A name is relative and printable, at most `LONGEST` bytes long, and has no empty
part, no `.` or `..`, no backslash and no colon (a drive, or a stream of a file). Its path, links
followed, stays inside the given folder. Links may lead to two more places, because they belong to the same model: the
cache's repository, if the folder is one of its snapshots (their files are links to `../../blobs`), and the folder that
really holds the file that states the name (a folder of links to another folder was made by its owner). Links whose
names do not come from outside, such as `config.json`, are the owner's as well.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Final

from encoder_tui.core.text.safe import shorten, visible

LONGEST: Final = 180
"""Bytes of a whole name; a commit, a suffix and a hash must fit into the same file name."""


class NameRefused(ValueError):
    """An untrusted name is refused; the message is a clause such as `names ../x, which …`."""


def refuse_name(name: str) -> None:
    """Raise `NameRefused` for a text that is not a valid name of a file inside a folder."""
    if not name or len(name.encode("utf-8", "surrogatepass")) > LONGEST:
        raise NameRefused(f"names {shown(name)}, which is {'longer than a name may be' if name else 'empty'}")
    if not name.isprintable():
        raise NameRefused(f"names {shown(name)}, which contains control characters")
    if set(name) & set("\\:") or any(part in {"", ".", ".."} for part in name.split("/")):
        raise NameRefused(f"names {shown(name)}, which is not a file inside the folder")


def is_name(name: str) -> bool:
    """Return whether `refuse_name` accepts a name."""
    try:
        refuse_name(name)
    except NameRefused:
        return False
    return True


def inside(folder: Path, name: str, stated_by: Path | None = None) -> Path:
    """Return the path of an untrusted name in a folder. Raises `NameRefused`.

    The path need not exist: this holds for reading and for writing. `stated_by` is the file that states the name.
    """
    refuse_name(name)
    path = folder / name
    try:
        allowed = [folder.resolve()]
        repository = folder.parent.parent
        if folder.parent.name == "snapshots" and repository.name.startswith(("models--", "datasets--")):
            allowed.append(repository.resolve())
        if stated_by is not None:
            allowed.append(stated_by.resolve().parent)
        real = path.resolve()
    except (OSError, RuntimeError) as error:  # links that lead to each other
        raise NameRefused(f"names {shown(name)}, which cannot be followed") from error
    if not any(real.is_relative_to(place) for place in allowed):
        raise NameRefused(f"names {shown(name)}, which is a link out of the folder")
    refuse_special(path)
    return path


def refuse_special(path: Path) -> None:
    """Raise `NameRefused` for a pipe, a socket or a device; a missing file passes."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise NameRefused(f"has {shown(path.name)}, which is a pipe, a socket or a device and not a file")


def shown(name: str) -> str:
    """Return a name for a message, safe to print."""
    return shorten(visible(name), 80)
