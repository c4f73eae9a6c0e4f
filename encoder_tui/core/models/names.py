"""The names of models, as a user types them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import msgspec

from encoder_tui import builtin
from encoder_tui.core.text.safe import last_part, shorten, visible

REVISION: Final = re.compile(r"(?!.*\.\.)\w[\w.+/-]{0,199}", re.ASCII)
"""A branch, a tag, a commit, or a reference such as refs/pr/1; never a way out of a folder of the cache."""


HUB_ID: Final = re.compile(r"(?!.*(\.\.|--))[A-Za-z0-9_]([\w.-]*\w)?(/[A-Za-z0-9_]([\w.-]*\w)?)?", re.ASCII)
"""OWNER/NAME by the Hub's own rule: no `..`, and no `--`, which separates the parts in names of the cache's folders."""


class ModelError(Exception):
    """A model that cannot be had; the message is one sentence that says why and what to do."""


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
        """Whether the name can only be a directory, or is one."""
        return is_path(self.location) or is_directory_here(self.location)

    @property
    def short(self) -> str:
        """The name without its owner or folder, for the margin of a screen."""
        return last_part(self.location)


def parse_name(text: str, is_elsewhere: bool = False) -> ModelName:
    """Read a model's name; raises `ModelError` for one that cannot name a model.

    Where the models are elsewhere, on the engine's side, what can be no Hub id may be a directory there.
    """
    if not text.strip():
        raise ModelError("a model's name is empty; name a Hub id, a directory, or builtin:bert")
    shown = shorten(visible(text), 100)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ModelError(f"{shown}: the name is not valid UTF-8; rename the directory")
    if text.startswith("builtin:"):
        if text.removeprefix("builtin:") not in builtin.MODELS:
            known = " and ".join(f"builtin:{name}" for name in builtin.MODELS)
            raise ModelError(f"there is no {shown}; the built-in models are {known}")
        return ModelName(text, text)
    # A directory has no revisions, so what follows an @ is a part of its name.
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
        raise ModelError(f"{shown} is neither a directory here nor a Hub id of the form OWNER/NAME")
    if not is_revision:
        raise ModelError(f"{shown}: what follows the @ is no branch, tag or commit")
    return name


def is_path(text: str) -> bool:
    """Whether a name can only be a directory, whatever there is."""
    return text.startswith(("/", "./", "../", "~")) or text in {".", ".."}


def is_directory_here(text: str) -> bool:
    """Whether there is a directory of this name; one that cannot be looked at, or cannot be, is none."""
    try:
        return Path(text).is_dir()
    except (OSError, ValueError):
        return False
