"""The columns of JSON lines: those of as much of a file as `datasets` looks at, without making every value of it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from typing import IO, Final

import msgspec

from encoder_tui.core.text.safe import without_surrogates
from encoder_tui.engine.documents.sources.features import NULL, OTHER, Feature, merged, of_value

LOOKED_AT: Final = 10 << 20
"""Bytes at the beginning of a file that determine its columns, as in `datasets`."""

PIECE: Final = 1 << 19
"""Bytes that are decoded at a time."""

EXAMPLES: Final = 20
"""How many values that are not null determine what a column holds."""

_TIME: Final = re.compile(
    r'"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}(?::[0-9]{2}(?::[0-9]{2})?)?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"'
)
"""How a string looks that pyarrow, and so `datasets`, takes for a time if all others of its column look so too."""

_NONE: Final = msgspec.Raw(b"null")
_ROWS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)


def look_ahead(file: IO[bytes], features: dict[str, Feature]) -> None:
    """Add columns that appear, or are not null, only later in a file than in the rows that `features` describes.

    The file is at its first row.

    Stops at the first line that is no JSON object; whoever reads that far says so.
    """
    looked_at = 0
    while looked_at < LOOKED_AT and (piece := file.read(PIECE)):
        piece += file.readline(LOOKED_AT)
        looked_at += len(piece)
        try:
            if _has_only(piece, features):
                continue
            rows = [row for row in _ROWS.decode_lines(piece) if row is not None]
        except (ValueError, RecursionError):
            return
        for name in dict.fromkeys(name for row in rows for name in row):
            column = without_surrogates(name)
            if features.get(column, NULL) == NULL:
                features[column] = _found(rows, name)


def is_time(value: str) -> bool:
    """Return whether pyarrow takes a string of JSON, in its quotes, for a time."""
    if _TIME.fullmatch(value) is None:
        return False
    try:
        datetime.datetime.fromisoformat(value[1:11])
    except ValueError:
        return False
    return True


def leave_out_times(file: IO[bytes], features: dict[str, Feature], names: Iterable[str]) -> None:
    """Mark those of the named columns as no text that have nothing but times in all of the rows looked at.

    The file is at its first row.
    """
    left = set(names)
    looked_at = 0
    while left and looked_at < LOOKED_AT and (piece := file.read(PIECE)):
        piece += file.readline(LOOKED_AT)
        looked_at += len(piece)
        wanted = sorted(left)
        fields = [
            (f"f{place}", msgspec.Raw, msgspec.field(name=name, default=_NONE)) for place, name in enumerate(wanted)
        ]
        try:
            rows = msgspec.json.Decoder(msgspec.defstruct("Times", fields, gc=False) | None).decode_lines(piece)
        except (ValueError, TypeError, RecursionError):
            return
        for place, name in enumerate(wanted):
            values = {bytes(getattr(row, f"f{place}")) for row in rows if row is not None}
            if not all(is_time(value.decode("utf-8", "replace")) for value in values - {b"null"}):
                left.discard(name)
    for name in left:
        features[name] = OTHER


def _has_only(piece: bytes, features: dict[str, Feature]) -> bool:
    """Return whether rows have no column besides the known ones, none of which is null so far: quickly, as most do."""
    if NULL in features.values():
        return False
    known = [(f"f{place}", msgspec.Raw, msgspec.field(name=name, default=None)) for place, name in enumerate(features)]
    try:
        kind = msgspec.defstruct("Known", known, gc=False, forbid_unknown_fields=True)
        msgspec.json.Decoder(kind).decode_lines(piece)
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _found(rows: list[dict[str, msgspec.Raw]], name: str) -> Feature:
    found = NULL
    examples = 0
    for row in rows:
        value = row.get(name)
        if value is not None and bytes(value) != b"null":
            found = merged(found, of_value(msgspec.json.decode(value)))
            examples += 1
            if examples == EXAMPLES:
                break
    return found
