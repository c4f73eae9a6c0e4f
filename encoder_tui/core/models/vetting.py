"""Checks of a model's directory before transformers reads it.

transformers follows whatever a model's files say: an index of weights may name files anywhere, a configuration may
name other configurations and code of other repositories, and it waits for a pipe in place of a file. The checks run
before transformers opens anything.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from encoder_tui.core.files.outside_names import NameRefused, inside, refuse_special, shown
from encoder_tui.core.files.private import read_file
from encoder_tui.core.models.limits import refuse_beyond_bounds
from encoder_tui.core.models.names import ModelError
from encoder_tui.core.models.own_code import CONFIGURATIONS, classes_of
from encoder_tui.core.models.small_files import SMALL_FILE
from encoder_tui.core.models.trust import refuse_code
from encoder_tui.core.models.weight_files import DAMAGED, INDEX, named

NAMING: Final = ("configuration_files", "fast_tokenizer_files", "transformers_weights")
"""Settings that name further files beside the one that states them."""

KEPT: Final = "special_tokens_map_file"
"""A path on the machine where the tokenizer was saved; transformers keeps it but does not read it."""


def vet(
    name: str, directory: Path, *, own: str | None = None, runs_code: bool = False, allowed: Iterable[str] = ()
) -> None:
    """Raise `ModelError` for a directory that transformers must not read; merely damaged files pass.

    `own` is the model's Hub id, if it has one. `runs_code` says that its own code is trusted; `allowed` are others
    whose code it may run as well.
    """
    try:
        for file in [*directory.iterdir(), *directory.glob("additional_chat_templates/*")]:
            refuse_special(file)
            if file.name.endswith(INDEX):
                _refuse_large(name, file)
                _vet_index(directory, file)
        classes: set[str] = set()
        for file in sorted(directory.glob(CONFIGURATIONS)):
            _refuse_large(name, file)
            config = _read(file)
            _vet_settings(directory, file, config)
            refuse_beyond_bounds(name, config, file.name)
            classes |= classes_of(config)
    except NameRefused as error:
        raise ModelError(f"{name} {error}; it is not read") from error
    except OSError as error:
        raise ModelError(f"{name}: the directory cannot be read ({error.strerror or error})") from error
    if runs_code:
        refuse_code(name, directory, classes, own, allowed)


def _refuse_large(name: str, file: Path) -> None:
    """Raise `ModelError` for a file that would be passed over here because of its size, and read by transformers."""
    with contextlib.suppress(FileNotFoundError):
        if file.stat().st_size > SMALL_FILE:
            raise ModelError(f"{name}: {file.name} is larger than the {SMALL_FILE >> 20} MiB allowed")


def _read(file: Path) -> Any:
    """Return a configuration; None if it is not JSON."""
    try:
        return json.loads(read_file(file))
    except (OSError, ValueError, RecursionError):
        return None


def _vet_index(directory: Path, index: Path) -> None:
    """Raise `NameRefused` if an index of weights names a file outside the model's directory."""
    try:
        names = named(index)
    except (OSError, *DAMAGED):
        return
    for name in names:
        try:
            inside(directory, name, index)
        except NameRefused as error:
            raise NameRefused(f"has an index, {index.name}, that {error}") from error


def _vet_settings(directory: Path, file: Path, config: Any) -> None:
    """Raise `NameRefused` if a setting names a file outside the model's directory."""
    if not isinstance(config, dict):
        return
    for setting in NAMING:
        stated = config.get(setting)
        for name in stated if isinstance(stated, list) else [stated]:
            if isinstance(name, str):
                if "/" in name:
                    raise NameRefused(f"names {shown(name)}, which is not a file beside it")
                inside(directory, name, file)
    for setting, stated in config.items():
        # A path written on another machine may not exist here; transformers then reports it.
        if setting.endswith("_file") and setting != KEPT and isinstance(stated, str) and _exists(stated):
            try:
                inside(directory, stated, file)
            except NameRefused as error:
                raise NameRefused(
                    f"has {file.name}, whose {setting} names {shown(stated)}, which is not a file inside the folder"
                ) from error


def _exists(name: str) -> bool:
    try:
        return Path(name).expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        return False
