"""Reading the small JSON files of a model's directory; each may be hostile, too large, or missing."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Final

import msgspec

from encoder_tui.core.files.private import open_file
from encoder_tui.core.models.names import ModelError
from encoder_tui.core.text.safe import shorten, visible

SMALL_FILE: Final = 64 << 20
"""Bytes; the largest tokenizer.json in use (XLM-R's kind) has 17 MB, the smallest weights have more than this."""
POINTER: Final = b"version https://git-lfs.github.com/spec/v1\n"
"""How a file begins that Git LFS left in place of a large one."""
POINTER_WORDS: Final = "is a Git LFS pointer and not the file itself; run git lfs pull in its directory"
LARGEST_POINTER: Final = 1024
"""Bytes; Git LFS writes about 130."""

Object = dict[str, Any]


def read_object(name: str, directory: Path, file: str) -> Object | None:
    """Return the JSON object in a file of a model's directory; None if the file does not exist.

    `name` is the model's. Raises `ModelError`, naming the file, if it holds something else or must not be read.
    """
    found: Object | None = _read(name, directory, file, dict)
    return found


def read_list(name: str, directory: Path, file: str) -> list[Any] | None:
    """Return the JSON list in a file; None if the file does not exist. Raises `ModelError` as `read_object` does."""
    found: list[Any] | None = _read(name, directory, file, list)
    return found


def _read(name: str, directory: Path, file: str, kind: type) -> Any:
    shown = f"{shorten(visible(name), 200)}: {shorten(visible(file), 80)}"
    try:
        with os.fdopen(open_file(directory / file, os.O_RDONLY), "rb") as opened:
            data = opened.read(SMALL_FILE + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise ModelError(f"{shown} cannot be read ({error.strerror or error})") from error
    if len(data) > SMALL_FILE:
        raise ModelError(f"{shown} is larger than the {SMALL_FILE >> 20} MiB allowed")
    return parsed(shown, data, kind)


def parsed(shown: str, data: bytes, kind: type) -> Any:
    """Return the JSON value in a file's bytes, which must be a `kind`, dict or list. Raises `ModelError`.

    `shown` is the model's name and the file's; the message begins with it.
    """
    if data.startswith(POINTER):
        raise ModelError(f"{shown} {POINTER_WORDS}")
    try:
        # transformers writes 10^30 for a length without bounds, and frames hold 64 bits: it becomes a float.
        value = json.loads(data, parse_int=lambda digits: int(digits) if len(digits) < 19 else float(digits))
        msgspec.msgpack.encode(value)  # half of a surrogate pair is valid JSON, and cannot cross a pipe
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{shown} is not valid JSON ({error})") from error
    if not isinstance(value, kind):
        raise ModelError(f"{shown} does not hold a JSON {'list' if kind is list else 'object'}")
    return value


def pointer_size(path: Path) -> int | None:
    """Return the size of the file that a Git LFS pointer refers to (0 if not stated); None if it is not a pointer."""
    try:
        if path.stat().st_size > LARGEST_POINTER:
            return None
        with os.fdopen(open_file(path, os.O_RDONLY), "rb") as opened:
            data = opened.read(LARGEST_POINTER)
    except OSError:
        return None
    if not data.startswith(POINTER):
        return None
    stated = re.search(rb"^size (\d{1,18})$", data, re.MULTILINE)
    return int(stated[1]) if stated else 0


def text_of(value: Any) -> str | None:
    """Return a value if it is a non-empty text, otherwise None."""
    return value if isinstance(value, str) and value else None


def number_of(value: Any) -> int | None:
    """Return a value if it is a positive integer, otherwise None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
