"""Reading the headers of safetensors files without the library and without trusting them.

A file begins with eight bytes, the little-endian length of the header; the header is a JSON object that gives
every tensor's dtype, shape and place; the values follow. A header is untrusted: nothing is allocated or read
by its numbers before they are checked against the size of the file.
"""

from __future__ import annotations

import os
import struct
from math import prod
from pathlib import Path
from typing import Final

import msgspec

from encoder_tui.core.dtypes import BY_SAFETENSORS, bits
from encoder_tui.core.files.outside_names import NameRefused, refuse_name
from encoder_tui.core.files.private import open_file
from encoder_tui.core.text.safe import shorten, visible

PREFIX: Final = 8
LONGEST_HEADER: Final = 100_000_000
"""Bytes; the bound of the safetensors library."""
MOST_TENSORS: Final = 100_000
"""No encoder has more."""
MOST_DIMENSIONS: Final = 64
"""torch's own bound."""


class HeaderError(ValueError):
    """A file is not a valid safetensors file; the message says why."""


class Entry(msgspec.Struct, frozen=True):
    """One tensor: torch's name of its dtype, and where in the file its values begin and end."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class _Written(msgspec.Struct):
    """An entry as it is in the header."""

    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


def header_length(prefix: bytes, file_size: int) -> int:
    """Return the length of the header, from the first eight bytes of a file of this size. Raises `HeaderError`."""
    if file_size < PREFIX or len(prefix) < PREFIX:
        raise HeaderError(f"the file has {file_size:,} bytes, too few for a safetensors file")
    length: int = struct.unpack("<Q", prefix[:PREFIX])[0]
    if length > LONGEST_HEADER:
        raise HeaderError(f"the header claims {length:,} bytes; at most {LONGEST_HEADER:,} are allowed")
    if PREFIX + length > file_size:
        raise HeaderError(f"the header claims {length:,} bytes, but the file has {file_size:,}: it is truncated")
    return length


def parse_header(body: bytes, file_size: int) -> list[Entry]:
    """Return the tensors that a header describes, in the order of their values. Raises `HeaderError`.

    `body` is the header without its eight-byte prefix. Every dtype, size and place is checked against the others
    and against the size of the file.
    """
    if not body.startswith(b"{"):
        raise HeaderError("the header does not begin with an object")
    # Count the entries before building anything: every entry has this word.
    if body.count(b'"data_offsets"') > MOST_TENSORS:
        raise HeaderError(f"the header lists more than {MOST_TENSORS:,} tensors, which no encoder has")
    try:
        raw = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise HeaderError(f"the header is not valid JSON ({error})") from error
    raw.pop("__metadata__", None)
    if len(raw) > MOST_TENSORS:
        raise HeaderError(f"the header lists {len(raw):,} tensors, more than any encoder has")
    first = PREFIX + len(body)
    entries = sorted(
        (_entry(name, written, first) for name, written in raw.items()), key=lambda entry: (entry.start, entry.end)
    )
    place = first
    for entry in entries:
        if entry.start < place:
            raise HeaderError(f"{_shown(entry.name)} overlaps the tensor before it")
        if entry.start > place:
            raise HeaderError(f"{entry.start - place:,} bytes before {_shown(entry.name)} belong to no tensor")
        place = entry.end
    if place > file_size:
        raise HeaderError(
            f"the tensors need {place:,} bytes, but the file has {file_size:,}: it is truncated, fetch it again"
        )
    if place < file_size:
        raise HeaderError(f"{file_size - place:,} bytes at the end of the file belong to no tensor")
    return entries


def _entry(name: str, written: msgspec.Raw, first: int) -> Entry:
    try:
        stated = msgspec.json.decode(written, type=_Written)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise HeaderError(f"the entry of {_shown(name)} is malformed ({error})") from error
    dtype = BY_SAFETENSORS.get(stated.dtype)
    if dtype is None:
        raise HeaderError(f"{_shown(name)} has the unknown dtype {_shown(stated.dtype)}")
    start, end = stated.data_offsets
    if len(stated.shape) > MOST_DIMENSIONS or any(not 0 <= side < 2**63 for side in stated.shape):
        raise HeaderError(f"{_shown(name)} has an impossible shape")
    if not 0 <= start <= end:
        raise HeaderError(f"{_shown(name)} ends before it begins")
    needed = prod(stated.shape) * bits(dtype)
    if needed != 8 * (end - start):
        raise HeaderError(f"{_shown(name)} needs {-(-needed // 8):,} bytes by its shape but has {end - start:,}")
    return Entry(name, dtype, tuple(stated.shape), first + start, first + end)


def _shown(name: str) -> str:
    return shorten(visible(name), 60)


def read_header(path: Path) -> list[Entry]:
    """Return the tensors of a file. Raises `HeaderError`, or OSError if it cannot be read."""
    with os.fdopen(open_file(path, os.O_RDONLY), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = header_length(file.read(PREFIX), size)
        return parse_header(file.read(length), size)


def parse_index(data: bytes) -> list[str]:
    """Return the files that `model.safetensors.index.json` names, each once, sorted. Raises `HeaderError`."""
    try:
        index = msgspec.json.decode(data, type=_Index)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise HeaderError(f"the index of the shards is malformed ({error})") from error
    shards = sorted(set(index.weight_map.values()))
    for shard in shards:
        if not shard.endswith(".safetensors"):
            raise HeaderError(f"the index of the shards names {_shown(shard)}, which is not a safetensors file")
        try:
            refuse_name(shard)
        except NameRefused as error:
            raise HeaderError(f"the index of the shards {error}") from error
    return shards


class _Index(msgspec.Struct):
    """The part of the index that is read."""

    weight_map: dict[str, str]
