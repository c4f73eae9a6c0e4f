"""The names of models, as a user types them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import msgspec

from encoder_tui import builtin
from encoder_tui.core.text.numbers import enumeration
from encoder_tui.core.text.safe import last_part, shorten, visible

REVISION: Final = re.compile(r"(?!.*\.\.)\w[\w.+/-]{0,199}", re.ASCII)
"""A branch, a tag, a commit, or a reference such as refs/pr/1; never a path out of the cache."""


HUB_ID: Final = re.compile(r"(?!.*(\.\.|--))[A-Za-z0-9_]([\w.-]*\w)?(/[A-Za-z0-9_]([\w.-]*\w)?)?", re.ASCII)
"""OWNER/NAME by the Hub's rule: no `..`, and no `--`, which separates the parts in names of cache folders."""


class ModelError(Exception):
    """A model cannot be used; the message is one sentence that says why and what to do."""


class ModelName(msgspec.Struct, frozen=True):
    """A model as the user names it: `builtin:bert`, a directory, or a Hub id, with an optional `@REVISION`."""

    text: str
    location: str
    revision: str | None = None

    @property
    def is_builtin(self) -> bool:
        return self.location.startswith("builtin:")

    @property
    def is_directory(self) -> bool:
        """Whether the name can only be a directory, or one of this name exists."""
        return is_path(self.location) or is_directory_here(self.location)

    @property
    def short(self) -> str:
        """The name without its owner or folder, for the margin of a screen."""
        return last_part(self.location)


def parse_name(text: str, is_elsewhere: bool = False) -> ModelName:
    """Parse a model's name. Raises `ModelError` if it cannot name a model.

    If the engine is remote (`is_elsewhere`), a name that is not a valid Hub id may be a directory on that machine.
    """
    if not text.strip():
        raise ModelError("the model's name is empty; give a Hub id, a directory, or builtin:bert")
    shown = shorten(visible(text), 100)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ModelError(f"{shown}: the name is not valid UTF-8; rename the directory")
    if text.startswith("builtin:"):
        if text.removeprefix("builtin:") not in builtin.MODELS:
            known = enumeration([f"builtin:{name}" for name in builtin.MODELS])
            raise ModelError(f"{shown} does not exist; the built-in models are {known}")
        return ModelName(text, text)
    # A directory has no revisions, so an @ is part of its name.
    whole = ModelName(text, text)
    if whole.is_directory:
        return whole
    location, at, revision = text.rpartition("@")
    name = ModelName(text, location, revision) if at and location and revision else whole
    is_id = HUB_ID.fullmatch(name.location) and len(name.location) <= 200
    is_revision = name.revision is None or REVISION.fullmatch(name.revision)
    if is_elsewhere and not (is_id and is_revision):
        return whole
    if not is_id:
        raise ModelError(f"{shown} is neither a directory here nor a Hub id (OWNER/NAME)")
    if not is_revision:
        raise ModelError(f"{shown}: the part after the @ is not a branch, tag or commit")
    return name


def is_path(text: str) -> bool:
    """Return whether a name can only be a directory, whether it exists or not."""
    return text.startswith(("/", "./", "../", "~")) or text in {".", ".."}


def is_directory_here(text: str) -> bool:
    """Return whether a directory of this name exists; False if that cannot be checked."""
    try:
        return Path(text).is_dir()
    except (OSError, ValueError):
        return False
