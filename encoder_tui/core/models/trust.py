"""Whose Python code may run: only that of models which the user named in `trust_remote_code`.

A Hub id in that list allows the repository's default branch, and commits with their full hash; `OWNER/NAME@X` allows
only the revision X. References such as `refs/pr/1`, to which anybody may push, are never trusted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from encoder_tui.core.files.outside_names import NameRefused, inside, refuse_name, shown
from encoder_tui.core.models.files import ModelFiles
from encoder_tui.core.models.names import ModelError, is_path, parse_name
from encoder_tui.core.models.own_code import CODE

DEFAULT_BRANCH: Final = "main"
COMMIT: Final = re.compile(r"[0-9a-f]{40}")


def is_trusted(files: ModelFiles, trusted: Iterable[str]) -> bool:
    """Return whether the user allowed a model's own code: a repository by its Hub id, a directory by a path.

    An ambiguous name counts as a Hub id, so a directory of the same name is never trusted by accident.
    """
    if files.repo is None:
        return files.source == "directory" and any(is_path(name) and _is_place(name, files) for name in trusted)
    revision = parse_name(files.name, is_elsewhere=True).revision
    if revision is None or revision == DEFAULT_BRANCH or COMMIT.fullmatch(revision):
        return not {files.repo, files.name}.isdisjoint(trusted)
    return files.name in trusted and not revision.startswith("refs/")


def _is_place(name: str, files: ModelFiles) -> bool:
    """Return whether a path leads to a model's directory; on another machine it must be the same full path."""
    return name == files.name or _same_place(name, files.directory)


def _same_place(first: str, second: str) -> bool:
    try:
        return Path(first).expanduser().resolve() == Path(second).expanduser().resolve()
    except (OSError, ValueError, RuntimeError):
        return False


def also_allowed(others: Iterable[str], trusted: Iterable[str]) -> tuple[str, ...]:
    """Return those of `others` (repositories, directories) whose code may run too, because they are trusted."""
    known = set(trusted)
    return tuple(
        sorted(
            other
            for other in others
            if other in known or any(is_path(name) and _same_place(name, other) for name in known)
        )
    )


def refuse_code(name: str, directory: Path, classes: Iterable[str], own: str | None, allowed: Iterable[str]) -> None:
    """Raise `ModelError` if a trusted model would run code that the user did not trust.

    That is code of another repository or directory that is not in `allowed`, and a module that is not a file inside
    the model's own directory. `own` is the model's Hub id, if it has one.
    """
    for written in sorted(classes):
        other, dashes, reference = written.rpartition("--")
        module, dot, kind = reference.partition(".")
        if dashes and other != own and other not in allowed:
            raise ModelError(
                f"{name} would run the code of {shown(other)}, which is not trusted;"
                " look at that code too, and add its name to trust_remote_code if you trust it"
            )
        try:
            refuse_name(module)
            if not (dot and kind.isidentifier() and all(re.fullmatch(r"[\w-]+", part) for part in module.split("/"))):
                raise NameRefused(f"names {shown(written)}, which is not a class of a module")
            if not dashes:
                inside(directory, f"{module}.py", directory / "config.json")
        except NameRefused as error:
            raise ModelError(f"{name}: its {CODE} {error}, so none of its code is run") from error
